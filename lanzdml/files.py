"""Files: how to write one so that it is either complete or absent, and how to tell two apart."""

import errno
import glob
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WHOLE = 2**24
_BLOCKS, _BLOCK = 64, 2**14


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
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
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
            digest.update(file.read())
            return digest.hexdigest()[:16]
        last = max(0, size - _BLOCK)
        for number in range(_BLOCKS):
            file.seek(last * number // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:16]


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk, or a quota, is full."""
    # Not every library raises an OSError with a number.
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))


def delete_leftovers(path: str | os.PathLike[str]) -> None:
    """Delete what killed processes were writing in place of a path, see :func:`replacing`."""
    path = Path(path)
    for other in path.parent.glob(f".*.{glob.escape(path.name)}"):
        if re.fullmatch("[0-9a-f]{32}", other.name.split(".")[1]):
            other.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8 as :func:`replacing` does."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
