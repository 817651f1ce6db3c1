"""Files: how to write one so that it is either complete or absent, and how to tell two apart."""

import errno
import glob
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lanzdml.errors import LanzdmlError
from lanzdml.limits import key_of, limits

_WHOLE = 2**24
_BLOCKS, _BLOCK = 64, 2**14
_PIECE = 2**24


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to, renamed to ``path`` when the block ends without an error.

    The temporary file lies in the same folder, so that the rename is atomic, and ends in the same
    name, so that writers which go by the suffix choose the same format. Missing folders are made;
    after an error the temporary file is gone and ``path`` is what it was.

    >>> with replacing("results/metrics.parquet") as temporary:  # doctest: +SKIP
    ...     frame.to_parquet(temporary)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sample_of(path: str | os.PathLike[str]) -> str:
    """Digest of a file of up to 16 MiB, or of a larger one's size and of blocks all over it.

    It tells a file from one that takes its place, whatever their dates, in milliseconds. A large
    one that differs in a part only it may not tell.
    """
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256(str(size).encode())
        if size <= _WHOLE:
            file.seek(0)
            digest.update(file.read(_WHOLE))  # a device has no size, and no end
            return digest.hexdigest()[:16]
        last = max(0, size - _BLOCK)
        for number in range(_BLOCKS):
            file.seek(last * number // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:16]


def open_bounded(path: str | os.PathLike[str]) -> BinaryIO:
    """A file to read from, of the limit ``table_mib`` at most.

    Raises:
        LanzdmlError: it is a pipe or a device, which may never end, or larger.
        OSError: it cannot be read.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise LanzdmlError(f"{path} is a folder, a pipe or a device, and no file")
    _check_size(path, os.stat(path).st_size)
    return open(path, "rb")


def read_bounded(path: str | os.PathLike[str]) -> bytes:
    """A file's content, see :func:`open_bounded`."""
    content = bytearray()
    with open_bounded(path) as file:
        # Piece by piece, as not every file system tells the size before, and room for the most that
        # there may be would be taken at once.
        while piece := file.read(_PIECE):
            content += piece
            _check_size(path, len(content))
    return bytes(content)


def _check_size(path: str | os.PathLike[str], size: int) -> None:
    most = limits().table_mib
    if size > most * 2**20:
        raise LanzdmlError(
            f"{path} holds more than {most:,} MiB; if that is right, raise {key_of('table_mib')}"
        )


def check_stays(path: Path, folder: Path) -> None:
    """Check that what lies below a folder leads by no link out of it.

    Raises:
        LanzdmlError: it does.
    """
    real = Path(os.path.realpath(path))
    is_below = Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))
    if is_below and not real.is_relative_to(os.path.realpath(folder)):
        raise LanzdmlError(
            f"{path} leads to {real}, out of {folder}, by a link: delete that and run again"
        )


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk, or a quota, is full."""
    # Not every library raises an OSError with a number.
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))


def temporary_name(path: Path) -> Path:
    """A name beside a path for what is to take its place."""
    return path.with_name(f".{uuid.uuid4().hex}.{path.name}")


def leftovers(path: Path) -> list[Path]:
    """What has a :func:`temporary_name` of a path: being written, or left by killed processes."""
    return [
        other
        for other in path.parent.glob(f".*.{glob.escape(path.name)}")
        if re.fullmatch("[0-9a-f]{32}", other.name.split(".")[1])
    ]


def delete_leftovers(path: str | os.PathLike[str]) -> None:
    """Delete what killed processes were writing in place of a path, see :func:`replacing`."""
    for other in leftovers(Path(path)):
        if other.is_symlink() or not other.is_dir():  # no process was writing a folder
            other.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8 as :func:`replacing` does."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def digest(*values: Any) -> str:
    """Hex digest of values in their order: arrays by type, shape and content, others by their repr.

    Arrays of Python objects, as labels are, count by the repr of each, and sets among them by their
    sorted values, as they have another order in each process.
    """
    hashed = hashlib.sha256()
    for value in values:
        kind, shape = getattr(value, "dtype", None), getattr(value, "shape", ())
        if kind is None or kind.hasobject:
            plain = value if kind is None else [_in_order(item) for item in value.tolist()]
            data = repr(plain).encode()
        else:
            data = value.tobytes()
        hashed.update(f"{kind} {shape} {len(data)} ".encode() + data)
    return hashed.hexdigest()


def _in_order(item: Any) -> Any:
    return sorted(item) if isinstance(item, frozenset) else item


class Kept:
    """Files that were made once, by what they were made of: they are not made a second time.

    Each is a second link to a result, so that it takes no room, and none where the file system has
    no such links: then it is a copy, until :meth:`forget`. Its name holds a digest of its content,
    so that what somebody damaged is not taken.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    @classmethod
    def at(cls, place: "str | os.PathLike[str] | Kept") -> "Kept":
        """What is kept in a folder, or that itself."""
        return place if isinstance(place, Kept) else cls(place)

    def take(self, made_of: str, outputs: Sequence[str | os.PathLike[str]]) -> bool:
        """Put what is kept in its places; false, and nothing is there, if not all is kept."""
        paths = [self._find(made_of, position) for position in range(len(outputs))]
        kept = [path for path in paths if path is not None]
        if len(kept) < len(outputs):
            return False
        for path, output in zip(kept, outputs, strict=True):
            with replacing(output) as temporary:
                # Results that are the same file would have one date, and dates say what is old.
                copy = shutil.copyfile if path.stat().st_nlink > 1 else _link
                copy(path, temporary)
        return True

    def keep(self, made_of: str, outputs: Sequence[str | os.PathLike[str]]) -> None:
        """Keep what was made of something."""
        for position, output in enumerate(outputs):
            name = f"{made_of}.{position}.{content_of(output)}"
            with replacing(self._folder / made_of[:2] / name) as temporary:
                _link(output, temporary)

    def forget(self) -> None:
        """Delete what is no result any more, and what killed processes left; nobody may write.

        Links and folders, which nothing here makes, are left alone: they may lead to results.
        """
        for folder in self._folder.glob("*"):
            if folder.is_symlink():
                continue
            for path in folder.glob("*"):
                state = path.lstat()
                if stat.S_ISREG(state.st_mode) and (
                    state.st_nlink == 1 or path.name.startswith(".")
                ):
                    path.unlink(missing_ok=True)

    def _find(self, made_of: str, position: int) -> Path | None:
        for path in (self._folder / made_of[:2]).glob(f"{made_of}.{position}.*"):
            if path.is_symlink() or not path.is_file():
                continue
            if path.name.endswith(f".{content_of(path)}"):
                return path
            path.unlink(missing_ok=True)
        return None


def content_of(path: str | os.PathLike[str]) -> str:
    """Digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _link(existing: str | os.PathLike[str], new: Path) -> None:
    try:
        os.link(existing, new)
    except OSError:  # another device, or a file system without links
        shutil.copyfile(existing, new)
