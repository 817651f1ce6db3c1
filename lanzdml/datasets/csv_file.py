"""Text files of the user's own, tables and lists: read strictly, or refused with the line."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lanzdml.errors import LanzdmlError
from lanzdml.signatures import mistaken

if TYPE_CHECKING:
    from _csv import Reader

SUFFIXES = (".csv", ".tsv")
_SEPARATORS = (",", ";", "\t")
# The first line that Excel writes and reads, to say what separates cells.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[;,\t]*', re.IGNORECASE)


def is_csv(path: Path) -> bool:
    """Whether a path has the suffix of a table that is read here."""
    return path.suffix.lower() in SUFFIXES


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 or UTF-16.

    Every other encoding is a guess: in most of them any bytes are text, and often that of another.

    Raises:
        LanzdmlError: it is in neither, or cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LanzdmlError(f"{path} cannot be read: {error.strerror}") from None
    if (words := mistaken(data)) is not None:
        raise LanzdmlError(f"{path} is {words}")
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LanzdmlError(
            f"{path}, line {line}: is in another encoding than UTF-8 and UTF-16, which are read; "
            "save it in UTF-8 (spreadsheets call this CSV UTF-8)"
        ) from None
    if "\0" in text:
        raise LanzdmlError(f"{path} holds zero bytes and is no text")
    return text


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


def read_csv(path: Path, needed: str) -> pd.DataFrame:
    """A table as strings without blanks around them, None for nothing, by the lines' numbers.

    Args:
        path: of the table.
        needed: as of :func:`columns_of`.

    Raises:
        LanzdmlError: the file cannot be read, or a row has more or fewer cells than there are
            columns.
    """
    rows = rows_of(path, needed)
    _, columns = next(rows, (0, []))
    lines, records = [], []
    for line, cells in rows:
        lines.append(line)
        records.append([cell or None for cell in cells])
    return pd.DataFrame(records, pd.Index(lines, name="line"), columns, dtype="str")


def rows_of(path: Path, needed: str) -> Iterator[tuple[int, list[str]]]:
    """The number of its last line and the cells of each row that is not blank; first the columns.

    Raises:
        LanzdmlError: as of :func:`read_csv`.
    """
    text = read_text(path)
    separator, start = _separator(path, text, needed)
    skipped = max(0, len(text[:start].splitlines()) - 1)
    reader = _reader(text[start:], separator)
    n_columns = None
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):  # as some programs leave at the end
                continue
            line = skipped + reader.line_num
            n_columns = n_columns or len(cells)
            if len(cells) != n_columns:
                raise LanzdmlError(
                    f"{path}, line {line}: the number of cells is {len(cells)}, that of columns "
                    f"{n_columns}; what holds a separator needs quotes"
                )
            yield line, cells
    except csv.Error as error:
        line = skipped + reader.line_num
        raise LanzdmlError(f"{path}, line {line}: is no CSV: {error}") from None


def _reader(text: str, separator: str) -> "Reader":
    lines = io.StringIO(text, newline="")
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
        rows = ([cell.strip() for cell in row] for row in _reader(text, separator))
        return next((cells for cells in rows if any(cells)), [])
    except csv.Error:
        return []
