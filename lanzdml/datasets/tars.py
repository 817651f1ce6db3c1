"""Entries of tar archives, compressed or not.

Headers are read here. Python's tarfile takes any memory for one, hours for digits in another and no
end for a negative size, and it keeps all of them.
"""

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lanzdml.datasets.entries import CHUNK, ON_DISK, Allowance, Entry, quoted, special
from lanzdml.errors import LanzdmlError

_BLOCK = 512
_WEIGHT = ON_DISK // _BLOCK  # of what is read for nothing: an empty file counts as one on disk
_HEADERS = 2**20  # bytes before an entry: its name, and attributes, each of 64 KiB at most
_END = bytes(_BLOCK)
_LOWER_HALF = bytes(range(128))
_FILE, _FOLDER, _OLD, _SPARSE = (b"0", b"7"), b"5", b"\0", b"S"
_LONG_NAME, _RECORDS, _IGNORED = b"L", (b"x", b"X"), (b"g", b"K")
_GNU_SPARSE = "GNU.sparse"
_XZ_PIECE = 2**14
_XZ_MEMORY = 2**28  # the strongest of xz's own settings takes a quarter of it


class _Xz(io.RawIOBase):
    """What is in an xz file: lzma.LZMAFile would take the memory that the file asks for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._start()

    def _start(self) -> None:
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        while True:
            data = b""
            if self._decompressor.eof:  # another one may follow, after zeros
                data = self._decompressor.unused_data.lstrip(b"\0")
                while not data and (chunk := self._file.read(_XZ_PIECE)):
                    data = chunk.lstrip(b"\0")
                if not data:
                    return 0
                self._start()
            elif self._decompressor.needs_input and not (data := self._file.read(_XZ_PIECE)):
                raise EOFError("it is cut off")
            if content := self._decompressor.decompress(data, len(buffer)):
                buffer[: len(content)] = content
                return len(content)


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    """A tar's bytes, to be read once and forwards."""
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if start == b"\xfd7zXZ\0":
        return io.BufferedReader(_Xz(file), CHUNK)
    return file


class _Tar:
    """The headers and contents of a tar, in their order."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.at = 0

    def header(self) -> bytes | None:
        """The next header; None at the end, which is a block of zeros."""
        block = self.read(_BLOCK)
        if block == _END:
            return None
        # Of the checksum itself, blanks count; old programs add signed bytes.
        counted = block[:148] + b" " * 8 + block[156:]
        signed = sum(counted) - 256 * len(counted.translate(None, _LOWER_HALF))
        try:
            is_whole = _number(block[148:156]) in (sum(counted), signed)
        except ValueError:
            is_whole = False
        if not is_whole:
            raise self._damaged(_BLOCK)
        return block

    def read(self, size: int) -> bytes:
        """So many bytes, all of them."""
        data = self._stream.read(size)
        self.at += len(data)
        if len(data) < size:
            raise self._damaged(len(data))
        return data

    def padded(self, size: int) -> bytes:
        """What has so many bytes in whole blocks."""
        return self.read(size + -size % _BLOCK)[:size]

    def content(self, size: int) -> Iterator[bytes]:
        """What has so many bytes in whole blocks, in chunks."""
        left = size
        while left:
            yield self.read(min(left, CHUNK))
            left -= min(left, CHUNK)
        self.read(-size % _BLOCK)

    def rest(self) -> Iterator[int]:
        """What follows the end, to the checksum of what is compressed: sizes of chunks."""
        while chunk := self._stream.read(CHUNK):
            yield len(chunk)

    def _damaged(self, back: int) -> EOFError:
        if self.at <= _BLOCK:
            return EOFError("it is no tar archive, or a damaged one")
        return EOFError(f"it is cut off or damaged at byte {self.at - back:,}")


def tar_entries(archive: Path, allowance: Allowance) -> Iterator[Entry]:
    with open(archive, "rb") as file, _decompressed(file) as stream:
        tar, records, start = _Tar(stream), dict[str, str](), 0
        while block := tar.header():
            kind, size = block[156:157], _number(block[124:136])
            if kind in (_LONG_NAME, *_RECORDS, *_IGNORED):
                if tar.at - start + size > _HEADERS:
                    raise LanzdmlError(
                        f"{archive} is refused: the header of an entry at byte {start:,} has more "
                        f"than {_HEADERS:,} bytes; unpack it yourself and give the folder"
                    )
                content = tar.padded(size)
                if kind == _LONG_NAME:
                    records["path"] = _text(content)
                elif kind in _RECORDS:
                    records |= _records(content)
                continue
            name, is_folder = _name(block), kind == _FOLDER
            if kind == _OLD:
                is_folder = name.endswith("/")
            name = records.get("path", name)
            if kind == _SPARSE or _GNU_SPARSE in records:
                raise special(archive, name, "a sparse file; unpack it and give the folder")
            if kind not in (*_FILE, _FOLDER, _OLD):
                raise special(archive, name)
            size = 0 if is_folder else int(records.get("size", size))
            if size < 0:
                raise ValueError(f"its entry {quoted(name)} is smaller than nothing")
            allowance.take(size + (tar.at - start - _BLOCK) * _WEIGHT, 1)
            rest = tar.content(size)
            yield Entry(name, is_folder, size, rest)
            for _ in rest:  # of what was not read
                pass
            records, start = {}, tar.at
        for length in tar.rest():
            allowance.take(length * _WEIGHT, 0)


def _number(field: bytes) -> int:
    """Of a header: digits of base 8 or, after a byte that says so, bytes."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    if digits.strip(b"01234567"):
        raise ValueError("a header of it is damaged")
    return int(digits or b"0", 8)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _name(block: bytes) -> str:
    """The name in a header; POSIX has room for folders in a second place."""
    folder = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{folder}/{_text(block[:100])}" if folder else _text(block[:100])


def _records(content: bytes) -> dict[str, str]:
    """Records of a POSIX header, ``length key=value``, that matter here."""
    records, at = {}, 0
    while at < len(content):
        digits = content[at : at + 8].partition(b" ")[0]
        length = int(digits)
        key, _, value = content[at + len(digits) + 1 : at + length].partition(b"=")
        if length <= len(digits) or not value.endswith(b"\n"):
            raise ValueError("a header of it is damaged")
        if key in (b"path", b"size"):
            records[key.decode()] = value[:-1].decode("utf-8", "surrogateescape")
        elif key.startswith(_GNU_SPARSE.encode()):
            records[_GNU_SPARSE] = ""
        at += length
    return records
