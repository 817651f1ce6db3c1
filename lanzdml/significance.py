"""Statistics that decide: intervals over queries, tests over notions.

Differences of two methods on a notion get intervals from a paired bootstrap over its queries
(Efron and Tibshirani, "An Introduction to the Bootstrap", 1993): methods answer the same queries,
so queries are drawn once for all of them. Over notions methods are compared as Demsar recommends
("Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006): Wilcoxon's signed-
rank test of each pair, Holm's correction for the number of those that are looked at, and mean
ranks with Friedman's test of all and Nemenyi's critical difference.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

N_RESAMPLES = 10_000
LEVEL = 0.95
LEAST_QUERIES = 30
"""With fewer there is no interval, as percentiles are too narrow then: of normal differences that
are 0 on average they call 16 % decided with 5 queries, 9 % with 10, and 6 or 7 % from 30 on."""
_MOST_DRAWN = 2**22  # queries in memory at a time
_UNKNOWN = (np.nan, np.nan)


def resampled_means(
    values: ArrayLike, seed: int, n_resamples: int = N_RESAMPLES
) -> NDArray[np.float64]:
    """Means of queries that are drawn with replacement, as many as there are, again and again.

    Args:
        values: (n, m), a row a query and a column a method.
        seed: of the draws.
        n_resamples: how often.

    Returns:
        (n_resamples, m), the same bits on every processor: values count to 2^-52 of the largest
        sum of their column that there can be.
    """
    values = np.asarray(values, np.float64)
    n = len(values)
    # BLAS rounds by the shape of its matrices, and no two processors alike. Products of whole
    # numbers whose sums stay below 2^53 are exact, so values are whole numbers of a unit each.
    unit = np.ldexp(1.0, np.frexp(n * np.abs(values).max(axis=0))[1] - 52)
    values = np.rint(values / unit)
    rng = np.random.default_rng(seed)
    at_once = max(1, _MOST_DRAWN // n)
    means = np.empty((n_resamples, values.shape[1]))
    for start in range(0, n_resamples, at_once):
        rows = len(means[start : start + at_once])
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        # How often each query was drawn: one product for all methods.
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        means[start : start + rows] = counts @ values * unit / n
    return means


def paired_differences(
    values: pd.DataFrame, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> pd.DataFrame:
    """The difference of each two methods, with the interval that the queries leave open.

    The draws depend on the seed and the number of queries alone: an interval is the same beside
    any other methods.

    Args:
        values: a row a query and a column a method; no value is missing.
        seed, n_resamples: of the bootstrap.
        level: of the intervals, from percentiles.

    Returns:
        columns ``method``, ``other``, ``difference`` (method minus other), ``low``, ``high`` (NaN
        for fewer than :data:`LEAST_QUERIES`), and ``decided``: whether there is an interval that
        leaves 0 out.
    """
    enough = len(values) >= LEAST_QUERIES
    means = resampled_means(values, seed, n_resamples) if enough else None
    tails = [(1 - level) / 2, (1 + level) / 2]
    observed = values.mean().to_numpy()
    rows = []
    for i, j in combinations(range(len(values.columns)), 2):
        low, high = np.quantile(means[:, i] - means[:, j], tails) if enough else _UNKNOWN
        rows.append({
            "method": values.columns[i],
            "other": values.columns[j],
            "difference": observed[i] - observed[j],
            "low": low,
            "high": high,
            "decided": bool(low > 0 or high < 0),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["method", "other", "difference", "low", "high", "decided"])


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P values (m,) corrected for their number by Holm's step-down method (1979)."""
    p_values = np.asarray(p_values, np.float64)
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(1, np.maximum.accumulate(factors * p_values[order]))
    return corrected


def signed_rank_tests(scores: pd.DataFrame) -> pd.DataFrame:
    """Wilcoxon's signed-rank test of each two methods over notions, two-sided.

    With few notions no difference can be significant, see :func:`least_p`.

    Args:
        scores: a row a notion and a column a method; no value is missing.

    Returns:
        columns ``method``, ``other``, ``n_notions``, ``better`` and ``worse`` (on how many of them
        ``method`` scores higher, and lower), and ``p``, not corrected for the number of pairs.
    """
    from scipy.stats import wilcoxon

    rows = []
    for method, other in combinations(scores.columns, 2):
        differences = (scores[method] - scores[other]).to_numpy()
        same = not differences.any()
        rows.append({
            "method": method,
            "other": other,
            "n_notions": len(differences),
            "better": int((differences > 0).sum()),
            "worse": int((differences < 0).sum()),
            "p": 1.0 if same else float(wilcoxon(differences).pvalue),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["method", "other", "n_notions", "better", "worse", "p"])


def least_p(n_notions: int, n_pairs: int) -> float:
    """The smallest p that signed ranks can give after Holm's correction: one method always better.

    Of the 2^n equally likely patterns of signs two are as extreme, so five notions give 0.0625 at
    the least, even for a single pair.
    """
    return min(1.0, n_pairs * 2.0 ** (1 - n_notions))


def mean_ranks(scores: pd.DataFrame) -> pd.Series:
    """The mean over notions of each method's rank, 1 being the highest; equals share ranks."""
    return scores.rank(axis=1, ascending=False).mean().sort_values(kind="stable")


def friedman_test(scores: pd.DataFrame) -> tuple[float, float]:
    """Whether methods' ranks over notions differ at all: Friedman's test, corrected for ties.

    Args:
        scores: a row a notion and a column a method; no value is missing.

    Returns:
        chi squared, which is rough for few notions, and p; NaN where they are not defined: for
        fewer than three methods or two notions, or where all scores of each notion are equal.
    """
    from scipy.stats import friedmanchisquare

    n_notions, n_methods = scores.shape
    if n_methods < 3 or n_notions < 2 or (scores.max(axis=1) == scores.min(axis=1)).all():
        return _UNKNOWN
    statistic, p = friedmanchisquare(*scores.to_numpy().T)
    return float(statistic), float(p)


def critical_difference(n_methods: int, n_notions: int, level: float = LEVEL) -> float:
    """By how much mean ranks have to differ (Nemenyi's test)."""
    from scipy.stats import studentized_range

    q = studentized_range.ppf(level, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_notions)))
