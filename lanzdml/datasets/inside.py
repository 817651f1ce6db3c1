"""Which files of a dataset may be read: those that lie where its configuration says.

A folder that others made can hold links, and their tables paths, that lead to any other file of the
machine. So a file is looked at before it is read: where it lies when all links are followed.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from lanzdml.errors import LanzdmlError


class Places:
    """Where a dataset's files may lie.

    Folders are resolved once each, so that a file costs one question to the file system.

    Args:
        root: a folder or a file, which may be a link itself.
        linked: folders elsewhere that links in the root may lead to.
    """

    def __init__(self, root: Path, linked: Iterable[str] = ()) -> None:
        self._names = [str(root), *linked]
        self._within = tuple(os.path.join(os.path.realpath(place), "") for place in self._names)
        self._folders: dict[str, str] = {}

    def problem_of(self, path: str | os.PathLike[str]) -> str | None:
        """Why a file or folder may not be read, as words after its name; None where it may.

        None, too, where there would be nothing to read.
        """
        folder, name = os.path.split(path)
        try:
            if folder not in self._folders:
                self._folders[folder] = os.path.realpath(folder)
            real = os.path.join(self._folders[folder], name)
            mode = _mode(real)
            if mode and not stat.S_ISREG(mode):
                real = os.path.realpath(real)
                mode = _mode(real)
        except ValueError:  # no name that a file can have
            return None
        if not f"{real}/".startswith(self._within):
            return (
                f"lies at {real}, outside of {' and '.join(self._names)}: copy it there or, if it "
                "may be read, add its folder to linked of the dataset"
            )
        if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return "is a pipe or a device, and no file"
        return None

    def check(self, path: str | os.PathLike[str]) -> None:
        """Check a file or folder.

        Raises:
            LanzdmlError: it may not be read.
        """
        if problem := self.problem_of(path):
            raise LanzdmlError(f"{os.fspath(path)} {problem}")

    def check_all(self, folder: Path) -> None:
        """Check all that is below a folder, for what opens files without asking for each.

        A folder that is not there holds nothing.

        Raises:
            LanzdmlError: something of it may not be read; or two ways lead to one folder, as who
                follows links may not come to an end.
        """
        self.check(folder)
        seen: set[tuple[int, int]] = set()
        pending = [os.fspath(folder)] if folder.is_dir() else []
        while pending:
            current = pending.pop()
            status = os.stat(current)
            if (status.st_dev, status.st_ino) in seen:
                raise LanzdmlError(f"{current} leads to a folder that is there already: delete it")
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(current) as entries:
                for entry in entries:
                    is_folder = entry.is_dir()
                    if entry.is_symlink() or not (is_folder or entry.is_file()):
                        self.check(entry.path)
                    if is_folder:
                        pending.append(entry.path)


def _mode(path: str) -> int:
    """Of a file or link; 0 where there is none."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


_places: ContextVar[Places | None] = ContextVar("places", default=None)


@contextmanager
def reading(places: Places) -> Iterator[None]:
    """Let :func:`check` within a block go by these places.

    So a reader need not hand them to all that it reads with, and cannot forget to.
    """
    token = _places.set(places)
    try:
        yield
    finally:
        _places.reset(token)


def check(path: str | os.PathLike[str]) -> None:
    """Check a file or folder that a dataset's reader has found.

    Raises:
        LanzdmlError: it may not be read.
    """
    if (places := _places.get()) is not None:
        places.check(path)
