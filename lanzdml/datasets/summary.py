"""What a plan has to know of a user's table, which is read once for it and not at every start."""

import json
import os
from dataclasses import astuple, dataclass
from itertools import chain
from pathlib import Path

from lanzdml.datasets import csv_file, own, parquet_file
from lanzdml.datasets.manifest import IMAGE
from lanzdml.files import write_text

_VERSION = 3  # of what is kept: another one is not read
_MOST = 2**22  # bytes of it: thousands of tables


@dataclass(frozen=True)
class Summary:
    """A table's notions.

    Attributes:
        columns: those that it has a column for.
        labelled: those of which any image has a label.
        lists: those whose cells are lists of values.
        n_images: how many rows it has.
        has_images: whether it lists images, and not their labels only.
    """

    columns: tuple[str, ...]
    labelled: tuple[str, ...]
    lists: tuple[str, ...]
    n_images: int
    has_images: bool


# By path, size and time of change.
_known: dict[tuple[str, int, int], Summary] = {}


def summarise(table: Path) -> Summary:
    """What a table holds; it is read where that is not known of this state of it.

    Raises:
        LanzdmlError: there is no such table, or it cannot be read.
    """
    state = table.stat() if table.is_file() else None
    key = (os.path.abspath(table), state.st_size, state.st_mtime_ns) if state else ("", 0, 0)
    if key not in _known:
        columns = own.label_columns(table)
        read = _of_csv if csv_file.is_csv(table) else _of_parquet
        labelled, n_images = read(table, columns)
        lists, has_images = own.list_columns(table), own.has_images(table)
        _known[key] = Summary(columns, labelled, lists, n_images, has_images)
    return _known[key]


def _of_csv(table: Path, columns: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    rows = csv_file.rows_of(table, IMAGE)
    _, header = next(rows)
    position = {column: header.index(column) for column in columns}
    n_images = 0
    for _, cells in rows:
        n_images += 1
        if position:  # of those without any label yet
            position = {column: at for column, at in position.items() if not cells[at]}
    return tuple(column for column in columns if column not in position), n_images


def _of_parquet(table: Path, columns: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    return tuple(parquet_file.labelled(table, columns)), parquet_file.count_rows(table)


def recall(file: Path) -> None:
    """Know what an earlier process wrote down; a file that cannot be used says nothing.

    It lies in a folder of results, which may be somebody else's, and is read before that is looked
    at.
    """
    if not file.is_file():  # a pipe would be waited for
        return
    try:
        with file.open("rb") as opened:
            kept = json.loads(opened.read(_MOST))
        if kept["version"] == _VERSION:
            for path, size, changed, *names, n_images, has_images in kept["tables"]:
                if (type(n_images), type(has_images)) != (int, bool) or not all(
                    map(_is_text, chain(*names))
                ):
                    continue
                columns, labelled, lists = map(tuple, names)
                of_table = Summary(columns, labelled, lists, n_images, has_images)
                _known[path, size, changed] = of_table
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def write_down(file: Path) -> None:
    """Keep what is known for later processes, in JSON."""
    tables = [[*key, *astuple(summary)] for key, summary in _known.items()]
    if tables:
        write_text(file, json.dumps({"version": _VERSION, "tables": tables}))
