"""Tables of the page: rows of text below headers that span what they head."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lanzdml.names import shortened
from lanzdml.tables.markup import LONGEST, Cell, Table


@dataclass(frozen=True)
class Head:
    """A header of ``rows`` rows from this one on."""

    text: str
    rows: int


@dataclass(frozen=True)
class Row:
    """A row; its heads are those that begin with it. A group begins with a first head."""

    heads: list[Head]
    cells: list[Cell]
    begins_group: bool


@dataclass(frozen=True)
class Grid:
    """A table: ``numbers`` says for each column of cells whether it is aligned right."""

    id: str
    caption: str
    head_names: list[str]
    columns: list[str]
    numbers: list[bool]
    rows: list[Row]
    notes: list[str]


def make_grid(id: str, table: Table) -> Grid:
    """A table as the page has it.

    Equal heads of neighbouring rows become one, within the heads to their left.

    Args:
        id: of the element, unique on the page.
        table: its text.
    """
    leading = list(table.heads)
    rows = []
    for i, (head, cells) in enumerate(zip(leading, table.cell_rows(), strict=True)):
        begun = [
            Head(shortened(text, LONGEST), _span(leading, i, depth))
            for depth, text in enumerate(head)
            if i == 0 or leading[i - 1][: depth + 1] != head[: depth + 1]
        ]
        rows.append(Row(begun, cells, i > 0 and len(head) > 1 and len(begun) == len(head)))
    numbers = [name not in table.texts for name in table.columns]
    return Grid(
        id,
        primed(table.caption),
        [shortened(name, LONGEST) for name in table.head_names],
        [shortened(name, LONGEST) for name in table.columns],
        numbers,
        rows,
        table.note_lines(),
    )


def make_grids(id: str, tables: Iterable[Table]) -> list[Grid]:
    """Several tables as the page has them, numbered behind what their ids have in common."""
    return [make_grid(f"{id}-{number}", table) for number, table in enumerate(tables, start=1)]


def primed(text: str) -> str:
    """A text with a prime in r', and in no other word."""
    return re.sub(r"\br'(?!\w)", "r′", text)


def _span(heads: list[tuple[str, ...]], first: int, depth: int) -> int:
    """How many rows from the first one on have the same heads down to this depth."""
    last = first + 1
    while last < len(heads) and heads[last][: depth + 1] == heads[first][: depth + 1]:
        last += 1
    return last - first
