"""Data that leads out of its folder: by paths in lists and tables, and by links.

A secret lies in another folder, a key and a picture. No reader may open them, whatever the error
says; an audit hook sees what Python opens.
"""

import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from lanzdml.config.config import parse_config
from lanzdml.datasets import DATASETS, OwnDataset, files_read, images_listed
from lanzdml.datasets.download import download
from lanzdml.datasets.images import Images, exclude_unreadable
from lanzdml.datasets.inside import Places
from lanzdml.datasets.manifest import split_excluded
from lanzdml.errors import LanzdmlError
from lanzdml.files import sample_of
from lanzdml.plan.given import Given
from tests.attacks.bounded import attack
from tests.attacks.home import OPENED, left_alone
from tests.raw_datasets import BUILDERS, save_annotations, save_image
from tests.test_workflow import SMALL, planned_jobs, snakemake, working_folder

CUB = "CUB_200_2011"
READERS = [name for name in BUILDERS if name != "demo_cars"]


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


@pytest.fixture
def make_pipe():
    """Makes pipes that nobody writes to; what waits for one fails."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits for a pipe"))
    signal.alarm(20)
    yield os.mkfifo
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def dataset_of(name):
    return DATASETS[name.split()[0]]


def refused(read, *arguments):
    """The one line of what is refused."""
    with pytest.raises(LanzdmlError) as caught:
        read(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert "sk-not" not in message
    assert "BEGIN" not in message
    return message


def link(path, target):
    """Put a link in place of a file or folder that may be there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


# Images of the five datasets


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["file", "far file", "folder", "device", "pipe"])
def test_images_that_are_links_out(name, kind, home, data, make_pipe):
    path = data / BUILDERS[name](data)["path"].iloc[-1]
    OPENED.clear()
    says = f"lies at {home}/pictures/a.jpg, outside of {data}: copy it there or, if it may be read"
    if kind == "file":
        link(path, home / "pictures/a.jpg")
    elif kind == "far file":
        link(path, os.path.relpath(home / "pictures/a.jpg", path.parent))
    elif kind == "folder":
        shutil.copytree(path.parent, home / "pictures", dirs_exist_ok=True)
        OPENED.clear()
        link(path.parent, home / "pictures")
        says = f"lies at {home}/pictures"
    elif kind == "device":
        link(path, "/dev/zero")
        # Else the folder's own list does without what is no file.
        says = "lies at /dev/zero, outside of" if name == "movie_posters" else "1 of "
    else:
        path.unlink()
        make_pipe(path)
        says = "is a pipe or a device" if name == "movie_posters" else "1 of "
    if name == "movie_posters" and kind == "folder":  # `**` goes through no link
        manifest, _ = split_excluded(dataset_of(name).read_manifest(data))
        assert str(path.relative_to(data)) not in manifest["path"].tolist()
    else:
        assert says in refused(dataset_of(name).read_manifest, data)


@pytest.mark.parametrize("name", READERS)
def test_collections_that_are_links_out(name, home, data):
    first = BUILDERS[name](data)["path"].iloc[0].split("/")[0]
    shutil.move(data / first, home / first)
    (data / first).symlink_to(home / first)
    OPENED.clear()
    message = refused(dataset_of(name).read_manifest, data)
    assert f"{data}/{first}" in message
    assert f"lies at {home}/{first}" in message
    assert "add its folder to linked" in message
    assert not images_listed(dataset_of(name), data)


@pytest.mark.parametrize(
    ("name", "file", "old", "where"),
    [
        ("cub200", f"{CUB}/images.txt", "120.Fox_Sparrow/Fox_Sparrow_0011_114887.jpg", "line 5"),
        ("cub200", f"{CUB}/classes.txt", "101.White_Pelican", "line 3"),
        ("deepfashion", "Anno_fine/test.txt", "img/Anorak/img_00000001.jpg", "line 2"),
        ("cars196 split", "devkit/cars_train_annos.mat", None, "annotation 2"),
    ],
)
@pytest.mark.parametrize("way", ["/etc/passwd", "../../a.jpg", "img/../../a.jpg", "img/.."])
def test_lists_that_name_files_elsewhere(name, file, old, where, way, home, data):
    BUILDERS[name](data)
    if old:
        (data / file).write_text((data / file).read_text().replace(old, way))
    else:
        save_annotations(data / file, "fname", [("00001.jpg", 1), (way, 99)])
    message = refused(dataset_of(name).read_manifest, data)
    assert message.startswith(f"{data / file}, {where}: {way} leads out of its folder, as in no")


# Their annotations


def annotations():
    """Each file beside the images of each layout."""
    beside = {
        "synthetic_cars": ["cars.csv"],
        "synthetic_cars release": ["samples.csv"],
        "cars196": ["cars_annos.mat", "car_color.csv"],
        "cars196 split": [
            "devkit/cars_train_annos.mat", "cars_test_annos_withlabels.mat", "devkit/cars_meta.mat"
        ],
        "cub200": [
            *(f"{CUB}/{name}.txt" for name in ("images", "image_class_labels", "classes")),
            "attributes.txt", f"{CUB}/attributes/image_attribute_labels.txt",
        ],
        "deepfashion": [
            f"Anno_fine/{name}.txt"
            for name in (
                "test", "test_cate", "test_attr", "list_category_cloth", "list_attr_cloth"
            )
        ],
        "movie_posters": ["groundtruth/1980.txt"],
        "clevr4": ["clevr_4_annots.json"],
        "stanford40": [
            "ImageSplits/actions.txt", "ImageSplits/applauding_train.txt", "location.txt",
            "mood.txt",
        ],
    }  # fmt: skip
    return [(name, file) for name, files in beside.items() for file in files]


@pytest.mark.parametrize(("name", "file"), annotations())
def test_annotations_that_are_links_out(name, file, home, data):
    """The error would quote a line of it."""
    BUILDERS[name](data)
    link(data / file, home / "id_rsa")
    message = refused(dataset_of(name).read_manifest, data)
    assert message.startswith(f"{data / file} lies at {home}/id_rsa, outside of {data}: copy it")
    assert data / file not in files_read(dataset_of(name), data)


@pytest.mark.parametrize(("name", "file"), annotations())
def test_annotations_that_never_end(name, file, data):
    BUILDERS[name](data)
    link(data / file, "/dev/zero")
    outcome = attack(dataset_of(name).read_manifest, data, cpu_seconds=5)
    assert f"{data / file} lies at /dev/zero, outside of" in outcome.error
    assert data / file not in files_read(dataset_of(name), data)


@pytest.mark.parametrize(("name", "file"), annotations())
def test_annotations_that_wait_for_somebody_to_write(name, file, data, make_pipe):
    BUILDERS[name](data)
    (data / file).unlink()
    make_pipe(data / file)
    message = refused(dataset_of(name).read_manifest, data)
    assert message == f"{data / file} is a pipe or a device, and no file"


@pytest.mark.parametrize(
    ("name", "folder", "decoy"),
    [("deepfashion", "Anno_fine", "x.txt"), ("cub200", CUB, "../images.txt")],
)
def test_annotations_behind_others_of_their_names(name, folder, decoy, home, data):
    """What is looked up for a plan need not be what is read."""
    BUILDERS[name](data)
    (data / "below").mkdir()
    shutil.move(data / folder, data / "below")
    (data / folder).mkdir()
    (data / folder / decoy).write_text("1 x\n")
    file = "test.txt" if name == "deepfashion" else "images.txt"
    link(data / "below" / folder / file, home / "id_rsa")
    assert f"{file} lies at {home}/id_rsa" in refused(DATASETS[name].read_manifest, data)


@pytest.mark.parametrize(
    ("name", "archive"),
    [("cub200", "CUB_200_2011.tgz"), ("cars196", "car_ims.zip"), ("deepfashion", "img.zip")],
)
def test_archives_that_are_links_out(name, archive, home, data):
    """It would be unpacked into the data."""
    BUILDERS[name](data)
    folder = {"cub200": CUB, "cars196": "car_ims", "deepfashion": "Img"}[name]
    kind = "gztar" if archive.endswith("tgz") else "zip"
    private = shutil.make_archive(str(home / "backup"), kind, data, folder)
    shutil.rmtree(data / folder)
    link(data / archive, private)
    OPENED.clear()
    message = refused(DATASETS[name].read_manifest, data)
    assert message.startswith(f"{data / archive} lies at {private}, outside of")
    assert not (data / f"{archive}.unpacked").exists()
    assert data / archive not in files_read(DATASETS[name], data)


def test_downloads_that_would_be_written_elsewhere(home, data):
    """A part that is a link is written through it, and one to nothing made."""
    source = DATASETS["cub200"].download
    for target in (home / "id_rsa", home / "nothing"):
        link(data / f"{source.file}.part", target)
        message = refused(download, "cub200", source, data)
        assert f"{source.file}.part lies at {target}, outside of {data}" in message
    (data / f"{source.file}.part").unlink()
    link(data / source.file, "/dev/zero")
    assert "lies at /dev/zero" in refused(download, "cub200", source, data)
    source = DATASETS["clevr4"].download
    for target in (home / "id_rsa", home / "nothing"):
        link(data / source.sums, target)
        message = refused(download, "clevr4", source, data)
        assert f"{source.sums} lies at {target}, outside of {data}" in message


# Tables of the user's own


@pytest.fixture
def own(data):
    for name in ("a.png", "b.png", "sub/c.png"):
        save_image(data / name)
    return data


def table_of(folder, kind, column, named):
    """A table whose second row names something; its images else are honest."""
    cells = {"image": ["a.png", "b.png"], "mask": ["b.png", ""], "color": ["red", "blue"]}
    cells[column] = ["a.png", named]
    path = folder / f"labels.{kind.split()[-1]}"
    if kind == "datasets' parquet":
        cells["mask"] = [cell or None for cell in cells["mask"]]
        cells |= {
            name: [{"bytes": None, "path": cell} for cell in cells[name]]
            for name in ("image", "mask")
        }
    if kind.endswith("parquet"):
        table = pa.table(cells)
        if kind == "datasets' parquet":
            struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            for at, name in enumerate(("image", "mask")):
                table = table.set_column(at, name, pa.array(cells[name], struct))
        pq.write_table(table, path)
    else:
        pd.DataFrame(cells).to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    return path


KINDS = ["csv", "tsv", "parquet", "datasets' parquet"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", ["image", "mask"])
@pytest.mark.parametrize(
    "way", ["absolute", "climbing", "back and forth", "link", "folder", "chain", "environment"]
)
def test_tables_that_name_files_elsewhere(kind, column, way, home, own):
    target = home / "id_rsa"
    if way == "environment":
        target = Path("/proc/self/environ")
        named = str(target)
    elif way == "absolute":
        named = str(target)
    elif way == "climbing":
        named = "../home/id_rsa"
    elif way == "back and forth":
        named = "sub/../../home/../home/id_rsa"
    elif way == "link":
        (own / "x.png").symlink_to(target)
        named = "x.png"
    elif way == "folder":
        (own / "more").symlink_to("../home")
        named = "more/id_rsa"
    else:
        (own / "sub/one").symlink_to("../two")
        (own / "two").symlink_to("../home")
        named = "sub/one/id_rsa"
    table = table_of(own, kind, column, named)
    message = refused(OwnDataset(table).read_manifest, own)
    where = "row 1" if kind.endswith("parquet") else "line 3"
    assert message.startswith(f"{table}, {where}: {column} {named} lies at ")
    assert f"{os.path.realpath(target)}, outside of {own}: copy it there or, if it" in message


@pytest.mark.parametrize("column", ["image", "mask"])
@pytest.mark.parametrize("target", ["/dev/zero", "pipe"])
def test_tables_that_name_what_never_ends(column, target, own, make_pipe):
    make_pipe(own / "pipe")
    (own / "x.png").symlink_to(target)
    for named in ("x.png", target):
        table = table_of(own, "csv", column, named)
        outcome = attack(OwnDataset(table).read_manifest, own, cpu_seconds=5)
        assert f"line 3: there is no {column} {named} in {own}" in outcome.error


def test_tables_may_lead_about_within_their_folder(own):
    (own / "more").symlink_to("sub")
    (own / "x.png").symlink_to(own / "a.png")
    for named in ("more/c.png", "x.png", "sub/../a.png", str(own / "sub/c.png")):
        table = table_of(own, "csv", "mask", named)
        assert OwnDataset(table).read_manifest(own)["mask"].notna().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_root_that_is_a_link_itself(kind, own, tmp_path):
    table = table_of(own, kind, "mask", "sub/c.png")
    (tmp_path / "here").symlink_to(own)
    (tmp_path / table.name).symlink_to(table)
    dataset = OwnDataset(tmp_path / table.name)
    assert len(dataset.read_manifest(tmp_path / "here")) == 2


# Manifests of somebody else's results


@pytest.mark.parametrize("way", ["absolute", "climbing", "link"])
def test_manifests_that_name_files_elsewhere(way, home, own):
    (own / "x.png").symlink_to(home / "pictures/a.jpg")
    target = str(home / "pictures/a.jpg")
    named = {"absolute": target, "climbing": "../home/pictures/a.jpg", "link": "x.png"}[way]
    for column in ("path", "image"):
        manifest = pd.DataFrame({"image_id": ["1", "2"], column: ["a.png", named]})
        images = Images(manifest, own)
        assert images[0].size == (12, 8)
        words = f"image 2 ({own / named}) lies at {target}, outside of {own}"
        assert words in refused(images.__getitem__, 1)
        assert words in refused(exclude_unreadable, manifest, own)


def test_manifests_that_name_what_never_ends(own, make_pipe):
    make_pipe(own / "pipe")
    manifest = pd.DataFrame({"image_id": ["1", "2"], "path": ["pipe", "/dev/zero"]})
    images = Images(manifest, own)
    assert "image 1" in refused(images.__getitem__, 0)
    assert "lies at /dev/zero" in refused(images.problem_of, 1)


# Plans


def config_of(name, **source):
    """The small configuration with a dataset in place of its own."""
    notion = {"template": "a {aspect}", "aspects": ["x", "y"]}
    dataset = {**source, "notions": {DATASETS[name].notions[0]: notion}}
    return SMALL | {"datasets": {name: dataset}, "experiments": {}, "figures": {}}


def contents_of(name, root, **source):
    return Given(parse_config(config_of(name, root=str(root), **source))).dataset_contents(name)


@pytest.mark.parametrize("name", READERS)
def test_plans_read_nothing_elsewhere(name, home, data):
    BUILDERS[name](data)
    name = name.split()[0]
    honest = contents_of(name, data)
    for path in [
        path for kind in ("txt", "csv", "mat", "json") for path in data.rglob(f"*.{kind}")
    ]:
        link(path, home / "id_rsa")
    for archive in ("CUB_200_2011.tgz", "car_ims.tgz"):
        link(data / archive, "/dev/zero")
    _, *of_honest_files = honest
    *files, _ = contents_of(name, data)
    assert of_honest_files
    assert not files


def test_a_plan_goes_through_no_folder_elsewhere(data, tmp_path, monkeypatch):
    for number in range(3):
        save_image(tmp_path / f"home/{number}/{number}.jpg")
    (data / "Movie_Poster_Dataset").symlink_to(tmp_path / "home")
    dataset, scandir, listed = DATASETS["movie_posters"], os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
    assert not images_listed(dataset, data)
    assert f"{data}/Movie_Poster_Dataset/0" not in listed
    assert len(images_listed(dataset, data, [str(tmp_path / "home")])) == 3


def test_the_sample_of_a_device_ends():
    assert attack(sample_of, "/dev/zero", cpu_seconds=5, gib=0.5).value


def test_a_run_says_it_in_one_line(home, data, tmp_path):
    BUILDERS["cub200"](data)
    link(data / CUB / "images.txt", home / "id_rsa")
    folder = working_folder(tmp_path / "run", config_of("cub200", root=str(data)))
    arguments = ("--cores", 1, "results/datasets/cub200/manifest.parquet")
    returned, output = snakemake(folder, *arguments, check=False)
    assert returned
    assert "sk-not" not in output
    assert "Traceback" not in output
    (line,) = [line for line in output.splitlines() if line.startswith("Error: ")]
    assert line.startswith(f"Error: {data / CUB}/images.txt lies at {home}/id_rsa, outside of")


# What is linked on purpose


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def move_to(disk, folder):
    """Move what is in a folder elsewhere, and leave links."""
    for path in list(folder.iterdir()):
        path.rename(disk / path.name)
        path.symlink_to(disk / path.name)


@pytest.mark.parametrize("name", READERS)
def test_folders_that_are_linked_on_purpose(name, data, disk, tmp_path):
    expected, dataset = BUILDERS[name](data), dataset_of(name)
    before = [files_read(dataset, data), images_listed(dataset, data)]
    move_to(disk, data)
    assert [files_read(dataset, data), images_listed(dataset, data)] == [[], []]
    (tmp_path / "other").mkdir()
    message = refused(dataset.read_manifest, data, [str(tmp_path / "other")])
    assert f"lies at {disk}" in message
    assert f"outside of {data} and {tmp_path}/other: copy it there or" in message
    (tmp_path / "short").symlink_to(disk)
    for linked in ([str(disk)], [str(tmp_path / "other"), str(tmp_path / "short")]):
        manifest, _ = split_excluded(dataset.read_manifest(data, linked))
        assert_frame_equal(manifest, expected)
        assert [files_read(dataset, data, linked), images_listed(dataset, data, linked)] == before


def test_tables_and_manifests_of_what_is_linked_on_purpose(own, disk):
    (own / "sub").rename(disk / "sub")
    (own / "sub").symlink_to(disk / "sub")
    for column in ("image", "mask"):
        dataset = OwnDataset(table_of(own, "csv", column, "sub/c.png"))
        assert "lies at" in refused(dataset.read_manifest, own)
        manifest = dataset.read_manifest(own, [str(disk)])
    manifest = OwnDataset(table_of(own, "csv", "image", "sub/c.png")).read_manifest(
        own, [str(disk)]
    )
    assert Images(manifest, own, [str(disk)])[1].size == (12, 8)
    assert exclude_unreadable(manifest, own, 1, [str(disk)])["excluded"].isna().all()
    assert Places(own / "a.png").problem_of(own / "a.png") is None, "a root that is a file"
    assert "lies at" in (Places(own / "a.png").problem_of(own / "b.png") or "")


def test_places_are_whole_names(own, tmp_path):
    """A folder is not within another one whose name begins as its own does."""
    save_image(tmp_path / "data2/a.png")
    assert "lies at" in (Places(own).problem_of(tmp_path / "data2/a.png") or "")
    assert Places(Path("/")).problem_of(own / "a.png") is None


@pytest.mark.parametrize(
    "target",
    [
        "datasets/cub200/manifest.parquet",
        # A model takes long to load.
        pytest.param("embeddings/cub200/demo-S/images.parquet", marks=pytest.mark.slow),
    ],
)
def test_a_run_of_what_is_linked_on_purpose(target, data, disk, tmp_path):
    """Another list of such folders makes nothing anew."""
    BUILDERS["cub200"](data)
    move_to(disk, data)
    for linked, dry in (([str(disk)], []), ([str(disk), str(tmp_path)], ["--dry-run"])):
        config = config_of("cub200", root=str(data), linked=linked)
        folder = working_folder(tmp_path / "run", config)
        output = snakemake(folder, "--cores", 1, *dry, f"results/{target}")
    assert (folder / "results" / target).is_file()
    assert not planned_jobs(output)
