"""Archives: unpacked once and completely, and never anything outside of their folder."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from lanzdml.datasets import archives
from lanzdml.datasets.archives import is_archive, unpacked
from lanzdml.errors import LanzdmlError

FILES = {"cars/a.txt": b"alpha", "cars/deep/b.txt": b"", "c.txt": b"gamma"}


def make_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path, files=FILES):
    mode = "w" if path.suffix == ".tar" else "w:gz"
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            add(archive, name, content)
    return path


def add(archive, name, content=b"", **attributes):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    archive.addfile(member, io.BytesIO(content))


MAKERS = {"x.zip": make_zip, "x.tgz": make_tar, "x.tar.gz": make_tar, "X.TGZ": make_tar,
          "x.tar": make_tar}  # fmt: skip


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def refusal(path, **options):
    """The message; nothing is left behind in the archive's folder or beside it."""
    before = set(path.parent.parent.rglob("*"))
    with pytest.raises(LanzdmlError) as caught:
        unpacked(path, **options)
    assert set(path.parent.parent.rglob("*")) == before
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", MAKERS)
def test_unpacks_beside_the_archive_once(name, tmp_path):
    archive = MAKERS[name](tmp_path / name)
    folder = unpacked(archive)
    assert folder == tmp_path / f"{name}.unpacked"
    assert contents(folder) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, f"{name}.unpacked"]
    (folder / "c.txt").write_bytes(b"changed")
    assert contents(unpacked(archive))["c.txt"] == b"changed"


def test_a_changed_archive_is_unpacked_anew(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    unpacked(archive)
    make_zip(archive, {"other.txt": b"other"})
    assert contents(unpacked(archive)) == {"other.txt": b"other"}


def test_into_a_cache(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    assert unpacked(archive, tmp_path / "new/cache") == tmp_path / "new/cache/x.zip.unpacked"
    assert not (tmp_path / "x.zip.unpacked").exists()


def test_other_paths_are_left_alone(tmp_path):
    (tmp_path / "folder.zip").mkdir()
    for name in ("folder.zip", "test.parquet", "missing.zip"):
        assert unpacked(tmp_path / name) == tmp_path / name
    assert not is_archive(tmp_path / "test.parquet")


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    (tmp_path / "x.zip.unpacked").mkdir()
    (tmp_path / "x.zip.unpacked/mine.txt").write_text("mine")
    with pytest.raises(LanzdmlError, match="is in the way of unpacking: move it"):
        unpacked(archive)
    assert (tmp_path / "x.zip.unpacked/mine.txt").read_text() == "mine"


def test_two_jobs_at_once(tmp_path, monkeypatch):
    archive, unpack = make_zip(tmp_path / "x.zip"), archives._unpack

    def slow(*arguments):
        monkeypatch.setattr(archives, "_unpack", unpack)
        unpacked(archive)  # the other job, from its beginning to its end
        unpack(*arguments)

    monkeypatch.setattr(archives, "_unpack", slow)
    assert contents(unpacked(archive)) == FILES
    assert len(list(tmp_path.iterdir())) == 2


OUTSIDE = ["/etc/passwd", "../evil.txt", "a/../../evil.txt", "..", "a\\..\\..\\evil.txt",
           "C:\\evil.txt", "\\evil.txt"]  # fmt: skip


@pytest.fixture
def inner(tmp_path):
    """A folder in a folder, so that what leads out of it can be seen."""
    (tmp_path / "inner").mkdir()
    return tmp_path / "inner"


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out(name, inner):
    assert "leads out of its folder" in refusal(make_zip(inner / "x.zip", {name: b"evil"}))
    assert "leads out of its folder" in refusal(make_tar(inner / "x.tgz", {name: b"evil"}))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar(kind, inner):
    with tarfile.open(inner / "x.tgz", "w:gz") as archive:
        add(archive, "c.txt", b"gamma")
        add(archive, "special", type=kind, linkname="c.txt")
    assert "'special' is a link or a device" in refusal(inner / "x.tgz")


def test_a_link_in_a_zip(inner):
    with zipfile.ZipFile(inner / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert "'link' is a link or a device" in refusal(inner / "x.zip")


@pytest.mark.parametrize("name", ["x.zip", "x.tgz"])
def test_total_size_is_limited(name, inner):
    archive = MAKERS[name](inner / name, {"a": bytes(6000), "b": bytes(6000)})
    assert "holds more than 10,000 bytes" in refusal(archive, max_bytes=10_000)
    assert sum(map(len, contents(unpacked(archive, max_bytes=12_000)).values())) == 12_000


@pytest.mark.parametrize("name", ["x.zip", "x.tgz"])
@pytest.mark.parametrize("damage", ["half", "text", "empty"])
def test_broken_archives(name, damage, inner):
    archive = MAKERS[name](inner / name, {"a": os.urandom(5000), "b": os.urandom(5000)})
    data = archive.read_bytes()
    archive.write_bytes(
        {"half": data[: len(data) // 2], "text": b"no archive", "empty": b""}[damage]
    )
    assert "cannot be unpacked" in refusal(archive)


def test_a_changed_byte_in_a_zip(inner):
    archive = make_zip(inner / "x.zip", {"a": os.urandom(5000)})
    data = bytearray(archive.read_bytes())
    data[2500] ^= 1
    archive.write_bytes(data)
    assert "cannot be unpacked" in refusal(archive)


def test_an_encrypted_zip(inner):
    archive = make_zip(inner / "x.zip", {"a": b"secret"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1  # the flag of encryption in the central directory
    archive.write_bytes(data)
    assert "is encrypted: unpack it with its password" in refusal(archive)


def test_a_file_that_is_also_a_folder(inner):
    assert "cannot be unpacked" in refusal(make_tar(inner / "x.tgz", {"a": b"1", "a/b": b"2"}))


def test_nothing_is_executable(tmp_path):
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as archive:
        add(archive, "run.sh", b"#!/bin/sh\n", mode=0o6777)
    assert not (unpacked(tmp_path / "x.tgz") / "run.sh").stat().st_mode & 0o6111
