"""Whether a ranking of methods holds under other wordings.

Chance is that of other images: scores on draws of them (:mod:`lanzdml.metrics.resampling`), the
same ones for all methods and wordings, so that differences are paired; and, where chance is in
fitting, that of fits. Queries alone would not do: they share their references, and intervals over
them are about half as wide (docs/significance.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from lanzdml.significance.statistics import (
    DECIMALS,
    LEAST_QUERIES,
    LEVEL,
    Measured,
    holm,
    interval,
    kinds_of_chance,
    p_value,
)

_TIE = 10.0**-DECIMALS
PAIR_COLUMNS = ["method", "other", "ahead", "behind", "close", "turned"]


@dataclass(frozen=True)
class Agreement:
    """Of rankings under wordings.

    Attributes:
        tau: Kendall's tau-b between two wordings over the methods, mean over pairs of wordings.
        low, high: what other images leave open of it.
        same_wording: tau between what was measured and draws of other images under the same
            wording, mean over these: how much turns without another wording.
        same_best: of the pairs of wordings, under which share the same method is best.
    """

    tau: float
    low: float
    high: float
    same_wording: float
    same_best: float


def agreement(
    means: NDArray[np.float64], draws: NDArray[np.float64], level: float = LEVEL
) -> Agreement:
    """How far wordings agree on the order of methods.

    Args:
        means: (methods, wordings) scores, two or more of both.
        draws: (methods, wordings, draws), the same on draws of the images.
        level: of the interval, Student's t of the deviation over draws: their percentiles would be
            too low, as each draw adds chance to what was measured.

    Returns:
        tau is NaN where all methods are equal under some wording.
    """
    means, draws = means.round(DECIMALS), draws.round(DECIMALS)
    orders, of_draws = _orders(means), _orders(draws)
    tau, over_draws = _mean_tau(orders), _mean_tau(of_draws)
    # On a draw under which all methods are equal nothing is ranked.
    over_draws = over_draws[~np.isnan(over_draws)]
    spread = over_draws.std(ddof=1) if len(over_draws) > 1 else np.nan
    reach = float(t.ppf((1 + level) / 2, max(len(over_draws) - 1, 1)) * spread)
    again = np.einsum("pw,pwn->wn", orders, of_draws)
    again = again[~np.isnan(again)]
    best = means >= means.max(axis=0) - _TIE
    pairs = [*combinations(range(means.shape[1]), 2)]
    same = [bool((best[:, i] & best[:, j]).any()) for i, j in pairs]
    tau, low, high = np.clip([tau, tau - reach, tau + reach], -1, 1)
    return Agreement(
        *map(float, (tau, low, high, again.mean() if len(again) else np.nan, np.mean(same)))
    )


def _orders(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which of two methods is ahead, in columns (pairs, ...) of unit length.

    The product of two is Kendall's tau-b, here of thousands at once: SciPy takes them one by one.
    """
    one, other = np.triu_indices(len(scores), 1)
    signs = np.sign(scores[one] - scores[other])
    with np.errstate(invalid="ignore"):  # all are equal: no order, and no tau
        orders: NDArray[np.float64] = signs / np.linalg.norm(signs, axis=0)
    return orders


def _mean_tau(orders: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of orders (pairs, wordings, ...), the mean over pairs of wordings."""
    one, other = np.triu_indices(orders.shape[1], 1)
    taus = np.einsum("pw...,pw...->w...", orders[:, one], orders[:, other])
    mean: NDArray[np.float64] = taus.mean(axis=0)
    return mean


def pairs_of_methods(
    scores: Mapping[str, Sequence[Measured]], n_queries: int, level: float = LEVEL
) -> pd.DataFrame:
    """Under how many wordings each of two methods is ahead of the other beyond noise.

    That is, by the interval of their difference (:func:`lanzdml.significance.statistics.interval`)
    at a level that Holm's correction for all pairs and wordings together leaves: of many pairs some
    would else be found to turn by chance alone.

    Args:
        scores: of each method, a wording each, in one order.
        n_queries: images that are queries; with fewer than
            :data:`lanzdml.significance.statistics.LEAST_QUERIES` nothing is beyond noise.
        level: 1 less the chance to find one or more that is not there.

    Returns:
        a row a pair with :data:`PAIR_COLUMNS`: under how many wordings ``method`` is ``ahead`` of
        ``other``, ``behind`` it, or too ``close`` to it to tell, and whether the order ``turned``:
        each is ahead somewhere.
    """
    pairs = [*combinations(scores, 2)]
    if not pairs:
        return pd.DataFrame(columns=PAIR_COLUMNS)
    found = [
        _difference(a, b, n_queries)
        for one, other in pairs
        for a, b in zip(scores[one], scores[other], strict=True)
    ]
    differences, p_values = np.array(found).T
    decided = (holm(p_values) <= 1 - level) & (np.abs(differences) >= _TIE)
    decided &= n_queries >= LEAST_QUERIES
    signs = np.where(decided, np.sign(differences), 0).reshape(len(pairs), -1)
    table = pd.DataFrame(pairs, columns=PAIR_COLUMNS[:2])
    table["ahead"], table["behind"] = (signs > 0).sum(axis=1), (signs < 0).sum(axis=1)
    table["close"] = (signs == 0).sum(axis=1)
    return table.assign(turned=(table["ahead"] > 0) & (table["behind"] > 0))


def _difference(a: Measured, b: Measured, n_queries: int) -> tuple[float, float]:
    """Of a and b: a minus b, and p of no difference."""
    difference, errors = a.mean - b.mean, kinds_of_chance(a, b, n_queries)
    se = float(np.sqrt(sum(error.value**2 for error in errors)))
    _, _, df = interval(difference, errors)
    return difference, p_value(difference, se, df, n_queries)
