"""Which columns of a wide table stand side by side on the page, and which below these.

A table that is wider than the page would be read by scrolling sideways, where no two of its columns
can be compared that lie far apart. Its columns are set in bands instead, each with the rows' heads.
"""

from collections.abc import Sequence
from itertools import groupby

_PAGE = 98
"""Characters that fit side by side in a window of 1,200 pixels, where letters are wide."""
_GAP = 1.7  # between two columns, in characters
TEXT = 14
"""Characters of a line of text in a cell; what is longer wraps, wherever that is."""


def bands(
    heads: Sequence[Sequence[str]], columns: Sequence[Sequence[str]], numbers: Sequence[bool]
) -> list[slice]:
    """Columns that stand side by side, in order, of about as many each.

    Columns whose names say the same before their last comma belong together, as two metrics of one
    notion do.

    Args:
        heads: of each leading column its name and its cells, which every band has.
        columns: of each other column its name and its cells.
        numbers: whether a column holds numbers, which do not wrap.
    """
    room = _PAGE - sum(_width(head, wraps=True) for head in heads)
    widths = [_width(column, not number) for column, number in zip(columns, numbers, strict=True)]
    units: list[list[int]] = []
    for _, group in groupby(range(len(columns)), lambda i: columns[i][0].rpartition(", ")[0] or i):
        units.append(list(group))
    most = len(units)
    while most > 1 and _widest(units, widths, most) > room:
        most -= 1
    # As few bands, but none of them much narrower than the others.
    n_bands = -(-len(units) // most) if units else 0
    size = -(-len(units) // n_bands) if n_bands else 1
    starts = range(0, len(units), size)
    return [
        slice(units[start][0], units[min(start + size, len(units)) - 1][-1] + 1) for start in starts
    ] or [slice(0, 0)]


def _widest(units: Sequence[Sequence[int]], widths: Sequence[float], most: int) -> float:
    """The width of the widest band where each has so many units."""
    return max(
        sum(widths[column] for unit in units[start : start + most] for column in unit)
        for start in range(0, len(units), most)
    )


def _width(column: Sequence[str], wraps: bool) -> float:
    """In characters; a name wraps at its blanks."""
    name, *cells = column
    word = max(map(len, name.split()), default=0)
    longest = max(map(len, cells), default=0)
    return _GAP + (min(max(word, longest), TEXT) if wraps else max(word, longest))
