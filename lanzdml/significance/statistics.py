"""Statistics that decide: intervals of differences on a notion, tests over notions.

A difference of two methods on a notion would be another one with other images and, where chance is
in fitting, with other fits. Both have a standard error, their squares add up, and the interval is
Student's t with Satterthwaite's degrees of freedom ("An Approximate Distribution of Estimates of
Variance Components", Biometrics Bulletin 2, 1946). That of the images is the deviation over draws
with replacement (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993): of images and
not of queries, as queries share their references. Over notions methods are compared as Demsar
recommends ("Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006):
Wilcoxon's signed-rank test of each pair, Holm's correction for the number of those that are looked
at, and mean ranks with Friedman's test of all and Nemenyi's critical difference. What all pairs
together say of ranks on a notion is in :mod:`lanzdml.significance.ranks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

N_RESAMPLES = 10_000
N_PERMUTATIONS = 100_000
LEVEL, POWER = 0.95, 0.8
LEAST_QUERIES = 30
"""With fewer there is no interval, as percentiles are too narrow then: of normal differences that
are 0 on average they call 16 % decided with 5 queries, 9 % with 10, and 6 or 7 % from 30 on."""
LEAST_DIFFERING = 6
"""With fewer queries that differ nothing is decided: the sign test of five gives p = 0.06 at the
least, also where all are on one side."""
DECIMALS = 8
"""Of a score as a fraction; what is less is rounding, so scores that are as near are tied."""
_MOST_DRAWN = 2**22  # queries in memory at a time
_UNKNOWN = (np.nan, np.nan)


def resampled_means(
    values: pd.DataFrame | NDArray[np.float64], seed: int, n_resamples: int = N_RESAMPLES
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


def query_intervals(
    values: pd.DataFrame, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> pd.DataFrame:
    """What other queries on the same references leave open of the difference of each two methods.

    The draws depend on the seed and the number of queries alone: an interval is the same beside
    any other methods.

    Args:
        values: a row a query and a column a method; no value is missing.
        seed, n_resamples: of the bootstrap.
        level: of the intervals, from percentiles.

    Returns:
        columns ``method``, ``other``, ``low`` and ``high``, bounds of method minus other, NaN for
        fewer than :data:`LEAST_QUERIES`.
    """
    enough = len(values) >= LEAST_QUERIES
    means = resampled_means(values, seed, n_resamples) if enough else None
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for i, j in combinations(range(len(values.columns)), 2):
        low, high = _UNKNOWN if means is None else np.quantile(means[:, i] - means[:, j], tails)
        rows.append({
            "method": values.columns[i],
            "other": values.columns[j],
            "low": low,
            "high": high,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["method", "other", "low", "high"])


@dataclass(frozen=True)
class StandardError:
    """Of a mean, with its degrees of freedom: how many values beyond the mean it is made of."""

    value: float
    df: float


@dataclass(frozen=True)
class Measured:
    """A method on a notion by one metric.

    Attributes:
        mean: over its fits.
        draws: (n_draws,), that mean of each draw of the images, the same for all methods.
        fits: the standard error of the mean over its fits; None where chance in fitting is not
            there, or not known.
    """

    mean: float
    draws: NDArray[np.float64]
    fits: StandardError | None


def kinds_of_chance(a: Measured, b: Measured, n: int) -> list[StandardError]:
    """The standard errors of the difference of two methods: by the images, then by fits.

    Args:
        a, b: the methods, on the same draws.
        n: how many images are queries. Of fewer than draws a deviation is known no better than
            theirs.
    """
    drawn = a.draws - b.draws
    images = StandardError(float(drawn.std(ddof=1)), min(n, len(drawn)) - 1)
    return [images, *(method.fits for method in (a, b) if method.fits is not None)]


def interval(
    difference: float, errors: Sequence[StandardError], level: float = LEVEL
) -> tuple[float, float, float]:
    """What chance of several kinds, independent of each other, leaves open.

    Args:
        difference: that was found.
        errors: of each kind.
        level: of the interval.

    Returns:
        the interval's lower and upper bound, and Satterthwaite's degrees of freedom, which are NaN
        where all errors are 0.
    """
    from scipy.stats import t

    variances = np.array([error.value**2 for error in errors])
    total = variances.sum()
    if total == 0:
        return difference, difference, np.nan
    df = total**2 / sum(v**2 / e.df for v, e in zip(variances, errors, strict=True) if v)
    reach = float(t.ppf((1 + level) / 2, df) * np.sqrt(total))
    return difference - reach, difference + reach, float(df)


def p_value(difference: float, se: float, df: float, differing: int) -> float:
    """Of no difference, two-sided: 1 less the level at which :func:`interval` begins to hold 0.

    Args:
        difference: that was found.
        se: its standard error.
        df: as :func:`interval` gives them.
        differing: how many queries do. No p is below what the sign test gives where all of them
            are on one side, however small the standard error.
    """
    from scipy.special import stdtr

    p = 2 * float(stdtr(df, -abs(difference) / se)) if se else float(difference == 0)
    return max(p, least_p(differing, 1))


def smallest_difference(se: float, df: float, level: float = LEVEL, power: float = POWER) -> float:
    """Which true difference the interval leaves 0 out of in ``power`` of the cases.

    That is (t_level + t_power) SE (Bloom, "Minimum Detectable Effects", Evaluation Review 19,
    1995). NaN where nothing is open.

    Args:
        se: the standard error of the difference.
        df: as :func:`interval` gives them.
        level: of the interval.
        power: the share of cases.
    """
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + level) / 2) + stdtrit(df, power)) * se


def class_error(
    differences: pd.Series | NDArray[np.float64], classes: pd.Series | NDArray[Any]
) -> StandardError:
    """The standard error of a mean over queries whose classes are a sample of more.

    Classes count by their queries, and what those of one class have in common is no evidence twice
    (Cameron and Miller, "A Practitioner's Guide to Cluster-Robust Inference", Journal of Human
    Resources 50, 2015, section II).

    Args:
        differences: (n,), of two methods, a query each.
        classes: (n,), of any kind.

    Returns:
        with as many degrees of freedom as there are classes less one; NaN for one class.
    """
    deviations = pd.Series(differences - np.mean(differences))
    of_classes = deviations.groupby(np.asarray(classes)).sum().to_numpy()
    k = len(of_classes)
    if k < 2:
        return StandardError(np.nan, 0)
    squares = np.square(of_classes / len(deviations)).sum()
    return StandardError(float(np.sqrt(k / (k - 1) * squares)), k - 1)


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
        differences = (scores[method] - scores[other]).round(DECIMALS).to_numpy()
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


def _ranks(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.round(DECIMALS).rank(axis=1, ascending=False)


def mean_ranks(scores: pd.DataFrame) -> pd.Series:
    """The mean over notions of each method's rank, 1 being the highest; equals share ranks."""
    return _ranks(scores).mean().sort_values(kind="stable")


def friedman_test(
    scores: pd.DataFrame, seed: int, n_permutations: int = N_PERMUTATIONS
) -> tuple[float, float]:
    """Whether methods' ranks over notions differ at all: Friedman's test, corrected for ties.

    The p value is that of permutations, each notion's ranks anew: chi squared has its distribution
    for many notions only, and is several times too large with three.

    Args:
        scores: a row a notion and a column a method; no value is missing.
        seed, n_permutations: of the permutations.

    Returns:
        chi squared and p; NaN where they are not defined, as for fewer than three methods or two
        notions, or where all scores of each notion are equal.
    """
    from scipy.stats import friedmanchisquare

    ranks = _ranks(scores).to_numpy()
    n_notions, n_methods = ranks.shape
    if n_methods < 3 or n_notions < 2 or (ranks.max(axis=1) == ranks.min(axis=1)).all():
        return _UNKNOWN
    statistic = friedmanchisquare(*ranks.T).statistic
    # Of the same ranks chi squared grows with the squares of their sums. Ranks that are shared are
    # halves, so twice the ranks are whole numbers, which compare exactly.
    ranks = np.rint(2 * ranks).astype(np.int64)
    rng = np.random.default_rng(seed)
    sums = np.zeros((n_permutations, n_methods), np.int64)
    for row in ranks:
        sums += rng.permuted(np.tile(row, (n_permutations, 1)), axis=1)
    extreme = (np.square(sums).sum(axis=1) >= np.square(ranks.sum(axis=0)).sum()).sum()
    # The ranks that were found are one more permutation, so that no p is 0.
    return float(statistic), float((1 + extreme) / (1 + n_permutations))


def critical_difference(n_methods: int, n_notions: int, level: float = LEVEL) -> float:
    """By how much mean ranks have to differ (Nemenyi's test)."""
    from scipy.stats import studentized_range

    q = studentized_range.ppf(level, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_notions)))
