"""A dataset of the user's own: images listed with their labels in a table (docs/your-own.md).

The table is a CSV or a parquet file. Its column ``image`` holds paths relative to the dataset's
root or, in parquet, the encoded images. ``image_id`` may name the images, and ``mask`` may hold
masks of their foreground in the same way. Every other column is a notion, with nothing in it where
an image has no label; columns of a parquet file that can hold no names, such as decimal numbers,
are left out.
"""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lanzdml.datasets import raw
from lanzdml.datasets.manifest import EXCLUDED, ID, IMAGE, MASK, PATH
from lanzdml.errors import LanzdmlError

BYTES = "bytes"  # of an image as the library `datasets` of Hugging Face saves it: bytes and a path


def label_columns(table: Path) -> tuple[str, ...]:
    """The notions that a table has a column for; its rows are not looked at.

    Raises:
        LanzdmlError: there is no such file, or its columns are not those of such a table.
    """
    if not table.is_file():
        raise LanzdmlError(f"there is no file {table}")
    if _is_csv(table):
        columns = labels = _csv_header(table)
    elif table.suffix.lower() == ".parquet":
        schema = _parquet_schema(table)
        columns, labels = schema.names, [field.name for field in schema if _is_name(field.type)]
    else:
        raise LanzdmlError(f"{table} is neither a .csv nor a .parquet file")
    _check_columns(table, columns)
    return tuple(
        column
        for column in labels
        # The index of a data frame is saved under a name of pandas' own.
        if column not in (IMAGE, ID, MASK) and not column.startswith("__index_level_")
    )


def has_label(table: Path, notion: str) -> bool:
    """Whether any row has a label for a notion that the table has a column for.

    Raises:
        LanzdmlError: the table cannot be read.
    """
    # Of parquet this column alone, as the others can be all the images.
    rows = _read_csv(table) if _is_csv(table) else _read_parquet(table, [notion])
    return bool(rows[notion].notna().any())


def count_rows(table: Path) -> int:
    """About how many images a table lists: a cell of a CSV may hold a line break.

    Raises:
        LanzdmlError: the table cannot be read.
    """
    try:
        if _is_csv(table):
            return table.read_bytes().count(b"\n")
        return pq.read_metadata(table).num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise LanzdmlError(f"{table} cannot be read: {error}") from None


def read_manifest(root: Path, table: Path) -> pd.DataFrame:
    """The manifest of the images that a table lists, in its order.

    An image's id is its ``image_id`` where there is such a column, else its path as the table has
    it or, for encoded images, the number of its row, counted from 0.

    Args:
        root: the folder that paths are relative to.
        table: see above.

    Raises:
        LanzdmlError: as :func:`label_columns`, or a row cannot be used: its image is not named, not
            there or listed twice, its mask is not there, or it has more or fewer cells than there
            are columns.
    """
    labels = label_columns(table)
    columns = (IMAGE, ID, MASK, *labels)
    rows = _read_csv(table) if _is_csv(table) else _read_parquet(table, columns)
    if rows.empty:
        raise LanzdmlError(f"{table} lists no images")
    _check_filled(table, rows, IMAGE)
    source = IMAGE if isinstance(rows[IMAGE].iloc[0], bytes) else PATH
    if source == PATH:
        _check_distinct(table, rows, IMAGE)
        _check_files(table, rows, root, IMAGE)
    if ID in rows:
        _check_filled(table, rows, ID)
        _check_distinct(table, rows, ID)
    else:
        rows[ID] = rows[IMAGE] if source == PATH else rows.index.astype("str")
    manifest = rows.rename(columns={IMAGE: source})[[ID, source, *labels]]
    if MASK in rows:
        manifest[MASK] = _masks(table, rows, root)
    return manifest.reset_index(drop=True)


def _masks(table: Path, rows: pd.DataFrame, root: Path) -> list[bytes | None]:
    """Encoded masks: what a manifest holds, whether or not it holds paths of the images."""
    _check_files(table, rows, root, MASK)
    masks = rows[MASK].astype(object).where(rows[MASK].notna(), None)
    return [(root / mask).read_bytes() if isinstance(mask, str) else mask for mask in masks]


# Both readers give strings without blanks around them, None for nothing, and an index that is named
# and counts as users do who look for a row: lines of a text file, rows of a data frame.


def _is_csv(table: Path) -> bool:
    return table.suffix.lower() == ".csv"


def _read_csv(table: Path) -> pd.DataFrame:
    rows = _csv_rows(table)
    _, columns = next(rows)
    lines, records = [], []
    for line, cells in rows:
        if len(cells) != len(columns):
            raise LanzdmlError(
                f"{table}, line {line}: the number of cells is {len(cells)}, that of columns "
                f"{len(columns)}; what holds a separator needs quotes"
            )
        lines.append(line)
        records.append([cell or None for cell in cells])
    return pd.DataFrame(records, pd.Index(lines, name="line"), columns, dtype="str")


def _csv_header(table: Path) -> list[str]:
    _, columns = next(_csv_rows(table), (0, []))
    return columns


def _csv_rows(table: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not blank, as some programs leave at the end."""
    text = raw.decode(table.read_bytes())
    header = next(iter(text.splitlines()), "")
    # Spreadsheets write semicolons where numbers have a decimal comma.
    separator = next((character for character in ",;\t" if character in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise LanzdmlError(f"{table}, line {reader.line_num}: is no CSV: {error}") from None


def _read_parquet(table: Path, columns: Iterable[str]) -> pd.DataFrame:
    """Those of some columns that are there."""
    in_table = _parquet_schema(table).names
    names = [name for name in columns if name in in_table]
    try:
        data = pq.read_table(table, columns=names)
    except (pa.ArrowInvalid, OSError) as error:
        raise _no_parquet(table, error) from None
    cells = {name: _cells(data[name]) for name in names}
    return pd.DataFrame(cells, pd.RangeIndex(len(data), name="row"), dtype="object")


def _cells(column: pa.ChunkedArray) -> list[str | bytes | None]:
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, BYTES)
    if _is_bytes(column.type):
        return column.to_pylist()
    return [(value or "").strip() or None for value in column.cast(pa.string()).to_pylist()]


def _parquet_schema(table: Path) -> pa.Schema:
    try:
        schema = pq.read_schema(table)
    except (pa.ArrowInvalid, OSError) as error:
        raise _no_parquet(table, error) from None
    for field in schema:
        if field.name in (IMAGE, MASK) and not (_is_name(field.type) or _is_bytes(field.type)):
            raise LanzdmlError(
                f"{table}: column {field.name} holds {field.type}; needed are paths (string) or "
                "encoded images (binary)"
            )
        if field.name == ID and not _is_name(field.type):
            raise LanzdmlError(f"{table}: column {ID} holds {field.type}; needed are strings")
    return schema


def _no_parquet(table: Path, error: Exception) -> LanzdmlError:
    return LanzdmlError(f"{table} is no parquet file, or a damaged one: {error}")


def _is_name(kind: pa.DataType) -> bool:
    """Whether a column's values can be labels; one of type null has none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    texts = (pa.string(), pa.large_string(), pa.string_view())
    return kind in texts or any(
        is_kind(kind) for is_kind in (pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)
    )


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind) and (position := kind.get_field_index(BYTES)) >= 0:
        kind = kind.field(position).type
    return kind in (pa.binary(), pa.large_binary(), pa.binary_view())


def _check_columns(table: Path, columns: list[str]) -> None:
    if "" in columns:
        raise LanzdmlError(
            f"{table}: column {columns.index('') + 1} has no name; name it or delete it"
        )
    if IMAGE not in columns:
        raise LanzdmlError(
            f"{table} has no column {IMAGE!r}, but {', '.join(columns) or 'nothing at all'}; give "
            "the column of the images that name"
        )
    for column in columns:
        if columns.count(column) > 1:
            raise LanzdmlError(f"{table} has two columns {column!r}; rename one of them")
        if column in (PATH, EXCLUDED):
            raise LanzdmlError(
                f"{table}: column {column!r} has a name that manifests use themselves; rename it"
            )


def _check_filled(table: Path, rows: pd.DataFrame, column: str) -> None:
    blank = rows.index[rows[column].isna()]
    if len(blank):
        raise LanzdmlError(
            f"{table}, {_first(blank)}: {column} is empty; fill it or delete the row"
        )


def _check_distinct(table: Path, rows: pd.DataFrame, column: str) -> None:
    repeated = rows.index[rows[column].duplicated()]
    if len(repeated):
        value = rows[column][repeated[0]]
        first = rows.index[rows[column] == value]
        raise LanzdmlError(
            f"{table}, {_first(repeated)}: {column} {value!r} is there already, in {_first(first)}"
        )


def _check_files(table: Path, rows: pd.DataFrame, root: Path, column: str) -> None:
    paths = rows[column][[isinstance(cell, str) for cell in rows[column]]]
    if len(paths) and not root.is_dir():
        raise LanzdmlError(f"there is no folder {root} for the images of {table}")
    # False, too, for names that no file can have
    missing = paths.index[[not os.path.isfile(root / name) for name in paths]]
    if len(missing):
        raise LanzdmlError(
            f"{table}, {_first(missing)}: there is no {column} {paths[missing[0]]} in {root} "
            f"(missing: {len(missing):,} of {len(paths):,}); paths are relative to that folder"
        )


def _first(index: pd.Index) -> str:
    """The first of some rows, in words."""
    return f"{index.name} {index[0]}"
