"""Parquet tables of the user's own, those that Hugging Face's ``datasets`` exports included.

And results, which somebody else may have made: what any of them unpacks to is counted.
"""

import itertools
import json
import os
from collections.abc import Collection, Iterable, Iterator, Set
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lanzdml.datasets.csv_file import has_more
from lanzdml.errors import LanzdmlError
from lanzdml.limits import key_of, limits
from lanzdml.signatures import mistaken

BYTES, FILE = "bytes", "path"  # of an image in such an export: its content, or where it is
_HUGGING_FACE = b"huggingface"  # key of a file's metadata
_SLICE = 2**26  # bytes; Arrow cannot hold nested columns above 2 GiB in one piece
_SMALL = 2**28  # bytes that any table may unpack to
_LEAST = 2**8  # bytes that a cell is taken to have, with what is made of it
_WIDE = 20  # columns that as many rows as may be can have
_LONGEST = 2**17  # bytes of a name, as of Python's reader of CSV
_ROWS = 2**16  # of results at a time


def is_parquet(path: Path) -> bool:
    """Whether a path has the suffix of a table that is read here."""
    return path.suffix.lower() == ".parquet"


def read_schema(path: Path) -> pa.Schema:
    """The columns of a table; its rows are not looked at.

    Raises:
        LanzdmlError: the file is no Parquet, or has more rows or columns than the limits
            ``table_rows`` and ``table_columns``.
    """
    with _opened(path) as file:
        return file.schema_arrow


def count_rows(path: Path) -> int:
    """How many rows a table has.

    Raises:
        LanzdmlError: as of :func:`read_schema`.
    """
    with _opened(path) as file:
        return file.metadata.num_rows


def labelled(path: Path, columns: Iterable[str]) -> list[str]:
    """Those of some columns that hold anything; no more is read than says so.

    Raises:
        LanzdmlError: as of :func:`read_parquet`.
    """
    columns = list(columns)
    empty = set(columns)
    for n_slices in (1, None):  # after the first one most columns are known
        asked = [name for name in columns if name in empty]
        for cells in itertools.islice(_slices(path, asked), n_slices):
            empty -= {name for name, values in cells.items() if any(v is not None for v in values)}
            if not empty:
                return columns
    return [name for name in columns if name not in empty]


def read_parquet(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    """Those of some columns that are there: strings without blanks around them, bytes, or None.

    Rows are counted from 0. A column of classes, which an export holds as numbers, has their names.

    Raises:
        LanzdmlError: the file is no Parquet, a class has a number without a name, or it holds
            more than a table does: more rows, columns or cells than the limits ``table_rows`` and
            ``table_columns``, longer text, more bytes for its size than the limit
            ``archive_ratio``.
    """
    names = [name for name in columns if name in read_schema(path).names]
    cells: dict[str, list[Any]] = {name: [] for name in names}
    for part in _slices(path, names):
        for name in names:
            cells[name] += part[name]
    return pd.DataFrame(cells, pd.RangeIndex(count_rows(path), name="row"), dtype="object")


def read_result(
    path: Path, columns: list[str] | None = None, later: Set[str] = frozenset()
) -> pa.Table:
    """A table of results, or some of its columns, as it was written.

    Args:
        path: Parquet.
        columns: those to read; all unless given.
        later: those of them that files of earlier versions lack, and that need not be there.

    Raises:
        LanzdmlError: the file is no Parquet, lacks a column, or holds more than the limits
            ``table_rows``, ``table_columns`` and ``archive_ratio``.
    """
    try:
        return _read_result(path, columns, later)
    except (pa.ArrowException, OSError) as error:
        raise LanzdmlError(f"{path} cannot be read: {error}; delete it and run again") from None


def _read_result(path: Path, columns: list[str] | None, later: Set[str]) -> pa.Table:
    schema = pq.read_schema(path)
    if missing := set(columns or ()) - set(schema.names) - later:
        raise LanzdmlError(f"{path} has no column {min(missing)!r}: delete it and run again")
    schema = pa.schema([field for field in schema if field.name in (columns or schema.names)])
    texts = {field.name for field in schema if _is_text(field.type) or _is_bytes(field.type)}
    most, n_bytes, batches = _most_bytes(path), 0, []
    with _opened(path, texts) as file:
        _check_declared(path, file, set(schema.names), most)
        for batch in file.iter_batches(_ROWS, columns=schema.names):
            n_bytes += sum(map(_n_bytes_written_out, batch.columns))
            if n_bytes > most:
                raise _unpacks_to_more(path)
            batches.append(batch)
    table = pa.Table.from_batches(batches, None if batches else schema)
    return table.select(schema.names).cast(schema.with_metadata(table.schema.metadata))


def _n_bytes_written_out(column: pa.Array) -> int:
    """Bytes of a column where each cell holds its value, which may be that of many."""
    if not pa.types.is_dictionary(column.type):
        return column.nbytes
    return pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0


def _check_declared(path: Path, file: pq.ParquetFile, names: Set[str], most: int) -> None:
    """Numbers take what they take, however often one is repeated."""
    n_bytes = 0
    for chunk in _chunks(file, names):
        of_one = 1 if chunk.physical_type in ("BOOLEAN", "BYTE_ARRAY") else 4
        if "DELTA_BYTE_ARRAY" in chunk.encodings:  # which results are not written in
            of_one = chunk.total_uncompressed_size
        n_bytes += max(chunk.total_uncompressed_size, chunk.num_values * of_one)
    if n_bytes > most:
        raise _unpacks_to_more(path)


def _most_bytes(path: Path) -> int:
    return max(_SMALL, os.path.getsize(path) * limits().archive_ratio)


def _chunks(file: pq.ParquetFile, names: Set[str]) -> Iterator[pq.ColumnChunkMetaData]:
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            path = chunk.path_in_schema
            if path in names or path.partition(".")[0] in names:
                yield chunk


def _slices(path: Path, names: list[str]) -> Iterator[dict[str, list[Any]]]:
    """The cells of some columns by name, a part of the rows at a time."""
    schema = read_schema(path)
    texts = {name for name in names if _is_text(schema.field(name).type)}
    with _opened(path, texts) as file:
        classes = _classes(file.schema_arrow)
        most = _most_bytes(path)
        n_rows = n_bytes = 0
        most_cells = limits().table_rows * _WIDE
        if file.metadata.num_rows * len(names) > most_cells:
            raise has_more(path, most_cells, "cells", "table_rows")
        for batch in _batches(path, file, set(names), texts, most):
            n_bytes += sum(map(_n_bytes, batch.columns))
            if n_bytes > most:
                raise _unpacks_to_more(path)
            cells: dict[str, list[Any]] = {}
            for name in names:
                cells[name] = _cells(path, name, batch.column(name))
                if name in classes:
                    cells[name] = _named(path, name, cells[name], classes[name], n_rows)
            n_rows += len(batch)
            yield cells


def is_name(kind: pa.DataType) -> bool:
    """Whether a column's values can be labels; one of type null has none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return _is_text(kind) or any(
        is_kind(kind) for is_kind in (pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)
    )


def is_picture(kind: pa.DataType) -> bool:
    """Whether a column's values can be images: paths, encoded ones, or a struct of both."""
    if pa.types.is_struct(kind):
        parts = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        content, file = parts.get(BYTES), parts.get(FILE)
        return (content is not None and _is_bytes(content)) or (
            content is not None and pa.types.is_null(content) and file is not None and is_name(file)
        )
    return is_name(kind) or _is_bytes(kind)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _is_bytes(kind: pa.DataType) -> bool:
    return kind in (pa.binary(), pa.large_binary(), pa.binary_view())


def _opened(path: Path, texts: Iterable[str] = ()) -> pq.ParquetFile:
    """A file; each value of some columns of text is held once, as it can be there often."""
    try:
        file = pq.ParquetFile(path, read_dictionary=list(texts))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None
    metadata = file.metadata
    groups = (metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
    for number, what in (
        (max(metadata.num_rows, sum(groups)), "rows"),
        (metadata.num_columns, "columns"),
    ):
        most = getattr(limits(), f"table_{what}")
        if number > most:
            file.close()
            raise has_more(path, most, what, f"table_{what}")
    return file


def _damaged(path: Path, error: Exception) -> LanzdmlError:
    words = mistaken(path) if path.is_file() else None
    if words is not None:
        return LanzdmlError(f"{path} is {words}")
    return LanzdmlError(f"{path} is no parquet file, or a damaged one: {error}")


def _unpacks_to_more(path: Path) -> LanzdmlError:
    return LanzdmlError(
        f"{path} unpacks to more than {limits().archive_ratio} times as much as it has; if that is "
        f"right, raise {key_of('archive_ratio')}"
    )


def _batches(
    path: Path, file: pq.ParquetFile, names: Set[str], texts: Set[str], most: int
) -> Iterator[pa.RecordBatch]:
    unpacked, largest = 0, 1.0  # bytes of all, and of a row
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        chunks = [
            chunk
            for chunk in map(group.column, range(group.num_columns))
            if chunk.path_in_schema in names or chunk.path_in_schema.partition(".")[0] in names
        ]
        unpacked += sum(chunk.total_uncompressed_size for chunk in chunks)
        largest = max(largest, sum(_most_in_a_cell(chunk, texts) for chunk in chunks))
    if unpacked > most:
        raise _unpacks_to_more(path)
    try:
        yield from file.iter_batches(max(1, int(_SLICE / largest)), columns=list(names))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _most_in_a_cell(chunk: pq.ColumnChunkMetaData, texts: Set[str]) -> float:
    """Bytes in memory; a value that is stored once can be that of many cells, and held for each."""
    repeats = {"DELTA_BYTE_ARRAY"}
    if chunk.path_in_schema not in texts:  # see _opened
        repeats |= {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
    size = chunk.total_uncompressed_size
    if chunk.physical_type != "BYTE_ARRAY" or not repeats & set(chunk.encodings):
        size /= max(1, chunk.num_values)
    return _LEAST + size


def _n_bytes(column: pa.Array) -> int:
    return (column.dictionary if pa.types.is_dictionary(column.type) else column).nbytes


def _cells(path: Path, name: str, column: pa.Array) -> list[Any]:
    if pa.types.is_struct(column.type):
        return [
            None if value is None else value.get(BYTES) or value.get(FILE)
            for value in column.to_pylist()
        ]
    if _is_bytes(column.type):
        return column.to_pylist()
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes, values = column.indices, column.dictionary
    if len(values) > len(codes):
        used = codes.unique().drop_null()
        codes, values = pc.index_in(codes, used), values.take(used)
    values = values.cast(pa.string())
    if (pc.max(pc.binary_length(values)).as_py() or 0) > _LONGEST:
        raise LanzdmlError(f"{path}: a cell of {name} has more than {_LONGEST:,} bytes of text")
    texts = [(value or "").strip() or None for value in values.to_pylist()]
    return [None if code is None else texts[code] for code in codes.to_pylist()]


def _classes(schema: pa.Schema) -> dict[str, list[str]]:
    """The names of the classes of each column that holds their numbers."""
    metadata = (schema.metadata or {}).get(_HUGGING_FACE)
    try:
        features = json.loads(metadata or b"{}")["info"]["features"]
        return {
            name: list(map(str, feature["names"]))
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _named(
    path: Path, column: str, values: list[Any], names: Collection[str], first_row: int
) -> list[str | None]:
    # An export says -1 where there is no class.
    by_number: dict[str | None, str | None] = {str(i): name for i, name in enumerate(names)}
    by_number |= {None: None, "-1": None}
    for row, value in enumerate(values, start=first_row):
        if value not in by_number:
            raise LanzdmlError(
                f"{path}, row {row}: {column} is {value}, but the file names {len(names)} classes"
            )
    return [by_number[value] for value in values]
