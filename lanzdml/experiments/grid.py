"""Grids: which runs an experiment asks for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from lanzdml.errors import LanzdmlError
from lanzdml.methods.dim import Dim

# A hundred times the paper's benchmark with all its ablations; to plan as many takes a minute.
MOST_RUNS = 200_000


@dataclass(frozen=True)
class Grid:
    """All combinations of what is listed, in this order: the seeds change fastest.

    Attributes:
        notions: pairs of a dataset and a notion.
        dims: r', or "auto"; a method without one has one run in place of all of them.
        counts: how many prompts; None for all.
        seeds: a method that is the same for every seed has one run in place of all of them, unless
            prompts are drawn by the seed.
    """

    protocols: Sequence[str]
    notions: Sequence[tuple[str, str]]
    models: Sequence[str]
    methods: Sequence[str]
    dims: Sequence[Dim]
    seeds: Sequence[int]
    counts: Sequence[int | None] = (None,)

    @property
    def most_runs(self) -> int:
        """How many there are at most."""
        return prod(map(len, vars(self).values()))


def check_number(grids: Iterable[Grid]) -> None:
    """Raise for more runs than can be planned, before they are listed.

    Raises:
        LanzdmlError: there may be more than :data:`MOST_RUNS`.
    """
    most = sum(grid.most_runs for grid in grids)
    if most > MOST_RUNS:
        raise LanzdmlError(
            f"the configuration asks for up to {most:,} runs, and {MOST_RUNS:,} are the most: list "
            "fewer seeds, dims, methods, models or notions, or make several configurations of it"
        )
