"""A dataset of the user's own: images listed with their labels in a table (docs/your-own.md).

The table is a CSV, a TSV or a parquet file. Its column ``image`` holds paths relative to the
dataset's root or, in parquet, the encoded images. ``image_id`` may name the images, and ``mask``
may hold masks of their foreground in the same way. Every other column is a notion, with nothing in
it where an image has no label; columns of a parquet file that can hold no names, such as decimal
numbers, are left out, and lists of names are several values. Without a column ``image`` there are
labels only, of images whose vectors lie elsewhere.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lanzdml.datasets import csv_file, parquet_cells, parquet_file
from lanzdml.datasets.archives import NO_FOLDER
from lanzdml.datasets.inside import Places
from lanzdml.datasets.manifest import EXCLUDED, ID, IMAGE, MASK, PATH
from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded
from lanzdml.limits import key_of, limits
from lanzdml.names import normalized

if TYPE_CHECKING:
    import pyarrow as pa


def label_columns(table: Path) -> tuple[str, ...]:
    """The notions that a table has a column for; its rows are not looked at.

    Raises:
        LanzdmlError: there is no such file, or its columns are not those of such a table.
    """
    if not table.is_file():
        raise LanzdmlError(f"there is no file {table}")
    if csv_file.is_csv(table):
        columns = labels = csv_file.columns_of(table, IMAGE)
    elif parquet_file.is_parquet(table):
        schema = parquet_file.read_schema(table)
        columns = schema.names
        labels = [field.name for field in schema if parquet_cells.is_label(field.type)]
        _check_kinds(table, schema)
    else:
        raise LanzdmlError(f"{table} is no .csv, .tsv or .parquet file")
    _check_columns(table, columns)
    return tuple(
        column
        for column in labels
        # The index of a data frame is saved under a name of pandas' own.
        if column not in (IMAGE, ID, MASK) and not column.startswith("__index_level_")
    )


def list_columns(table: Path) -> tuple[str, ...]:
    """The notions in whose columns an image may have several values, as they hold lists.

    Raises:
        LanzdmlError: as :func:`label_columns`.
    """
    columns = label_columns(table)
    if csv_file.is_csv(table):
        return ()
    schema = parquet_file.read_schema(table)
    return tuple(name for name in columns if parquet_cells.is_list(schema.field(name).type))


def has_images(table: Path) -> bool:
    """Whether a table lists images, and not their labels only.

    Raises:
        LanzdmlError: it cannot be read.
    """
    if csv_file.is_csv(table):
        return IMAGE in csv_file.columns_of(table, IMAGE)
    return IMAGE in parquet_file.read_schema(table).names


def read_rows(table: Path, columns: Iterable[str]) -> pd.DataFrame:
    """A table's columns, or some of them, by line of a text file or by row of a data frame.

    Returns:
        Strings without blanks around them, tuples of strings, bytes, or None for nothing; the index
        is named.

    Raises:
        LanzdmlError: the table cannot be read.
    """
    if csv_file.is_csv(table):
        return csv_file.read_csv(table, IMAGE, columns)
    return parquet_file.read_parquet(table, columns)


def read_manifest(root: Path, table: Path, linked: Iterable[str] = ()) -> pd.DataFrame:
    """The manifest of the images that a table lists, in its order.

    An image's id is its ``image_id`` where there is such a column, else its path as the table has
    it or, for encoded images and where there are none, the number of its row, counted from 0.

    Args:
        root: the folder that paths are relative to.
        table: see above.
        linked: folders elsewhere that links in the root may lead to.

    Raises:
        LanzdmlError: as :func:`label_columns`, or a row cannot be used: its image is not named, not
            there or listed twice, its mask is not there, either lies elsewhere, or it has more or
            fewer cells than there are columns; or all masks have more than the limit ``table_mib``.
    """
    labels, places = label_columns(table), Places(root, linked)
    rows = read_rows(table, (IMAGE, ID, MASK, *labels))
    if rows.empty:
        raise LanzdmlError(f"{table} lists no images")
    source = _source_of(table, rows)
    if ID in rows:
        _check_filled(table, rows, ID)
        _check_distinct(table, rows, ID)
    elif source == PATH:
        rows[ID] = rows[IMAGE]
    else:
        rows[ID] = [str(number) for number in range(len(rows))]
    if source == PATH:
        _check_distinct(table, rows, IMAGE)
        rows[IMAGE] = _found(table, rows, root, IMAGE, places)
        _check_distinct_files(table, rows, root)
    manifest = rows.rename(columns={IMAGE: source})[[ID, *([source] if source else [])]]
    for column in labels:
        manifest[column] = [_label(cell) for cell in rows[column]]
    if MASK in rows and source:
        masks = _found(table, rows, root, MASK, places)
        # What a manifest holds, whether or not it holds paths of the images.
        manifest[MASK] = _contents(table, root, masks)
    return manifest.reset_index(drop=True)


def _label(cell: object) -> str | tuple[str, ...] | None:
    """A cell as manifests have it."""
    # Of the two ways to write an accent a table may have both, and classes are equal strings.
    if isinstance(cell, tuple):
        return tuple(sorted({normalized(value) for value in cell}))
    return normalized(cell) if isinstance(cell, str) else None


def _objects(cells: pd.Series) -> list[str | bytes | None]:
    return cells.astype(object).where(cells.notna(), None).tolist()


def _found(
    table: Path, rows: pd.DataFrame, root: Path, column: str, places: Places
) -> list[str | bytes | None]:
    """A column's cells with each path as it is spelt in the file system.

    Raises:
        LanzdmlError: there is no such folder, or no such file in it, or one lies elsewhere.
    """
    cells = _objects(rows[column])
    paths = [cell for cell in cells if isinstance(cell, str)]
    if paths and root.is_file():
        raise LanzdmlError(f"{root} {NO_FOLDER}")
    if paths and not root.is_dir():
        raise LanzdmlError(f"there is no folder {root} for the images of {table}")
    found = [_spelt(root, cell) if isinstance(cell, str) else cell for cell in cells]
    missing = [
        row
        for row, (cell, there) in enumerate(zip(cells, found, strict=True))
        if cell and not there
    ]
    if missing:
        name = cells[missing[0]]
        raise LanzdmlError(
            f"{table}, {_word(rows.index, missing[0])}: there is no {column} {name!s} "
            f"in {root} (missing: {len(missing):,} of {len(paths):,}); paths are relative to that "
            "folder"
        )
    for row, cell in enumerate(found):
        if isinstance(cell, str) and (problem := places.problem_of(os.path.join(root, cell))):
            raise LanzdmlError(f"{table}, {_word(rows.index, row)}: {column} {cell} {problem}")
    return found


def _contents(table: Path, root: Path, masks: Iterable[str | bytes | None]) -> list[bytes | None]:
    """What masks hold, which all of them together take memory for, however few their files are."""
    contents, left = [], limits().table_mib * 2**20
    for mask in masks:
        content = read_bounded(root / mask) if isinstance(mask, str) else mask
        left -= len(content) if isinstance(mask, str) and content else 0
        if left < 0:
            raise LanzdmlError(
                f"{table}: its masks have more than {limits().table_mib:,} MiB; if that is right, "
                f"raise {key_of('table_mib')}"
            )
        contents.append(content)
    return contents


def _spelt(root: Path, name: str) -> str | None:
    """How a file's name is spelt there: macOS writes accents apart, Windows has backslashes."""
    return next((way for way in _spellings(name) if os.path.isfile(os.path.join(root, way))), None)


def _spellings(name: str) -> Iterator[str]:
    for slashed in dict.fromkeys((name, name.replace("\\", "/"))):
        yield slashed
        yield normalized(slashed)
        yield normalized(slashed, "NFD")


def _check_kinds(table: Path, schema: "pa.Schema") -> None:
    for field in schema:
        if field.name in (IMAGE, MASK) and not parquet_cells.is_picture(field.type):
            raise LanzdmlError(
                f"{table}: column {field.name} holds {field.type}; needed are paths (string) or "
                "encoded images (binary)"
            )
        if field.name == ID and not parquet_cells.is_name(field.type):
            raise LanzdmlError(f"{table}: column {ID} holds {field.type}; needed are strings")


def _check_columns(table: Path, columns: list[str]) -> None:
    if "" in columns:
        raise LanzdmlError(
            f"{table}: column {columns.index('') + 1} has no name; name it or delete it"
        )
    if not columns:
        raise LanzdmlError(f"{table} has no columns")
    for column, count in Counter(columns).items():
        if count > 1:
            raise LanzdmlError(f"{table} has two columns {column!r}; rename one of them")
        if column in (PATH, EXCLUDED):
            raise LanzdmlError(
                f"{table}: column {column!r} has a name that manifests use themselves; rename it"
            )


def _check_filled(table: Path, rows: pd.DataFrame, column: str) -> None:
    blank = rows[column].isna().to_numpy().nonzero()[0]
    if len(blank):
        raise LanzdmlError(
            f"{table}, {_word(rows.index, blank[0])}: {column} is empty; fill it or delete the row"
        )


def _source_of(table: Path, rows: pd.DataFrame) -> str | None:
    """How a table has its images; None where it has labels only."""
    if IMAGE not in rows:
        return None
    _check_filled(table, rows, IMAGE)
    _check_alike(table, rows)
    return IMAGE if isinstance(rows[IMAGE].iloc[0], bytes) else PATH


def _check_alike(table: Path, rows: pd.DataFrame) -> None:
    encoded = [isinstance(cell, bytes) for cell in rows[IMAGE]]
    if any(encoded) and not all(encoded):
        path, image = encoded.index(False), encoded.index(True)
        raise LanzdmlError(
            f"{table}: image is a path in {_word(rows.index, path)} and encoded in "
            f"{_word(rows.index, image)}; give all of them in one way"
        )


def _check_distinct(table: Path, rows: pd.DataFrame, column: str) -> None:
    repeated = rows[column].duplicated().to_numpy().nonzero()[0]
    if len(repeated):
        value = rows[column].iloc[repeated[0]]
        first = (rows[column] == value).to_numpy().argmax()
        raise LanzdmlError(
            f"{table}, {_word(rows.index, repeated[0])}: {column} {value!r} is there already, in "
            f"{_word(rows.index, first)}"
        )


def _check_distinct_files(table: Path, rows: pd.DataFrame, root: Path) -> None:
    """Whether no file is listed twice, under two spellings or through a link.

    Such an image would be its own nearest neighbour.
    """
    first: dict[tuple[int, int], int] = {}
    for row, name in enumerate(rows[IMAGE]):
        status = os.stat(os.path.join(root, name))
        earlier = first.setdefault((status.st_dev, status.st_ino), row)
        if earlier != row:
            raise LanzdmlError(
                f"{table}, {_word(rows.index, row)}: image {name!r} is there already, in "
                f"{_word(rows.index, earlier)} as {rows[IMAGE].iloc[earlier]!r}; delete one row"
            )


def _word(index: pd.Index, position: int) -> str:
    """A row, in words."""
    return f"{index.name} {index[position]}"
