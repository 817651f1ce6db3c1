"""How many labels a score is worth: where a curve over them first reaches it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lanzdml.significance.statistics import LEVEL

EXACT, AT_MOST, MORE_THAN = "", "at most", "more than"
"""What stands before a number of labels: it is at an end of those that were tried, or beyond."""
_CURVES = 10_000


@dataclass(frozen=True)
class Worth:
    """A number of labelled images a class, between those that were tried.

    Attributes:
        labels: the number, or the end beyond which it lies.
        beyond: :data:`EXACT`, :data:`AT_MOST` or :data:`MORE_THAN`.
    """

    labels: float
    beyond: str


def worth(
    differences: NDArray[np.float64], ks: NDArray[np.float64]
) -> tuple[Worth, Worth, Worth] | tuple[Worth] | None:
    """Where a map first reaches a method, with an interval for other draws of the labels.

    Means over draws are interpolated between the numbers of labels, linearly over their logarithm.
    The interval is of mean curves that other draws may have: Student's t about the mean at each
    number of labels, with the draws' covariance between these. A bootstrap of three draws covers 3
    of 4 where this covers 95 of 100. What a mean does not reach is beyond the last number; where it
    begins above, at most the first.

    Args:
        differences: (draws, ks), the map's score less the method's, on the same images; a number
            of labels for which a draw has none (NaN) is left out.
        ks: (ks,), ascending.

    Returns:
        the worth and both ends of its interval, which a single draw has not; None where nothing was
        measured.
    """
    known = ~np.isnan(differences).any(axis=0)
    if not known.any() or not len(differences):
        return None
    differences, ks = differences[:, known], ks[known]
    mean, n = differences.mean(axis=0), len(differences)
    middle = _told(_first_reached(mean[None], ks)[0], ks)
    if n < 2:
        return (middle,)
    rng = np.random.default_rng(0)
    normal = rng.standard_normal((_CURVES, n)) @ (differences - mean) / np.sqrt(n * (n - 1))
    scale = np.sqrt(rng.chisquare(n - 1, size=(_CURVES, 1)) / (n - 1))
    found = np.sort(_first_reached(mean + normal / scale, ks))
    # Of the sorted, not between them: beyond the last number there is no mean of two.
    tail = int((1 - LEVEL) / 2 * _CURVES)
    return middle, _told(found[tail], ks), _told(found[-1 - tail], ks)


def _first_reached(curves: NDArray[np.float64], ks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each of the curves (n, ks) first is 0 or more: -inf at the first k, inf nowhere."""
    above = curves >= 0
    after = above.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    rows, log = np.arange(len(curves)), np.log2(ks)
    rise = curves[rows, after] - curves[rows, before]
    share = -curves[rows, before] / np.where(rise > 0, rise, 1)
    reached = 2 ** (log[before] + share * (log[after] - log[before]))
    return np.where(above[:, 0], -np.inf, np.where(above.any(axis=1), reached, np.inf))


def _told(value: float, ks: NDArray[np.float64]) -> Worth:
    if np.isinf(value):
        return Worth(float(ks[0]), AT_MOST) if value < 0 else Worth(float(ks[-1]), MORE_THAN)
    return Worth(float(value), EXACT)
