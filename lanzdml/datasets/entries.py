"""What archives hold, entry by entry, and how much of a machine that may take.

Archives are made by others. Of what one says of itself, sizes are looked at before anything is read
or written for them, and the memory is that of a chunk, whatever they are.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lanzdml.errors import LanzdmlError
from lanzdml.limits import key_of, limits
from lanzdml.names import shortened

CHUNK = 2**20
ON_DISK = 4096  # bytes that a file or folder takes, however little is in it
_GIB = 2**30
_SHOWN = 100  # letters of a name


@dataclass(frozen=True)
class Entry:
    """One of a file or folder; ``size`` bytes at most are in ``content``, in chunks."""

    name: str
    is_folder: bool
    size: int
    content: Iterator[bytes]


class Allowance:
    """What unpacking an archive into a folder may still take; asked before it is taken."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self._archive, self._folder = archive, folder
        self._size = archive.stat().st_size
        self._limits = limits()
        self._bytes = self._entries = self._room = 0

    def take(self, size: int, entries: int) -> None:
        """Count bytes of content and entries beside those before.

        Raises:
            LanzdmlError: they are more than a limit or the disk allows.
        """
        size += entries * ON_DISK
        self._bytes += size
        self._entries += entries
        self.check_count(self._entries)
        if self._bytes > self._limits.archive_gib * _GIB:
            self._refuse(f"unpacks to more than {self._limits.archive_gib:,} GiB", "archive_gib")
        if self._bytes > _GIB + self._limits.archive_ratio * self._size:
            most = f"a GiB and {self._limits.archive_ratio:,} times its {self._size:,} bytes"
            self._refuse(f"unpacks to more than {most}", "archive_ratio")
        if size > self._room:  # as it was when last looked at: the disk is also that of others
            disk = shutil.disk_usage(self._folder)
            self._room = disk.free - min(_GIB, disk.total // 20)  # some is left to the machine
            if size > self._room:
                raise LanzdmlError(
                    f"{self._archive} is not unpacked: {self._folder.parent} has no room for what "
                    "it holds; make some and run again"
                )
        self._room -= size

    def check_count(self, entries: int) -> None:
        """:meth:`take`'s refusal of too many entries in all."""
        if entries > self._limits.archive_files:
            most = self._limits.archive_files
            self._refuse(f"holds more than {most:,} files and folders", "archive_files")

    def _refuse(self, what: str, key: str) -> None:
        raise LanzdmlError(
            f"{self._archive} is refused: it {what}; if that is right, raise {key_of(key)}"
        )


def quoted(name: str) -> str:
    """An entry's name for a message: some have 60,000 letters, or end the line."""
    return repr(shortened(name, _SHOWN))


def special(archive: Path, name: str, what: str = "a link or a device") -> LanzdmlError:
    return LanzdmlError(f"{archive} is refused: its entry {quoted(name)} is {what}")
