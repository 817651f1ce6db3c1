"""Two ways of doing the same, timed side by side."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Paired:
    """Seconds of each pair of runs."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times as long theirs took, pair by pair."""
        return [b / a for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return median(self.ratios)

    def __str__(self) -> str:
        return f"{self.ratio:.1f} ({min(self.ratios):.1f} to {max(self.ratios):.1f})"


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def seconds_a_step(work: Callable[[], int]) -> float:
    """How long a step takes in a piece of work that returns their number."""
    start = time.perf_counter()
    steps = work()
    return (time.perf_counter() - start) / steps


def paired(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    pairs: int,
    clock: Callable[[Callable[[], Any]], float] = seconds,
) -> Paired:
    """Time two pieces of work in turn, the first one changing from pair to pair."""
    taken = Paired([], [])
    for pair in range(pairs):
        runs = [(ours, taken.ours), (theirs, taken.theirs)]
        for work, into in runs[:: 1 if pair % 2 else -1]:
            into.append(clock(work))
    return taken
