"""Entries of zip archives."""

import io
import stat
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from lanzdml.datasets.entries import CHUNK, Allowance, Entry, quoted, special
from lanzdml.errors import LanzdmlError

_START = b"PK\x03\x04"
_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UTF_8 = 0x800  # flag of an entry whose name says its encoding


def is_zip(archive: Path) -> bool:
    """Whether an archive is a zip, whatever its name."""
    with open(archive, "rb") as file:
        return file.read(len(_START)) == _START


class _ZipFile(io.BufferedReader):
    """A zip as zipfile reads it; the list of entries it takes in one piece, so that is counted."""

    def __init__(self, archive: Path, allowance: Allowance) -> None:
        super().__init__(io.FileIO(archive))
        self._allowance = allowance

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > CHUNK:
            start, left, count, last = self.tell(), size, 0, b""
            while piece := super().read(min(left, CHUNK)):
                count += (last + piece).count(_ENTRY)
                self._allowance.check_count(count)
                left, last = left - len(piece), piece[1 - len(_ENTRY) :]
            self.seek(start)
        return super().read(size)


def zip_entries(archive: Path, allowance: Allowance) -> Iterator[Entry]:
    with _ZipFile(archive, allowance) as raw, zipfile.ZipFile(raw) as file:
        infos = file.infolist()
        # zipfile gives no more of an entry than it says here.
        allowance.take(sum(info.file_size for info in infos), len(infos))
        for info in infos:
            if info.flag_bits & 1:
                raise LanzdmlError(
                    f"{archive} is encrypted: unpack it with its password and give the folder"
                )
            name = _name(info)
            # The upper half holds a Unix mode where the archive was made on Unix, and else zeros.
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise special(archive, name)
            # zipfile takes any memory for the others, which hardly any zip has.
            if info.compress_type not in _METHODS:
                raise NotImplementedError(
                    f"its entry {quoted(name)} is compressed by another method than deflating"
                )
            is_folder = name.endswith(("/", "\\")) or kind == stat.S_IFDIR
            yield Entry(name, is_folder, info.file_size, _content(file, info))


def _content(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with file.open(info) as content:
        yield from iter(partial(content.read, CHUNK), b"")


def _name(info: zipfile.ZipInfo) -> str:
    """An entry's name; macOS writes UTF-8 without saying so."""
    if info.flag_bits & _UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename
