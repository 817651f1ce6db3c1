"""Text files of the user's own, tables and lists: read strictly, or refused with the line."""

import codecs
import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lanzdml.errors import LanzdmlError
from lanzdml.files import open_bounded
from lanzdml.limits import key_of, limits
from lanzdml.signatures import ENOUGH, mistaken

if TYPE_CHECKING:
    from _csv import Reader

SUFFIXES = (".csv", ".tsv")
_SEPARATORS = (",", ";", "\t")
LONGEST = 2**24  # letters of a line: 128 cells as long as Python's reader takes them
_HEAD = 2**20  # letters by which the separator is told
_SLICE = 2**16  # rows
# The first line that Excel writes and reads, to say what separates cells.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[;,\t]*', re.IGNORECASE)


def is_csv(path: Path) -> bool:
    """Whether a path has the suffix of a table that is read here."""
    return path.suffix.lower() in SUFFIXES


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a file in UTF-8 or UTF-16, with what ends them; it is not read at once.

    Every other encoding is a guess: in most of them any bytes are text, and often that of another.

    Raises:
        LanzdmlError: it is in neither, cannot be read, is larger than the limit ``table_mib`` or
            has lines that no list has.
    """
    with _opened(path) as file:
        yield from _lines(path, file)


@contextmanager
def _opened(path: Path) -> Iterator[TextIOWrapper]:
    try:
        with open_bounded(path) as file:
            start = file.read(ENOUGH)
            if (words := mistaken(start)) is not None:
                raise LanzdmlError(f"{path} is {words}")
            file.seek(0)
            with TextIOWrapper(file, _encoding(start), newline="") as text:
                try:
                    yield text
                except UnicodeDecodeError as error:
                    n_bytes = file.tell() - len(error.object) + error.start
                    file.seek(0)
                    line = file.read(n_bytes).count(b"\n") + 1
                    raise LanzdmlError(
                        f"{path}, line {line}: is in another encoding than UTF-8 and UTF-16, which "
                        "are read; save it in UTF-8 (spreadsheets call this CSV UTF-8)"
                    ) from None
    except OSError as error:
        raise LanzdmlError(f"{path} cannot be read: {error.strerror}") from None


def _lines(path: Path, file: TextIOWrapper, skipped: int = 0) -> Iterator[str]:
    lines = iter(partial(file.readline, LONGEST), "")
    for number, line in enumerate(lines, start=skipped + 1):
        if "\0" in line:
            raise LanzdmlError(f"{path} holds zero bytes and is no text")
        if len(line) == LONGEST:
            raise LanzdmlError(
                f"{path}, line {number}: has {LONGEST:,} letters or more, which no table or list "
                "has in a line"
            )
        yield line


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Text that begins with an ASCII character shows the byte order of UTF-16 in its zero byte.
    zero = data[:2].find(b"\0")
    return ("utf-16-be", "utf-16-le")[zero] if zero >= 0 else "utf-8-sig"


def columns_of(path: Path, needed: str) -> list[str]:
    """The names of a table's columns; of an empty file there are none.

    Args:
        path: of the table.
        needed: a column that it has to have, by which the separator is told.

    Raises:
        LanzdmlError: the file cannot be read.
    """
    _, columns = next(rows_of(path, needed), (0, []))
    return columns


def read_csv(path: Path, needed: str, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """A table as strings without blanks around them, None for nothing, by the lines' numbers.

    Args:
        path: of the table.
        needed: as of :func:`columns_of`.
        columns: those to read, where they are there; without, all.

    Raises:
        LanzdmlError: the file cannot be read, has more rows or columns than the limits
            ``table_rows`` and ``table_columns``, or a row has more or fewer cells than there are
            columns.
    """
    rows = rows_of(path, needed)
    _, header = next(rows, (0, []))
    names = header if columns is None else [name for name in columns if name in header]
    at = range(len(header)) if columns is None else [header.index(name) for name in names]
    lines: list[int] = []
    frames = [pd.DataFrame([], columns=names, dtype="str")]
    # A slice at a time, as each cell takes much more memory as an object of its own.
    while True:
        cells: list[list[str | None]] = [[] for _ in names]
        n_lines = len(lines)
        for line, row in itertools.islice(rows, _SLICE):
            lines.append(line)
            for column, position in zip(cells, at, strict=True):
                column.append(row[position] or None)
        if len(lines) == n_lines:
            return pd.concat(frames).set_axis(pd.Index(lines, name="line"))
        part = pd.DataFrame(dict(enumerate(cells)), dtype="str")
        frames.append(part.set_axis(names, axis=1))


def rows_of(path: Path, needed: str) -> Iterator[tuple[int, list[str]]]:
    """The number of its last line and the cells of each row that is not blank; first the columns.

    Raises:
        LanzdmlError: as of :func:`read_csv`.
    """
    most_rows, most_columns = limits().table_rows, limits().table_columns
    n_columns = None
    with _opened(path) as file:
        head = file.read(_HEAD)
        separator, start = _separator(path, head, needed)
        skipped = max(0, len(head[:start].splitlines()) - 1)
        file.seek(0)
        file.read(start)
        reader = _reader(_lines(path, file, skipped), separator)
        try:
            for n_rows, row in enumerate(reader):
                if n_rows > most_rows:
                    raise has_more(path, most_rows, "rows", "table_rows")
                cells = [cell.strip() for cell in row]
                if not any(cells):  # as some programs leave at the end
                    continue
                line = skipped + reader.line_num
                if n_columns is None and len(cells) > most_columns:
                    raise has_more(path, most_columns, "columns", "table_columns")
                n_columns = n_columns or len(cells)
                if len(cells) != n_columns:
                    raise LanzdmlError(
                        f"{path}, line {line}: the number of cells is {len(cells)}, that of "
                        f"columns {n_columns}; what holds a separator needs quotes"
                    )
                yield line, cells
        except csv.Error as error:
            reason = f"is no CSV: {error}"
            if "field limit" in str(error):
                reason = (
                    f"a cell has more than {csv.field_size_limit():,} letters; is a quote open?"
                )
            raise LanzdmlError(f"{path}, line {skipped + reader.line_num}: {reason}") from None


def has_more(path: Path, most: int, what: str, limit: str) -> LanzdmlError:
    """That a table is larger than a limit."""
    return LanzdmlError(
        f"{path} has more than {most:,} {what}; if that is right, raise {key_of(limit)}"
    )


def _reader(lines: Iterable[str], separator: str) -> "Reader":
    return csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)


def _separator(path: Path, text: str, needed: str) -> tuple[str, int]:
    """What separates cells, and where in the text the table begins.

    Spreadsheets write semicolons where numbers have a decimal comma. A column's name may hold what
    separates those of other tables, so it is that which makes a column of the needed name.
    """
    first = re.search(r"\S.*", text)
    if first and (said := _SEPARATOR_LINE.fullmatch(first[0].strip())):
        return said[1], first.end()
    if path.suffix.lower() == ".tsv":
        return "\t", 0
    headers = {separator: _header(text, separator) for separator in _SEPARATORS}
    fitting = [separator for separator in headers if needed in headers[separator]]
    return max(fitting or headers, key=lambda separator: len(headers[separator])), 0


def _header(text: str, separator: str) -> list[str]:
    try:
        rows = (
            [cell.strip() for cell in row] for row in _reader(StringIO(text, newline=""), separator)
        )
        return next((cells for cells in rows if any(cells)), [])
    except csv.Error:
        return []
