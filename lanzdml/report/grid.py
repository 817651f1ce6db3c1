"""Tables of the page: rows of text below headers that span what they head."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lanzdml.names import shortened
from lanzdml.report.bands import bands
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
class Band:
    """Columns that stand side by side: ``numbers`` says for each whether it is aligned right."""

    columns: list[str]
    numbers: list[bool]
    rows: list[Row]


@dataclass(frozen=True)
class Grid:
    """A table: its bands stand one below the other, each with the heads of the rows."""

    id: str
    caption: str
    head_names: list[str]
    bands: list[Band]
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
    columns = [shortened(name, LONGEST) for name in table.columns]
    numbers = [name not in table.texts for name in table.columns]
    side_by_side = bands(
        [[name, *(head[i] for head in leading)] for i, name in enumerate(table.head_names)],
        [[name, *(row.cells[i].text for row in rows)] for i, name in enumerate(columns)],
        numbers,
    )
    return Grid(
        id,
        primed(table.caption),
        [shortened(name, LONGEST) for name in table.head_names],
        [
            Band(
                columns[some],
                numbers[some],
                [replace(row, cells=row.cells[some]) for row in rows],
            )
            for some in side_by_side
        ],
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
