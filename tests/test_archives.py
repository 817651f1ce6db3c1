"""Archives: unpacked once and completely, and never anything outside of their folder."""

import errno
import fcntl
import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import time
import unicodedata
import zipfile
from pathlib import Path

import pytest

from lanzdml.datasets import archives, entries
from lanzdml.datasets.archives import is_archive, unpacked
from lanzdml.errors import LanzdmlError
from lanzdml.limits import Limits, imposed

ROOT = Path(__file__).parents[1]
FILES = {"cars/a.txt": b"alpha", "cars/deep/b.txt": b"", "c.txt": b"gamma"}


def make_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


MODES = {"bz": "bz2"}


def make_tar(path, files=FILES):
    compression = path.name.lower()[2:].removeprefix("tar").strip(".").removeprefix("t")
    with tarfile.open(path, f"w:{MODES.get(compression, compression)}") as archive:
        for name, content in files.items():
            add(archive, name, content)
    return path


def add(archive, name, content=b"", **attributes):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    archive.addfile(member, io.BytesIO(content))


TARS = ("x.tar", "x.tgz", "x.tar.gz", "x.tbz", "x.tbz2", "x.tar.bz2", "x.txz", "x.tar.xz")
MAKERS = {"x.zip": make_zip, "X.Zip": make_zip, "X.TGZ": make_tar, "x.Tar.XZ": make_tar,
          **dict.fromkeys(TARS, make_tar)}  # fmt: skip


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def refusal(path):
    """The message; nothing is left behind in the archive's folder or beside it."""
    before = set(path.parent.parent.rglob("*"))
    with pytest.raises(LanzdmlError) as caught:
        unpacked(path)
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

    def slow(archive, folder):
        monkeypatch.setattr(archives, "_unpack", unpack)
        unpacked(archive)  # the other job, from its beginning to its end
        assert folder.exists(), "what a living process writes is left alone"
        unpack(archive, folder)

    monkeypatch.setattr(archives, "_unpack", slow)
    assert contents(unpacked(archive)) == FILES
    assert len(list(tmp_path.iterdir())) == 2


# What killed processes leave


def hidden(folder):
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def leave(archive, claimed_by, seconds=0):
    """The folder of a dead process that was unpacking an archive, so many seconds ago."""
    folder = archive.with_name(f".{'0a' * 16}.{archive.name}.unpacked")
    (folder / "cars").mkdir(parents=True)
    (folder / "cars/half.txt").write_text("half")
    if claimed_by is not None:
        (folder / ".unpacked.lock").write_text(claimed_by)
    os.utime(folder, (time.time() - seconds,) * 2)
    return folder


KILLED = """
import os, signal, sys
from pathlib import Path
from lanzdml.datasets import archives

def kill(archive, folder):
    (folder / "half.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

archives._unpack = kill
archives.unpacked(Path(sys.argv[1]))
"""


def test_what_a_killed_job_leaves_is_deleted_by_the_next(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    killed = subprocess.run([sys.executable, "-c", KILLED, archive], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    (folder,) = hidden(tmp_path)
    assert (folder / "half.txt").exists()
    unpacked(archive)
    assert not hidden(tmp_path)


def test_leftovers_go_also_where_all_is_unpacked(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    unpacked(archive)
    leave(archive, archives._HOST)
    unpacked(archive)
    assert not hidden(tmp_path)


@pytest.mark.parametrize("claimed_by", ["another machine", "", None])
def test_what_may_be_alive_elsewhere_goes_after_a_day(claimed_by, tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    folder = leave(archive, claimed_by)
    unpacked(archive)
    assert folder.exists()
    os.utime(folder, (time.time() - 25 * 3600,) * 2)
    unpacked(archive)
    assert not folder.exists()


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    archive = make_zip(tmp_path / "x.zip")
    folder = leave(archive, archives._HOST)
    assert contents(unpacked(archive)) == FILES
    assert folder.exists(), "nobody knows whether its process lives"
    os.utime(folder, (time.time() - 25 * 3600,) * 2)
    unpacked(archive)
    assert not folder.exists()


def test_a_process_of_any_machine_that_holds_the_lock_lives(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    folder = leave(archive, "another machine", seconds=25 * 3600)
    with open(folder / ".unpacked.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unpacked(archive)
        assert (folder / "cars/half.txt").exists()
    unpacked(archive)
    assert not folder.exists()


def test_leftovers_of_others_are_left_alone(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    other = leave(make_zip(tmp_path / "y.zip"), archives._HOST)
    (tmp_path / ".mine.x.zip.unpacked").mkdir()
    unpacked(archive)
    assert sorted(hidden(tmp_path)) == [other, tmp_path / ".mine.x.zip.unpacked"]


def test_a_folder_of_an_older_archive_never_lacks_a_part(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "x.zip")
    unpacked(archive)
    make_zip(archive, {"other.txt": b"other"})

    def kill(folder, **_):
        (folder / ".unpacked.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(archives.shutil, "rmtree", kill)
        with pytest.raises(KeyboardInterrupt):
            unpacked(archive)
    assert contents(unpacked(archive)) == {"other.txt": b"other"}


# Names


def test_a_zip_of_windows(tmp_path):
    names = {"set1\\": b"", "set1\\a.txt": b"1", "set1\\deep\\b.txt": b"2", "c.txt": b"3"}
    folder = unpacked(make_zip(tmp_path / "x.zip", names))
    assert contents(folder) == {"set1/a.txt": b"1", "set1/deep/b.txt": b"2", "c.txt": b"3"}


def test_names_with_colons(tmp_path):
    names = {"12:30:00.txt": b"1", "2024-01-01T12:30/a:b.txt": b"2", "A:1.txt": b"3"}
    assert contents(unpacked(make_zip(tmp_path / "x.zip", names))) == names
    assert contents(unpacked(make_tar(tmp_path / "x.tar", names))) == names


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["x.zip", "x.tar"])
def test_accents_stay_as_they_are(name, form, tmp_path):
    names = {unicodedata.normalize(form, "Zoë/é.txt"): b"1"}
    assert contents(unpacked(MAKERS[name](tmp_path / name, names))) == names


def test_a_zip_of_macos_does_not_say_that_its_names_are_utf_8(tmp_path):
    name = unicodedata.normalize("NFD", "é.txt")
    archive = make_zip(tmp_path / "x.zip", {name: b"1"})
    data, flags = bytearray(archive.read_bytes()), 0x800
    for start, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(start) + offset
        data[at : at + 2] = (int.from_bytes(data[at : at + 2], "little") & ~flags).to_bytes(
            2, "little"
        )
    archive.write_bytes(data)
    assert contents(unpacked(archive)) == {name: b"1"}


CLASHES = {
    "a file, then a folder": {"a": b"1", "a/b": b"2"},
    "a folder, then a file": {"a/b": b"1", "a": b"2"},
    "a file, then an empty folder": {"a": b"1", "a/": b""},
    "slashes of both kinds": {"a/b": b"1", "a\\b": b"2"},
}


@pytest.mark.parametrize("clash", CLASHES)
def test_two_entries_of_one_place(clash, inner):
    message = refusal(make_zip(inner / "x.zip", CLASHES[clash]))
    assert f"its entry {list(CLASHES[clash])[1]!r} has the place of another one" in message


def test_a_later_entry_of_a_name_replaces_an_earlier_one(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, content in (("a", b"long and old"), ("./a", b"new")):
            add(archive, name, content)
    assert contents(unpacked(tmp_path / "x.tar")) == {"a": b"new"}


def test_an_unpacked_folder_that_was_packed_again(tmp_path):
    own = {".unpacked.json": b"{}", ".unpacked.lock": b"", "./.unpacked.lock/x": b""}
    archive = make_zip(tmp_path / "x.zip", {**own, **FILES})
    assert contents(unpacked(archive)) == FILES
    assert contents(unpacked(archive)) == FILES


OUTSIDE = ["/etc/passwd", "../evil.txt", "a/../../evil.txt", "..", "a\\..\\..\\evil.txt",
           "C:\\evil.txt", "c:/evil.txt", "\\evil.txt", "\\\\server\\evil.txt"]  # fmt: skip


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
def test_total_size_is_limited(name, inner, monkeypatch):
    monkeypatch.setattr(entries, "_GIB", 12_000)  # 4,096 bytes are the block of each
    archive = MAKERS[name](inner / name, {"a": os.urandom(6000), "b": os.urandom(6000)})
    with imposed(Limits(archive_gib=1)):
        assert "unpacks to more than 1 GiB; if that is right, raise limits.archive_gib" in refusal(
            archive
        )
    with imposed(Limits(archive_gib=20)):  # the end of a tar counts, too
        assert sum(map(len, contents(unpacked(archive)).values())) == 12_000


@pytest.mark.parametrize("name", ["x.zip", "x.tgz"])
def test_folders_that_an_entry_lies_in_count(name, inner):
    archive = MAKERS[name](inner / name, {"a/b/c/d": b""})
    with imposed(Limits(archive_files=3)):
        assert "holds more than 3 files and folders" in refusal(archive)
    with imposed(Limits(archive_files=4)):
        assert contents(unpacked(archive)) == {"a/b/c/d": b""}


@pytest.mark.parametrize("name", ["x.zip", *TARS])
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


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_another_compression(method, inner):
    with zipfile.ZipFile(inner / "x.zip", "w", method) as archive:
        archive.writestr("a", b"alpha")
    message = refusal(inner / "x.zip")
    assert "its entry 'a' is compressed by another method than deflating" in message
    assert message.endswith("or unpack it and give the folder")


@pytest.mark.parametrize("damage", ["the second header", "its end"])
def test_a_damaged_tar_does_not_just_end_early(damage, inner):
    archive = make_tar(inner / "x.tar", {"a": bytes(512), "b": bytes(512)})
    data = bytearray(archive.read_bytes())
    if damage == "its end":
        del data[4 * 512 :]
    else:
        data[2 * 512] ^= 1
    archive.write_bytes(data)
    assert "it is cut off or damaged at byte" in refusal(archive)


@pytest.mark.parametrize("name", ["x.tgz", "x.tbz2", "x.txz"])
def test_the_checksum_of_a_compressed_tar(name, inner):
    archive = make_tar(inner / name, {"a": os.urandom(5000)})
    data = bytearray(archive.read_bytes())
    data[-6] ^= 1  # of what follows all content
    archive.write_bytes(data)
    assert "cannot be unpacked" in refusal(archive)


def test_a_zip_that_is_called_a_tar_is_unpacked(tmp_path):
    assert contents(unpacked(make_zip(tmp_path / "x.tgz"))) == FILES


@pytest.mark.parametrize("name", ["x.zip", "x.tar.xz"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run `git lfs pull`"),
        (b"<!DOCTYPE html>\n<html>Sign in: here", "fetch it with a browser that is signed in"),
    ],
)
def test_what_was_taken_for_an_archive_is_told(name, content, kind, inner):
    (inner / name).write_bytes(content)
    message = refusal(inner / name)
    assert "cannot be unpacked: it is a" in message
    assert kind in message
    assert message.endswith("docs/datasets.md says where the paper's datasets are to be had")


def test_nothing_is_executable(tmp_path):
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as archive:
        add(archive, "run.sh", b"#!/bin/sh\n", mode=0o6777)
    assert not (unpacked(tmp_path / "x.tgz") / "run.sh").stat().st_mode & 0o6111
