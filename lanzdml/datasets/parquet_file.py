"""Parquet tables of the user's own, those that Hugging Face's ``datasets`` exports included."""

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lanzdml.errors import LanzdmlError
from lanzdml.signatures import mistaken

BYTES, FILE = "bytes", "path"  # of an image in such an export: its content, or where it is
_HUGGING_FACE = b"huggingface"  # key of a file's metadata
_SLICE = 2**28  # bytes; Arrow cannot hold nested columns above 2 GiB in one piece


def is_parquet(path: Path) -> bool:
    """Whether a path has the suffix of a table that is read here."""
    return path.suffix.lower() == ".parquet"


def read_schema(path: Path) -> pa.Schema:
    """The columns of a table; its rows are not looked at.

    Raises:
        LanzdmlError: the file is no Parquet.
    """
    with _opened(path) as file:
        return file.schema_arrow


def count_rows(path: Path) -> int:
    """How many rows a table has.

    Raises:
        LanzdmlError: the file is no Parquet.
    """
    with _opened(path) as file:
        return file.metadata.num_rows


def read_parquet(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    """Those of some columns that are there: strings without blanks around them, bytes, or None.

    Rows are counted from 0. A column of classes, which an export holds as numbers, has their names.

    Raises:
        LanzdmlError: the file is no Parquet, or a class has a number without a name.
    """
    with _opened(path) as file:
        names = [name for name in columns if name in file.schema_arrow.names]
        classes = _classes(file.schema_arrow)
        cells: dict[str, list[Any]] = {name: [] for name in names}
        n_rows = 0
        for batch in _batches(path, file, names):
            for name in names:
                values: list[Any] = _cells(batch.column(name))
                if name in classes:
                    values = _named(path, name, values, classes[name], n_rows)
                cells[name] += values
            n_rows += len(batch)
    return pd.DataFrame(cells, pd.RangeIndex(n_rows, name="row"), dtype="object")


def is_name(kind: pa.DataType) -> bool:
    """Whether a column's values can be labels; one of type null has none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    texts = (pa.string(), pa.large_string(), pa.string_view())
    return kind in texts or any(
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


def _is_bytes(kind: pa.DataType) -> bool:
    return kind in (pa.binary(), pa.large_binary(), pa.binary_view())


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> LanzdmlError:
    words = mistaken(path) if path.is_file() else None
    if words is not None:
        return LanzdmlError(f"{path} is {words}")
    reason = " ".join(str(error).split())
    return LanzdmlError(f"{path} is no parquet file, or a damaged one: {reason}")


def _batches(path: Path, file: pq.ParquetFile, names: list[str]) -> Iterator[pa.RecordBatch]:
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    largest = max((g.total_byte_size / max(1, g.num_rows) for g in groups), default=1)
    try:
        yield from file.iter_batches(max(1, int(_SLICE / max(1, largest))), columns=names)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _cells(column: pa.Array) -> list[str | bytes | None]:
    if pa.types.is_struct(column.type):
        return [
            None if value is None else value.get(BYTES) or value.get(FILE)
            for value in column.to_pylist()
        ]
    if _is_bytes(column.type):
        return column.to_pylist()
    return [(value or "").strip() or None for value in column.cast(pa.string()).to_pylist()]


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
    except (ValueError, KeyError, TypeError, AttributeError):
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
