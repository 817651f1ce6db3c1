"""Grids: which runs an experiment asks for."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """All combinations of what is listed, in this order: the seeds change fastest.

    Attributes:
        notions: pairs of a dataset and a notion.
        dims: r'; a method without one has one run in place of all of them.
        counts: how many prompts; None for all.
        seeds: a method that is the same for every seed has one run in place of all of them, unless
            prompts are drawn by the seed.
    """

    protocols: Sequence[str]
    notions: Sequence[tuple[str, str]]
    models: Sequence[str]
    methods: Sequence[str]
    dims: Sequence[int]
    seeds: Sequence[int]
    counts: Sequence[int | None] = (None,)
