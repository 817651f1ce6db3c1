"""Archives given in place of folders: unpacked once, safely, into a folder beside them.

Only directories and regular files are written, each by this module and none by the archive's own
wishes: no links, no devices, no names that lead out of the folder, no permissions, and no more than
a total size.
"""

import fcntl
import json
import lzma
import platform
import re
import shutil
import stat
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from lanzdml.errors import LanzdmlError, in_one_line
from lanzdml.files import is_full, leftovers, temporary_name
from lanzdml.signatures import mistaken

SUFFIXES = (
    ".zip", ".tar", ".tgz", ".tar.gz", ".tbz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz",
)  # fmt: skip
NO_FOLDER = (
    f"is neither a folder nor an archive of a kind that is unpacked ({', '.join(SUFFIXES)}): "
    "unpack it and give the folder"
)
MAX_BYTES = 64 * 2**30  # the largest of the paper's collections unpacks to under 20 GiB
FOLDER_SUFFIX = ".unpacked"
MARKER = ".unpacked.json"
DAY = 24 * 60 * 60  # longer than unpacking takes
_HOST = platform.node()
_CHUNK = 2**20
_ZIP = b"PK\x03\x04"
_UTF_8 = 0x800  # flag of an entry of a zip whose name says its encoding
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError,
    NotImplementedError, RuntimeError, ValueError, OSError,
)  # fmt: skip

# name, whether it is a folder, and what opens its content
_Member = tuple[str, bool, Callable[[], IO[bytes]]]


def is_archive(path: Path) -> bool:
    """Whether a path has the name of an archive that :func:`unpacked` can read."""
    return path.name.lower().endswith(SUFFIXES)


def unpacked(root: Path, cache: Path | None = None, max_bytes: int = MAX_BYTES) -> Path:
    """The folder with an archive's content; any other path, existing or not, as it is.

    The archive is unpacked under a temporary name, which becomes ``<archive>.unpacked`` when all of
    it is there. A later call returns that folder, or makes it anew when the archive has changed.
    Either deletes what killed processes left under such names.

    Args:
        root: a folder, or a file whose name ends in one of :data:`SUFFIXES`.
        cache: the folder to unpack into; without it, the folder that the archive is in.
        max_bytes: refuse to unpack more than this.

    Raises:
        LanzdmlError: the archive is broken, encrypted, too large or would write elsewhere than
            into its folder; or there is a folder of that name which this function did not make.
    """
    if not (is_archive(root) and root.is_file()):
        return root
    folder = (cache or root.parent) / f"{root.name}{FOLDER_SUFFIX}"
    state = {"bytes": root.stat().st_size, "mtime_ns": root.stat().st_mtime_ns}
    for other in leftovers(folder):
        if _is_abandoned(other):
            shutil.rmtree(other, ignore_errors=True)
    if folder.exists():
        if _read_marker(folder) == state:
            return folder
        _delete(folder)
    temporary = temporary_name(folder)
    try:
        temporary.mkdir(parents=True)
        with open(temporary / MARKER, "w", encoding="utf-8") as marker:
            _claim(marker)
            _unpack(root, temporary, max_bytes)
            marker.seek(0)
            marker.truncate()
            marker.write(json.dumps(state))
            marker.flush()
            temporary.rename(folder)
    except _BROKEN as error:
        if folder.exists():  # another job was faster
            return unpacked(root, cache, max_bytes)
        if is_full(error):
            raise
        raise LanzdmlError(f"{root} cannot be unpacked: {_reason(root, error)}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _claim(marker: IO[str]) -> None:
    """Lock the marker of a new folder as long as it is open, and write who does."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        marker.write(_HOST)
        marker.flush()


def _is_abandoned(temporary: Path) -> bool:
    """Whether the process that was unpacking into a temporary folder is dead.

    Its lock ends with it, but some file systems have none, or show them to one machine only. What
    was claimed elsewhere, or not at all, counts as abandoned after a day.
    """
    try:
        with open(temporary / MARKER, "r+", encoding="utf-8") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if marker.read() == _HOST:
                return True
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        pass
    try:
        return time.time() - temporary.stat().st_mtime > DAY
    except OSError:  # complete, or deleted, in the meantime
        return False


def _delete(folder: Path) -> None:
    """Delete an unpacked folder; never a part of it with the rest in its place."""
    abandoned = temporary_name(folder)
    try:
        folder.rename(abandoned)
        shutil.rmtree(abandoned)
    except FileNotFoundError:  # another job was faster
        pass
    except OSError as error:
        raise LanzdmlError(
            f"{folder} is of an earlier state of its archive and cannot be deleted: "
            f"{error.strerror}"
        ) from None


def _read_marker(folder: Path) -> dict[str, int]:
    try:
        return json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise LanzdmlError(
            f"{folder} is in the way of unpacking: move it, or give it in place of the archive"
        ) from None


def _reason(root: Path, error: Exception) -> str:
    """Why an archive cannot be unpacked, and what to do, in one line."""
    try:
        kind = None if _is_zip(root) else mistaken(root)
    except OSError:
        kind = None
    if kind is not None:
        return f"it is {kind}; docs/datasets.md says where the paper's datasets are to be had"
    return f"{in_one_line(error)}; get it again, or unpack it and give the folder"


def _unpack(archive: Path, folder: Path, max_bytes: int) -> None:
    is_zip = archive.suffix.lower() == ".zip" or _is_zip(archive)
    members = _zip_members if is_zip else _tar_members
    left, written = max_bytes, set()
    for name, is_folder, open_content in members(archive):
        target = folder / _safe_name(archive, name)
        if target == folder / MARKER:  # of a folder that was unpacked and packed again
            continue
        try:
            (target if is_folder else target.parent).mkdir(parents=True, exist_ok=True)
            if is_folder:
                continue
            # A later entry of the same name replaces an earlier one, as tar's own updates do.
            again = PurePosixPath(name) in written
            file = open(target, "wb" if again else "xb")  # noqa: SIM115, closed below
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise LanzdmlError(
                f"{archive} is refused: its entry {name!r} has the place of another one, as a file "
                "and a folder of one name have; unpack it yourself and give the folder"
            ) from None
        written.add(PurePosixPath(name))
        with file, open_content() as source:
            # Counted as it is written: what an archive says of its sizes need not be true.
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise LanzdmlError(
                        f"{archive} holds more than {max_bytes:,} bytes; if that is right, unpack "
                        "it yourself and give the folder"
                    )
                file.write(chunk)


def _safe_name(archive: Path, name: str) -> PurePosixPath:
    """An entry's path; Windows wrote backslashes into zips for years."""
    with_slashes = name.replace("\\", "/")
    path = PurePosixPath(with_slashes)
    is_of_windows = re.match("[A-Za-z]:/", with_slashes) is not None
    if path.is_absolute() or is_of_windows or ".." in path.parts or "\0" in name:
        raise LanzdmlError(f"{archive} is refused: its entry {name!r} leads out of its folder")
    return path


def _is_zip(archive: Path) -> bool:
    with open(archive, "rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if info.flag_bits & 1:
                raise LanzdmlError(
                    f"{archive} is encrypted: unpack it with its password and give the folder"
                )
            name = _zip_name(info)
            # The upper half holds a Unix mode where the archive was made on Unix, and else zeros.
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _special(archive, name)
            is_folder = name.endswith(("/", "\\")) or kind == stat.S_IFDIR
            yield name, is_folder, partial(file.open, info)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """An entry's name; macOS writes UTF-8 without saying so."""
    if info.flag_bits & _UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _tar_members(archive: Path) -> Iterator[_Member]:
    try:
        file = tarfile.open(archive)  # noqa: SIM115, closed below
    except tarfile.ReadError:  # a line for each compression
        raise tarfile.ReadError("it is no tar archive, or a damaged one") from None
    with file:
        for member in file:
            if not (member.isfile() or member.isdir()):
                raise _special(archive, member.name)
            yield member.name, member.isdir(), partial(_tar_content, file, member)
        # tarfile takes a header that it cannot read for the end, which is a block of zeros.
        assert file.fileobj is not None, "it is open"
        file.fileobj.seek(file.offset)
        end = file.fileobj.read(tarfile.BLOCKSIZE)
        if end != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f"it is cut off or damaged at byte {file.offset:,}")
        while file.fileobj.read(_CHUNK):  # checksums of what is compressed come last
            pass


def _tar_content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    assert content is not None, "a folder or a device has no content"
    return content


def _special(archive: Path, name: str) -> LanzdmlError:
    return LanzdmlError(f"{archive} is refused: its entry {name!r} is a link or a device")
