"""Whose variance it is: of scores of methods under wordings, by the seeds of fits.

The design is crossed and balanced: y_ijk = mu + a_i + b_j + (ab)_ij + e_ijk for method i, wording j
and seed k, all effects random. Components are those of the analysis of variance: mean squares set
equal to what they are expected to be, and negative ones cut at 0 (Searle, Casella and McCulloch,
"Variance Components", 1992, chapter 4).

Intervals are those of generalized pivots (Weerahandi, "Generalized Confidence Intervals", JASA 88,
1993): a sum of squares divided by a draw of its chi squared takes the place of each expected mean
square, and components are computed of these. A parametric bootstrap multiplies by such draws
instead of dividing by them. With the two or three degrees of freedom that few wordings leave, it is
skewed the wrong way and misses what is large; the pivots' coverage holds there (Hannig, Iyer and
Patterson, "Fiducial Generalized Confidence Intervals", JASA 101, 2006), and is tested.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.significance.statistics import LEVEL

METHOD, WORDING, INTERACTION, SEED = "method", "wording", "method_and_wording", "seed"
COMPONENTS = (METHOD, WORDING, INTERACTION, SEED)
_N_DRAWS = 10_000


def variance_shares(values: NDArray[np.float64], level: float = LEVEL) -> pd.DataFrame:
    """The variance components of a table, and which share of their sum each is.

    Args:
        values: (methods, wordings, seeds), two or more of the first two. A method without chance
            in its fit has the same value for each seed. With one seed, what seeds do is in the
            interaction.
        level: of the intervals.

    Returns:
        a row a component of :data:`COMPONENTS`, in this order, with columns ``variance``,
        ``share``, ``low`` and ``high`` (of the share), and ``cut`` (whether the estimate was
        negative). NaN of the seed where there is one, and of shares where nothing varies.
    """
    a, b, s = values.shape
    squares, degrees = _sums_of_squares(values)
    expected = np.divide(squares, degrees, out=np.zeros(4), where=degrees > 0)
    estimates = _components(expected, a, b, s)
    rng = np.random.default_rng(0)
    # Only methods with chance in their fit tell what seeds do.
    chancy = (np.ptp(values, axis=2) > 0).any(axis=1).sum()
    known = np.array([*degrees[:3], chancy * b * (s - 1)])
    drawn = rng.chisquare(np.maximum(known, 1), size=(_N_DRAWS, 4)) / np.maximum(known, 1)
    shares = _shares(_components((expected / drawn).T, a, b, s))
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(shares, tails, axis=1)
    rows = pd.DataFrame(
        {
            "variance": np.maximum(estimates, 0),
            "share": _shares(estimates),
            "low": low,
            "high": high,
            "cut": estimates < -_rounding(values),
        },
        index=list(COMPONENTS),
    )
    if s == 1:
        rows.loc[SEED, ["variance", "share", "low", "high"]] = np.nan
    return rows


def _sums_of_squares(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of methods, wordings, their interaction and seeds in cells, with degrees of freedom: (4,)."""
    a, b, s = y.shape
    cells, mean = y.mean(axis=2), y.mean()
    rows, columns = cells.mean(axis=1, keepdims=True), cells.mean(axis=0, keepdims=True)
    squares = [
        b * s * np.square(rows - mean).sum(),
        a * s * np.square(columns - mean).sum(),
        s * np.square(cells - rows - columns + mean).sum(),
        np.square(y - cells[:, :, None]).sum(),
    ]
    degrees = [a - 1, b - 1, (a - 1) * (b - 1), a * b * (s - 1)]
    return np.array(squares), np.array(degrees, np.float64)


def _components(expected: NDArray[np.float64], a: int, b: int, s: int) -> NDArray[np.float64]:
    """From expected mean squares (4, ...) to components (4, ...), negative ones as they are."""
    method, wording, both, seed = expected
    return np.stack(
        [(method - both) / (b * s), (wording - both) / (a * s), (both - seed) / s, seed]
    )


def _shares(components: NDArray[np.float64]) -> NDArray[np.float64]:
    cut = np.maximum(components, 0)
    total = cut.sum(axis=0)
    return np.divide(cut, total, out=np.full(cut.shape, np.nan), where=total > 0)


def _rounding(values: NDArray[np.float64]) -> float:
    """What is less is no variance of such values."""
    return float(np.square(1e-12 * np.abs(values).max()))
