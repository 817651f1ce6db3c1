"""What the columns of the user's own Parquet tables may hold, and their cells as texts or bytes."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lanzdml.errors import LanzdmlError

BYTES, FILE = "bytes", "path"  # of an image in an export of Hugging Face's: content, or where it is
_HUGGING_FACE = b"huggingface"  # key of a file's metadata
_LONGEST = 2**17  # bytes of a name, as of Python's reader of CSV


def is_name(kind: pa.DataType) -> bool:
    """Whether a column's values can be labels; one of type null has none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return is_text(kind) or any(
        is_kind(kind) for is_kind in (pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)
    )


def is_list(kind: pa.DataType) -> bool:
    """Whether a column's cells are lists."""
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def is_label(kind: pa.DataType) -> bool:
    """Whether a column's cells can be labels: names, or lists of them."""
    return is_name(kind.value_type if is_list(kind) else kind)


def is_picture(kind: pa.DataType) -> bool:
    """Whether a column's values can be images: paths, encoded ones, or a struct of both."""
    if pa.types.is_struct(kind):
        parts = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        content, file = parts.get(BYTES), parts.get(FILE)
        return (content is not None and is_bytes(content)) or (
            content is not None and pa.types.is_null(content) and file is not None and is_name(file)
        )
    return is_name(kind) or is_bytes(kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether values are texts, each held once or for each cell."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values are bytes."""
    return kind in (pa.binary(), pa.large_binary(), pa.binary_view())


def cells_of(path: Path, name: str, column: pa.Array) -> list[Any]:
    """The cells of a column: texts without blanks around them, bytes, tuples of texts, or None.

    Args:
        path, name: of the table and the column, for errors.
        column: of a part of the rows.

    Raises:
        LanzdmlError: a text is longer than any name, or lists hold no names.
    """
    if is_list(column.type):
        return _tuples(path, name, column)
    if pa.types.is_struct(column.type):
        return [
            None if value is None else value.get(BYTES) or value.get(FILE)
            for value in column.to_pylist()
        ]
    if is_bytes(column.type):
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


def _tuples(path: Path, name: str, column: pa.Array) -> list[tuple[str, ...] | None]:
    """The values of each list that are something, in their order; None of a list without any."""
    if not is_label(column.type):
        raise LanzdmlError(f"{path}: column {name} holds {column.type}, which are no labels")
    texts = cells_of(path, name, pc.list_flatten(column))
    lists: list[list[str]] = [[] for _ in range(len(column))]
    for row, text in zip(pc.list_parent_indices(column).to_pylist(), texts, strict=True):
        if text is not None:
            lists[row].append(text)
    return [tuple(values) or None for values in lists]


def classes_of(schema: pa.Schema) -> dict[str, list[str]]:
    """The names of the classes of each column that holds their numbers, or lists of them."""
    metadata = (schema.metadata or {}).get(_HUGGING_FACE)
    try:
        features = json.loads(metadata or b"{}")["info"]["features"]
        named = {name: _class_label(feature) for name, feature in features.items()}
        return {
            name: list(map(str, feature["names"]))
            for name, feature in named.items()
            if feature is not None
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _class_label(feature: Any) -> dict[str, Any] | None:
    """A feature of the kind ClassLabel, or that of the values of a sequence."""
    if isinstance(feature, list) and len(feature) == 1:
        (feature,) = feature
    elif isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
        feature = feature["feature"]
    is_class = isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    return feature if is_class else None


def named(
    path: Path, column: str, cells: list[Any], names: Collection[str], first_row: int
) -> list[str | tuple[str, ...] | None]:
    """The names of classes, whose numbers are the cells of a column from a row on.

    Raises:
        LanzdmlError: a number has no name.
    """
    # An export says -1 where there is no class.
    by_number: dict[str | None, str | None] = {str(i): name for i, name in enumerate(names)}
    by_number |= {None: None, "-1": None}

    def name_of(number: str | None, row: int) -> str | None:
        if number not in by_number:
            raise LanzdmlError(
                f"{path}, row {row}: {column} is {number}, but the file names {len(names)} classes"
            )
        return by_number[number]

    return [
        tuple(name for number in cell if (name := name_of(number, row)) is not None) or None
        if isinstance(cell, tuple)
        else name_of(cell, row)
        for row, cell in enumerate(cells, start=first_row)
    ]
