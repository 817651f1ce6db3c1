"""Archives given in place of folders: unpacked once, safely, into a folder beside them.

Only directories and regular files are written, each by this module and none by the archive's own
wishes: no links, no devices, no names that lead out of the folder, no permissions, and no more than
the limits and the disk allow.
"""

import errno
import fcntl
import json
import logging
import lzma
import os
import platform
import re
import shutil
import stat
import struct
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO

from lanzdml.datasets.entries import Allowance, quoted
from lanzdml.datasets.tars import tar_entries
from lanzdml.datasets.zips import is_zip, zip_entries
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
FOLDER_SUFFIX = ".unpacked"
MARKER = ".unpacked.json"
LOCK = ".unpacked.lock"
DAY = 24 * 60 * 60  # longer than unpacking takes
DEPTH = 100  # folders in one another: no collection has a tenth of it, and some programs recurse
_HOST = platform.node()
_MARKER_BYTES = 4096
_SHORT = 10  # folders, of names of any length, whose path the system takes
_MESSAGE = 300  # letters of another package's error, which may hold a name of 60,000
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError,
    RuntimeError, ValueError, OSError,
)  # fmt: skip
_log = logging.getLogger(__name__)


def is_archive(path: Path) -> bool:
    """Whether a path has the name of an archive that :func:`unpacked` can read."""
    return path.name.lower().endswith(SUFFIXES)


def unpacked(root: Path) -> Path:
    """The folder with an archive's content; any other path, existing or not, as it is.

    The archive is unpacked under a temporary name, which becomes ``<archive>.unpacked`` when all of
    it is there. A later call returns that folder, or makes it anew when the archive has changed or
    the folder is a copy, which may hold anything: its lock says when it was made there. Either
    deletes what killed processes left under such names.

    Args:
        root: a folder, or a file whose name ends in one of :data:`SUFFIXES`.

    Raises:
        LanzdmlError: the archive is broken, encrypted, larger than the limits or the disk, or would
            write elsewhere than into its folder; or there is a folder of that name which this
            function did not make.
    """
    if not (is_archive(root) and root.is_file()):
        return root
    folder = root.with_name(f"{root.name}{FOLDER_SUFFIX}")
    for other in leftovers(folder):
        if not other.is_symlink() and _is_abandoned(other):
            with suppress(OSError):
                _delete(other)
    while os.path.lexists(folder):
        if _is_ready(folder, root):
            return folder
        _put_away(folder, root)
    temporary, state = temporary_name(folder), _state(root)
    try:
        temporary.mkdir()
        with open(temporary / LOCK, "x", encoding="utf-8") as lock:
            _claim(lock, root)
            _unpack(root, temporary)
            made = {**state, "made_ns": _made_ns(temporary)}
            (temporary / MARKER).write_text(json.dumps(made), encoding="utf-8")
            temporary.rename(folder)
    except _BROKEN as error:
        if folder.exists():  # another job was faster
            return unpacked(root)
        if is_full(error):
            raise
        raise LanzdmlError(f"{root} cannot be unpacked: {_reason(root, error)}") from None
    finally:
        with suppress(OSError):
            _delete(temporary)
    return folder


def _state(root: Path) -> dict[str, int]:
    """What an archive is told from a later one by."""
    status = root.stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def _claim(lock: IO[str], root: Path) -> None:
    """Lock the lock of a new folder as long as it is open, and write who does.

    Nothing changes it after that, so that the time of its last change tells the folder from its
    copies: that time is the file system's own, and comes with no archive, copy or download.

    Raises:
        LanzdmlError: here it would, as the file system has only the time that programs set.
    """
    with suppress(OSError):  # a file system without locks
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.write(_HOST)
        lock.flush()
        os.fsync(lock.fileno())
    os.utime(lock.fileno(), (0, 0))
    if _made_ns(Path(lock.name).parent) is None:
        raise LanzdmlError(
            f"{root} is not unpacked, as its file system cannot tell the folder from a copy: "
            "unpack it yourself and give the folder"
        )


def _made_ns(folder: Path) -> int | None:
    """When an unpacked folder was made where it is; None where nothing says that."""
    try:
        status = os.lstat(folder / LOCK)
    except OSError:
        return None
    is_own = stat.S_ISREG(status.st_mode) and status.st_ctime_ns != status.st_mtime_ns
    return status.st_ctime_ns if is_own else None


def _is_abandoned(temporary: Path) -> bool:
    """Whether the process that was unpacking into a temporary folder is dead.

    Its lock ends with it, but some file systems have none, or show them to one machine only. What
    was claimed elsewhere, or not at all, counts as abandoned after a day.
    """
    try:
        with open(_plain(temporary / LOCK, os.O_RDWR), "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.read(_MARKER_BYTES) == _HOST:
                return True
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        pass
    try:
        return time.time() - temporary.stat().st_mtime > DAY
    except OSError:  # complete, or deleted, in the meantime
        return False


def _is_ready(folder: Path, root: Path) -> bool:
    """Whether a folder was made here of an archive as it is.

    Raises:
        LanzdmlError: it was not made by :func:`unpacked` at all.
    """
    made_ns = _made_ns(folder)
    return _read_marker(folder) == {**_state(root), "made_ns": made_ns} and made_ns is not None


def _put_away(folder: Path, root: Path) -> None:
    """Delete an unpacked folder; never a part of it with the rest in its place."""
    abandoned = temporary_name(folder)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Another job may have made it anew since.
            is_other = not os.path.samestat(os.fstat(descriptor), os.lstat(folder))
            if is_other or _is_ready(folder, root):
                return
            folder.rename(abandoned)
            _log.warning(
                "%s was of another state of %s, or a copy: it is made anew", folder, root.name
            )
        finally:
            os.close(descriptor)
        _delete(abandoned)
    except FileNotFoundError:  # another job was faster
        pass
    except OSError as error:
        raise LanzdmlError(
            f"{folder} is of another state of {root.name}, or a copy, and cannot be deleted: "
            f"{error.strerror}; move it, or give it in place of the archive"
        ) from None


def _delete(folder: Path) -> None:
    """Delete a folder, however deep it is; links in it are not followed."""
    try:
        shutil.rmtree(folder)
        return
    except RecursionError:
        pass
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENAMETOOLONG):
            raise
    # Deeper than the stack, open files or paths go: what lies deep is moved up.
    pending, emptied = [(folder, 0)], []
    while pending:
        current, depth = pending.pop()
        emptied.append(current)
        for entry in list(os.scandir(current)):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
            elif depth < _SHORT:
                pending.append((Path(entry.path), depth + 1))
            else:
                pending.append((temporary_name(folder / "deep"), 1))
                os.rename(entry.path, pending[-1][0])
    for current in reversed(emptied):
        os.rmdir(current)


def _plain(path: Path, flags: int) -> int:
    """Open a file by which to tell something of a folder: no link, and no pipe, which blocks."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no file")
    return descriptor


def _read_marker(folder: Path) -> object:
    try:
        if folder.is_symlink():
            raise ValueError("it is not made here")
        with open(_plain(folder / MARKER, os.O_RDONLY), encoding="utf-8") as file:
            return json.loads(file.read(_MARKER_BYTES))
    except (OSError, ValueError, RecursionError):
        if not os.path.lexists(folder):  # another job is making it anew
            return None
        raise LanzdmlError(
            f"{folder} is in the way of unpacking: move it, or give it in place of the archive"
        ) from None


def _reason(root: Path, error: Exception) -> str:
    """Why an archive cannot be unpacked, and what to do, in one line."""
    try:
        kind = None if is_zip(root) else mistaken(root)
    except OSError:
        kind = None
    if kind is not None:
        return f"it is {kind}; docs/datasets.md says where the paper's datasets are to be had"
    reason = f"{in_one_line(error):.{_MESSAGE}}"
    return f"{reason}; get it again, or unpack it and give the folder"


def _unpack(archive: Path, folder: Path) -> None:
    as_zip = archive.suffix.lower() == ".zip" or is_zip(archive)
    allowance, written = Allowance(archive, folder), set[int]()
    for entry in (zip_entries if as_zip else tar_entries)(archive, allowance):
        path = _safe_path(archive, entry.name)
        if path.parts[:1] in ((MARKER,), (LOCK,)):  # of a folder that was unpacked and packed again
            continue
        target = folder / path
        # Hashes: millions of names would take more memory than all else.
        name = hash(PurePosixPath(entry.name))
        try:
            _make_folder(target if entry.is_folder else target.parent, allowance)
            if entry.is_folder:
                continue
            # A later entry of the same name replaces an earlier one, as tar's own updates do.
            file = open(target, "wb" if name in written else "xb")  # noqa: SIM115, closed below
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise LanzdmlError(
                f"{archive} is refused: its entry {quoted(entry.name)} has the place of another "
                "one, as a file and a folder of one name have; unpack it yourself and give the "
                "folder"
            ) from None
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise LanzdmlError(
                f"{archive} is refused: the name of its entry {quoted(entry.name)} is too long; "
                "unpack it yourself and give the folder"
            ) from None
        written.add(name)
        with file:
            for chunk in entry.content:
                file.write(chunk)


def _make_folder(folder: Path, allowance: Allowance) -> None:
    """Make a folder and those it lies in, each of which takes its part of the disk, too."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    allowance.take(0, len(missing))
    for folder in reversed(missing):
        folder.mkdir()


def _safe_path(archive: Path, name: str) -> PurePosixPath:
    """An entry's path; Windows wrote backslashes into zips for years."""
    with_slashes = name.replace("\\", "/")
    path = PurePosixPath(with_slashes)
    is_of_windows = re.match("[A-Za-z]:/", with_slashes) is not None
    if path.is_absolute() or is_of_windows or ".." in path.parts or "\0" in name:
        raise LanzdmlError(
            f"{archive} is refused: its entry {quoted(name)} leads out of its folder"
        )
    if len(path.parts) > DEPTH:
        raise LanzdmlError(
            f"{archive} is refused: its entry {quoted(name)} lies in more than {DEPTH} folders; "
            "unpack it yourself and give the folder"
        )
    return path
