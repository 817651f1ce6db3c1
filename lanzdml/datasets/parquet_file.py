"""Parquet tables of the user's own, those that Hugging Face's ``datasets`` exports included.

And results, which somebody else may have made: what any of them unpacks to is counted.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lanzdml.datasets.csv_file import has_more
from lanzdml.datasets.parquet_cells import (
    cells_of,
    classes_of,
    is_bytes,
    is_list,
    is_text,
    named,
)
from lanzdml.errors import LanzdmlError
from lanzdml.limits import key_of, limits
from lanzdml.signatures import mistaken

_SLICE = 2**26  # bytes; Arrow cannot hold nested columns above 2 GiB in one piece
_SMALL = 2**28  # bytes that any table may unpack to
_LEAST = 2**8  # bytes that a cell is taken to have, with what is made of it
_WIDE = 20  # columns that as many rows as may be can have
_ELEMENT = 16  # bytes that a value of a list takes, with its place in it
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
    A cell of lists is a tuple of strings, in their order, without those that are nothing.

    Raises:
        LanzdmlError: the file is no Parquet, a class has a number without a name, or it holds
            more than a table does: more rows, columns or cells (of which lists have as many as
            values) than the limits ``table_rows`` and ``table_columns``, longer text, more bytes
            for its size than the limit ``archive_ratio``.
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
    if len({*schema.names}) < len(schema.names):
        raise LanzdmlError(f"{path} has two columns of one name: delete it and run again")
    if missing := set(columns or ()) - set(schema.names) - later:
        raise LanzdmlError(f"{path} has no column {min(missing)!r}: delete it and run again")
    schema = pa.schema([field for field in schema if field.name in (columns or schema.names)])
    texts = _leaves(path, {field.name for field in schema if _holds(field.type, is_text, is_bytes)})
    most, n_bytes, batches = _most_bytes(path), 0, []
    with _opened(path, texts) as file:
        _check_declared(path, file, _leaves(path, set(schema.names)), texts, most)
        for batch in file.iter_batches(_ROWS, columns=schema.names):
            n_bytes += sum(map(_n_bytes_written_out, batch.columns))
            if n_bytes > most:
                raise _unpacks_to_more(path)
            batches.append(batch)
    table = pa.Table.from_batches(batches, None if batches else schema)
    return table.select(schema.names).cast(schema.with_metadata(table.schema.metadata))


def _n_bytes_written_out(column: pa.Array) -> int:
    """Bytes of a column where each cell holds its value, which may be that of many."""
    if is_list(column.type) and pa.types.is_dictionary(column.type.value_type):
        return len(column) * _ELEMENT + _n_bytes_written_out(column.flatten())
    if not pa.types.is_dictionary(column.type):
        return column.nbytes
    return pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0


def _check_declared(
    path: Path, file: pq.ParquetFile, leaves: Set[str], texts: Set[str], most: int
) -> None:
    """Numbers take what they take, however often one is repeated."""
    n_bytes = 0
    for chunk in _chunks(file, leaves):
        of_one = 1 if chunk.physical_type in ("BOOLEAN", "BYTE_ARRAY") else 4
        if chunk.path_in_schema in texts and chunk.num_values > file.metadata.num_rows:
            of_one = _ELEMENT
        if "DELTA_BYTE_ARRAY" in chunk.encodings:  # which results are not written in
            of_one = chunk.total_uncompressed_size
        n_bytes += max(chunk.total_uncompressed_size, chunk.num_values * of_one)
    if n_bytes > most:
        raise _unpacks_to_more(path)


def _most_bytes(path: Path) -> int:
    return max(_SMALL, os.path.getsize(path) * limits().archive_ratio)


def _leaves(path: Path, names: Set[str]) -> set[str]:
    """What parts of some columns are called where a file stores them: ``genres.list.element``."""
    within = tuple(f"{name}." for name in names)
    with _opened(path) as file:
        stored = (file.schema.column(number).path for number in range(len(file.schema)))
        return {leaf for leaf in stored if leaf in names or leaf.startswith(within)}


def _holds(kind: pa.DataType, *kinds: Callable[[pa.DataType], bool]) -> bool:
    """Whether a column's values, or those of its lists, are of one of some kinds."""
    kind = kind.value_type if is_list(kind) else kind
    return any(is_kind(kind) for is_kind in kinds)


def _chunks(file: pq.ParquetFile, leaves: Set[str]) -> Iterator[pq.ColumnChunkMetaData]:
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.path_in_schema in leaves:
                yield chunk


def _slices(path: Path, names: list[str]) -> Iterator[dict[str, list[Any]]]:
    """The cells of some columns by name, a part of the rows at a time."""
    schema = read_schema(path)
    kinds = {name: schema.field(name).type for name in names}
    texts = _leaves(path, {name for name in names if _holds(kinds[name], is_text)})
    lists = _leaves(path, {name for name in names if is_list(kinds[name])})
    with _opened(path, texts) as file:
        classes = classes_of(file.schema_arrow)
        most = _most_bytes(path)
        n_rows = n_bytes = 0
        most_cells = limits().table_rows * _WIDE
        n_values = sum(chunk.num_values for chunk in _chunks(file, lists))
        if file.metadata.num_rows * len(names) + n_values > most_cells:
            raise has_more(path, most_cells, "cells", "table_rows")
        for batch in _batches(path, file, names, texts, lists, most):
            n_bytes += sum(map(_n_bytes, batch.columns))
            if n_bytes > most:
                raise _unpacks_to_more(path)
            cells: dict[str, list[Any]] = {}
            for name in names:
                cells[name] = cells_of(path, name, batch.column(name))
                if name in classes:
                    cells[name] = named(path, name, cells[name], classes[name], n_rows)
            n_rows += len(batch)
            yield cells


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
    path: Path,
    file: pq.ParquetFile,
    names: list[str],
    texts: Set[str],
    lists: Set[str],
    most: int,
) -> Iterator[pa.RecordBatch]:
    leaves = _leaves(path, set(names))
    unpacked, largest = 0.0, 1.0  # bytes of all, and of a row
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        chunks = [
            chunk
            for chunk in map(group.column, range(group.num_columns))
            if chunk.path_in_schema in leaves
        ]
        of_lists = [chunk for chunk in chunks if chunk.path_in_schema in lists]
        unpacked += sum(chunk.total_uncompressed_size for chunk in chunks)
        unpacked += _ELEMENT * sum(chunk.num_values for chunk in of_lists)
        of_row = sum(_most_in_a_cell(chunk, texts) for chunk in chunks)
        # A list has as many values as lists have on average: all of them may be in one.
        more = (chunk.num_values / max(1, group.num_rows) - 1 for chunk in of_lists)
        largest = max(largest, of_row + _LEAST * sum(more))
    if unpacked > most:
        raise _unpacks_to_more(path)
    try:
        yield from file.iter_batches(max(1, int(_SLICE / largest)), columns=names)
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
    if is_list(column.type):
        return len(column) * _ELEMENT + _n_bytes(column.flatten())
    return (column.dictionary if pa.types.is_dictionary(column.type) else column).nbytes
