"""Archives given in place of folders: unpacked once, safely, into a folder beside them.

Only directories and regular files are written, each by this module and none by the archive's own
wishes: no links, no devices, no names that lead out of the folder, no permissions, and no more than
a total size.
"""

import json
import shutil
import stat
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from lanzdml.errors import LanzdmlError
from lanzdml.files import is_full

SUFFIXES = (".zip", ".tgz", ".tar.gz", ".tar")
MAX_BYTES = 64 * 2**30  # the largest of the paper's collections unpacks to under 20 GiB
FOLDER_SUFFIX = ".unpacked"
MARKER = ".unpacked.json"
_CHUNK = 2**20
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
    OSError,
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
    if folder.exists():
        if _read_marker(folder) == state:
            return folder
        shutil.rmtree(folder)
    temporary = folder.with_name(f".{uuid.uuid4().hex}.{folder.name}")
    try:
        temporary.mkdir(parents=True)
        _unpack(root, temporary, max_bytes)
        (temporary / MARKER).write_text(json.dumps(state), encoding="utf-8")
        temporary.rename(folder)
    except _BROKEN as error:
        if folder.exists():  # another job was faster
            return unpacked(root, cache, max_bytes)
        if is_full(error):
            raise
        reason = str(error).partition("\n")[0]
        raise LanzdmlError(
            f"{root} cannot be unpacked: {reason}; get it again, or unpack it and give the folder"
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _read_marker(folder: Path) -> dict[str, int]:
    try:
        return json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise LanzdmlError(
            f"{folder} is in the way of unpacking: move it, or give it in place of the archive"
        ) from None


def _unpack(archive: Path, folder: Path, max_bytes: int) -> None:
    members = _zip_members if archive.suffix.lower() == ".zip" else _tar_members
    left = max_bytes
    for name, is_folder, open_content in members(archive):
        target = folder / _safe_name(archive, name)
        if is_folder:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_content() as source, open(target, "wb") as file:
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
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0] or "\0" in name:
        raise LanzdmlError(f"{archive} is refused: its entry {name!r} leads out of its folder")
    return path


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if info.flag_bits & 1:
                raise LanzdmlError(
                    f"{archive} is encrypted: unpack it with its password and give the folder"
                )
            # The upper half holds a Unix mode where the archive was made on Unix, and else zeros.
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _special(archive, info.filename)
            yield info.filename, info.is_dir(), partial(file.open, info)


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as file:
        for member in file:
            if not (member.isfile() or member.isdir()):
                raise _special(archive, member.name)
            yield member.name, member.isdir(), partial(_tar_content, file, member)


def _tar_content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    assert content is not None, "a folder or a device has no content"
    return content


def _special(archive: Path, name: str) -> LanzdmlError:
    return LanzdmlError(f"{archive} is refused: its entry {name!r} is a link or a device")
