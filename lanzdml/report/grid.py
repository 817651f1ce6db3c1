"""Tables of the page: rows of text below headers that span what they head."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from lanzdml.markup import DASH
from lanzdml.methods import METHODS
from lanzdml.names import METHOD_NAMES, on_paper
from lanzdml.saliency_table import EXPLANATION, HEADER, share_rows
from lanzdml.tables import Cell, Section


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
    notes: list[str] = field(default_factory=list)


def make_grid(
    id: str,
    caption: str,
    heads: dict[str, Sequence[str]],
    cells: Sequence[Sequence[str | Cell]],
    columns: Sequence[str],
    *,
    texts: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Grid:
    """A table of rows of text.

    Args:
        id: of the element, unique on the page.
        caption: what the table is.
        heads: the leading columns by name. Equal heads of neighbouring rows become one, within the
            heads to their left.
        cells: of each row, below ``columns``.
        columns: the names of the other columns.
        texts: those of them that hold words, not numbers.
        notes: what is to be said below.
    """
    leading = list(zip(*heads.values(), strict=True)) or [()] * len(cells)
    rows = []
    for i, (head, row) in enumerate(zip(leading, cells, strict=True)):
        begun = [
            Head(text, _span(leading, i, depth))
            for depth, text in enumerate(head)
            if i == 0 or leading[i - 1][: depth + 1] != head[: depth + 1]
        ]
        finished = [cell if isinstance(cell, Cell) else Cell(cell, False) for cell in row]
        rows.append(Row(begun, finished, i > 0 and len(head) > 1 and len(begun) == len(head)))
    numbers = [name not in texts for name in columns]
    return Grid(id, caption, list(heads), list(columns), numbers, rows, list(notes))


def _span(heads: list[tuple[str, ...]], first: int, depth: int) -> int:
    """How many rows from the first one on have the same heads down to this depth."""
    same = [head[: depth + 1] == heads[first][: depth + 1] for head in heads[first:]]
    return same.index(False) if False in same else len(same)


def section_grid(id: str, section: Section) -> Grid:
    """A section of one of the paper's tables."""
    lines, missing = section.lines, Cell(DASH, False)
    return make_grid(
        id,
        section.title,
        {
            "Dataset": [line.dataset for line in lines],
            "Notion": [line.notion for line in lines],
            "Metric": [line.metric for line in lines],
        },
        [[line.cells.get(method, missing) for method in section.methods] for line in lines],
        [on_paper(method, METHOD_NAMES) for method in section.methods],
        notes=section.reasons,
    )


def saliency_grid(id: str, summary: pd.DataFrame) -> Grid:
    """The table beside the saliency maps, from its CSV."""
    heads, *cells = zip(*share_rows(summary), strict=True)
    return make_grid(
        id,
        "Saliency on the foreground, in percent: mean over images",
        {HEADER[0]: heads},
        list(zip(*cells, strict=True)),
        HEADER[1:],
        notes=[EXPLANATION],
    )


def in_order(methods: Sequence[str]) -> list[str]:
    """Methods in the order of the registry."""
    return [name for name in METHODS if name in set(methods)]
