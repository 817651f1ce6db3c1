"""How far long work is, and how long it will still take, told now and then in a line."""

import time
from collections.abc import Callable

EVERY = 20.0
"""Seconds between two lines at least: many jobs share a terminal."""
_AT_ONCE = 0.05  # seconds; what takes no longer was there already


class Progress:
    """Counts what is done, and tells of it.

    Args:
        done: how what is done is called, as "scored".
        total: how many there are.
        unit: what there are of, as "runs".
        tell: takes a line.
        clock: seconds; a line is told when :data:`EVERY` of them have gone by, and none at the end.
    """

    def __init__(
        self,
        done: str,
        total: int,
        unit: str,
        tell: Callable[[str], object] = print,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._words, self._total, self._tell, self._clock = (done, unit), total, tell, clock
        self._n = self._made = 0
        self._spent, self._told = 0.0, clock()
        self._last = self._told

    def __call__(self, n: int = 1) -> None:
        """N more are done."""
        now = self._clock()
        self._n += n
        if now - self._last > _AT_ONCE * n:
            self._made += n
            self._spent += now - self._last
        self._last = now
        if now - self._told < EVERY or self._n >= self._total or not self._made:
            return
        self._told = now
        done, unit = self._words
        left = self._spent / self._made * (self._total - self._n)
        self._tell(f"{done} {self._n:,} of {self._total:,} {unit}, some {_roughly(left)} left")


def _roughly(seconds: float) -> str:
    """Seconds as they are said where nobody knows exactly."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds / 10)) * 10} seconds"
