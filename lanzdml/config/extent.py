"""How much a configuration may hold: its values are counted before any of them counts.

So these are no keys of it, as the limits of :mod:`lanzdml.limits` are. What its schema allows of
datasets, notions and the like is in :mod:`lanzdml.config.section`.
"""

import math
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, TypeVar

BYTES = 2**20  # some 15,000 prompts, and seconds of PyYAML; files of prompts may be larger
VALUES = 100_000
LETTERS = 4_096  # the longest path; no model reads as long a prompt
DEPTH = 20  # of sections and lists in each other; keys lie at 7
LINE = 64  # letters: a longer text is as many values as it has lines

T = TypeVar("T")


class TooMuch(Exception):
    """More than a configuration may hold; the message says of what."""


def too_many() -> TooMuch:
    """Of more values than :data:`VALUES`."""
    return TooMuch(
        f"holds more than {VALUES:,} values, with what its anchors stand for; long lists of "
        "prompts go into files of their own"
    )


def check_extent(top: T, parts: Callable[[T], Iterable[T] | str]) -> None:
    """Raise for more than a configuration may hold, in a time that anchors cannot multiply.

    Args:
        top: of a tree, in which parts that an anchor names are the same object.
        parts: of one of its items, or the text that this is.

    Raises:
        TooMuch: it is deeper, or has more values or a longer text.
        RecursionError: it is deeper by far.
    """
    known: dict[int, tuple[float, float]] = {}

    def extent(item: T) -> tuple[float, float]:
        if id(item) in known:
            return known[id(item)]
        known[id(item)] = (math.inf, 0)  # until it is known: what holds itself has no end
        inner = parts(item)
        if isinstance(inner, str):
            if len(inner) > LETTERS:
                raise TooMuch(f"holds a text of more than {LETTERS:,} letters: {inner[:20]!r}...")
            known[id(item)] = (1 + len(inner) // LINE, 0)
        else:
            sizes, depths = zip((1, 0), *map(extent, inner), strict=True)
            known[id(item)] = (sum(sizes), 1 + max(depths))
        size, depth = known[id(item)]
        if size > VALUES:
            raise too_many()
        if depth > DEPTH:
            raise TooMuch(f"has more than {DEPTH} brackets or sections in each other")
        return size, depth

    extent(top)


def parts_of(value: Any) -> Iterable[Any] | str:
    """Those of a value of JSON."""
    if isinstance(value, dict):
        return chain.from_iterable(value.items())
    return value if isinstance(value, list | str) else ""
