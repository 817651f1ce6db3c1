"""What others put in place of collections that torchvision reads: links, lists, pickles, archives.

Torchvision opens what it likes below its root, so all of that is looked at before.
"""

import os
import pickle
import shutil
import tarfile
from pathlib import Path

import pytest

from lanzdml.datasets import find_dataset
from lanzdml.datasets.from_torchvision import CLASSES, NOT_GIVEN
from lanzdml.errors import LanzdmlError
from tests.attacks.home import OPENED, SECRET, left_alone
from tests.torchvision_datasets import BUILDERS, SECTIONS, build


@pytest.fixture
def home(tmp_path):
    """What is nobody's business; nothing in it is opened."""
    with left_alone(tmp_path / "home") as home:
        yield home


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def dataset_of(name):
    return find_dataset("mine", torchvision=SECTIONS[name])


def refused(name, data, linked=()):
    with pytest.raises(LanzdmlError) as caught:
        dataset_of(name).read_manifest(data, linked)
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    return message


@pytest.mark.parametrize("name", BUILDERS)
def test_images_that_are_links_out(name, home, data, monkeypatch):
    path = data / build(name, data, monkeypatch)["path"].iloc[-1]
    path.unlink()
    path.symlink_to(home / "pictures/a.jpg")
    OPENED.clear()
    assert f"lies at {home}/pictures/a.jpg, outside of {data}: copy it" in refused(name, data)


@pytest.mark.parametrize("name", BUILDERS)
def test_folders_that_are_links_out(name, home, data, monkeypatch):
    expected = build(name, data, monkeypatch)
    first = expected["path"].iloc[0].partition("/")[0]
    shutil.move(data / first, home / first)
    (data / first).symlink_to(home / first)
    OPENED.clear()
    assert f"{data}/{first} lies at {home}/{first}, outside of {data}" in refused(name, data)
    assert not [path for path in OPENED if Path(path).is_relative_to(home)]
    assert len(dataset_of(name).read_manifest(data, [str(home / first)])) == len(expected)
    OPENED.clear()  # what may be read now


FILES = {
    "FGVCAircraft": "fgvc-aircraft-2013b/data/images_family_test.txt",
    "OxfordIIITPet": "oxford-iiit-pet/annotations/test.txt",
    "Flowers102": "flowers-102/setid.mat",
    "Food101": "food-101/meta/test.json",
    "DTD": "dtd/dtd/labels/test1.txt",
    "GTSRB": "gtsrb/GT-final_test.csv",
    "SUN397": "SUN397/ClassName.txt",
}


@pytest.mark.parametrize(("name", "file"), FILES.items())
@pytest.mark.parametrize("kind", ["link", "pipe", "device"])
def test_lists_that_are_not_files_of_the_folder(kind, name, file, home, data, monkeypatch):
    build(name, data, monkeypatch)
    (data / file).unlink()
    if kind == "pipe":
        os.mkfifo(data / file)
        assert f"{data}/{file} is a pipe or a device, and no file" in refused(name, data)
        return
    target = home / "id_rsa" if kind == "link" else "/dev/zero"
    (data / file).symlink_to(target)
    OPENED.clear()
    assert f"{data}/{file} lies at {target}, outside of {data}" in refused(name, data)


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("FGVCAircraft", "images_{}_test.txt", "1340192", "../../../../home/pictures/a"),
        ("OxfordIIITPet", FILES["OxfordIIITPet"], "american_bulldog_3", "../../../home/pictures/a"),
        ("Food101", FILES["Food101"], "apple_pie/7", "../../../home/pictures/a"),
        (
            "DTD",
            FILES["DTD"],
            "banded/banded_0002.jpg",
            "banded/../../../../../home/pictures/a.jpg",
        ),
        ("GTSRB", FILES["GTSRB"], "00001.ppm", "../../../../../home/pictures/a.jpg"),
    ],
)
def test_lists_that_lead_out(name, file, old, new, home, data, monkeypatch):
    build(name, data, monkeypatch)
    levels = ("variant", "family", "manufacturer")
    names = [f"fgvc-aircraft-2013b/data/{file}".format(each) for each in levels]
    for each in names if name == "FGVCAircraft" else [file]:
        text = (data / each).read_text()
        assert old in text
        (data / each).write_text(text.replace(old, new))
    OPENED.clear()
    # DTD's lines are to have one slash.
    assert ("cannot be read from" if name == "DTD" else "pictures/a.jpg, outside of") in refused(
        name, data
    )


def test_an_absolute_path_in_a_list(home, data, monkeypatch):
    build("FGVCAircraft", data, monkeypatch)
    for path in data.glob("fgvc-aircraft-2013b/data/images_*_test.txt"):
        path.write_text(path.read_text().replace("1340192", f"{home}/pictures/a"))
    OPENED.clear()
    assert "a.jpg lies at " in refused("FGVCAircraft", data)


def test_folders_that_go_round(data, monkeypatch):
    build("ImageFolder", data, monkeypatch)
    (data / "blue/again").symlink_to(data)
    assert "leads to a folder that is there already" in refused("ImageFolder", data)


def test_a_root_is_no_home(data, monkeypatch):
    """What torchvision would take for one."""
    monkeypatch.chdir(data)
    monkeypatch.setenv("HOME", str(data.parent / "home"))
    build("DTD", data / "~", monkeypatch)
    assert len(dataset_of("DTD").read_manifest(Path("~"))) == 2


def test_a_list_of_any_size(data, monkeypatch):
    build("Food101", data, monkeypatch)
    with open(data / FILES["Food101"], "wb") as file:
        file.truncate(2**40)
    assert "has more than 1,024 MiB; if that is right, raise limits.table_mib" in refused(
        "Food101", data
    )


class Call:
    """What makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("file", ["train", "test", "meta"])
def test_a_pickle_with_another_checksum_is_not_opened(file, data, monkeypatch):
    build("CIFAR100", data, monkeypatch)
    called = data.parent / "called"
    (data / "cifar-100-python" / file).write_bytes(pickle.dumps(Call(str(called))))
    assert "or not as it was published" in refused("CIFAR100", data)
    assert not called.exists()


def test_no_class_that_is_read_takes_other_ways_in():
    """Those that unpickle without a checksum, unpack or fetch when they are made."""
    assert not {"ImageNet", "LSUN", "MNIST", "PhotoTour", "SEMEION", "Places365"} & set(CLASSES)
    assert {"root", "download", "transform", "target_transform", "loader"} <= set(NOT_GIVEN)


@pytest.mark.parametrize("entry", ["../out.txt", "/tmp/lanzdml-out.txt", "link"])
def test_what_is_downloaded_unpacks_into_its_folder_only(entry, data, monkeypatch):
    from torchvision.datasets import utils

    def fetch(url, root, filename=None, md5=None):
        with tarfile.open(os.path.join(root, filename), "w:gz") as archive:
            info = tarfile.TarInfo(entry)
            if entry == "link":
                info.type, info.linkname = tarfile.SYMTYPE, "../.."
            archive.addfile(info)

    def unguarded(self, *given, **named):  # as torchvision 0.21 calls it
        named.pop("filter", None)
        return extract(self, *given, **named)

    extract = tarfile.TarFile.extractall
    monkeypatch.setattr(tarfile.TarFile, "extractall", unguarded)
    monkeypatch.setattr(utils, "download_url", fetch)
    with pytest.raises(LanzdmlError, match="cannot be downloaded"):
        dataset_of("FGVCAircraft").fetch("mine", data)
    assert not (data.parent / "out.txt").exists()
    assert not (data / "link").is_symlink()
    assert not Path("/tmp/lanzdml-out.txt").exists()


def test_a_download_does_not_write_through_a_link(home, data):
    (data / "fgvc-aircraft-2013b.tar.gz").symlink_to(home / "id_rsa")
    with pytest.raises(LanzdmlError, match="outside of"):
        dataset_of("FGVCAircraft").fetch("mine", data)
