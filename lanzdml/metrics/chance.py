"""What rank metrics are by chance: their expectation over all orders of the images."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, digamma

from lanzdml.arithmetic.labels import as_labels
from lanzdml.metrics.ranking import expected_precisions
from lanzdml.metrics.scores import RANK_METRICS

ADJUSTED = ("ami", "ari")
"""The metrics that are 0 by chance, as they are adjusted for what random clusters of their
clusters' sizes have. Others of clusters are not, and those sizes are another matter than chance, so
they have none; nor has the silhouette."""


def chance(class_sizes: ArrayLike) -> dict[str, float]:
    """The expectation of each rank metric for classes of these sizes, in closed form.

    With N other images of which R are of the query's class, an image at a rank is right with
    probability p = R / N, and one at another rank is then right, too, with q = (R - 1) / (N - 1).
    So Prec@1 and R-Prec are p; MAP@R is p (q + (1 - q) H(R) / R) and MAP q + (1 - q) H(N) / N, with
    the harmonic numbers H; MRR is the sum over ranks of the chance to be the first right one,
    divided by the rank. Metrics are means over queries, so over images of classes of two or more.

    Args:
        class_sizes: number of images of each class; images alone in theirs are no queries.

    Returns:
        by the metric's name; NaN where no class has two images.

    Raises:
        ValueError: a size is negative.
    """
    sizes = np.asarray(class_sizes, np.int64)
    if (sizes < 0).any():
        raise ValueError("class_sizes must not be negative")
    n_others = int(sizes.sum()) - 1
    sizes, times = np.unique(sizes[sizes >= 2], return_counts=True)
    if not len(sizes):
        return dict.fromkeys(RANK_METRICS, float("nan"))
    weights = sizes * times / np.sum(sizes * times)
    right = (sizes - 1).astype(np.float64)
    p = right / n_others
    # Of two images there is one other one, and no second rank.
    q = (right - 1) / max(n_others - 1, 1)
    by_query = {
        "map_at_r": p * (q + (1 - q) * _harmonic(right) / right),
        "precision_at_1": p,
        "r_precision": p,
        "map": q + (1 - q) * _harmonic(np.array([float(n_others)])) / n_others,
        "mrr": np.array([_reciprocal_rank(int(r), n_others) for r in right]),
    }
    return {name: float(by_query[name] @ weights) for name in RANK_METRICS}


def of_other_labels(known: Any, labels: Any) -> dict[str, float]:
    """MAP@R and Prec@1, by some labels, of vectors that tell other labels and nothing else.

    Images of a query's known label come first, in any order, and then all others. So it is the
    expectation for vectors that are the same where ``known`` is, and equally far where it is not;
    of labellings that do not depend on each other it is near chance.

    Args:
        known, labels: (n,) labels of the same images, none of them null.

    Returns:
        by the metric's name; NaN where no class of ``labels`` has two images.
    """
    (rows, _), (columns, _) = (pd.factorize(as_labels(each)) for each in (known, labels))
    cells = np.zeros((rows.max() + 1, columns.max() + 1), np.int64)
    np.add.at(cells, (rows, columns), 1)
    row, column = np.nonzero(cells)
    weights = cells[row, column]
    right, first, of_first = (  # of the class, of those that come first, of both
        count - 1 for count in (cells.sum(axis=0)[column], cells.sum(axis=1)[row], weights)
    )
    is_query = right > 0
    if not is_query.any():
        return dict.fromkeys(("map_at_r", "precision_at_1"), float("nan"))
    right, first, of_first, weights = (
        counts[is_query] for counts in (right, first, of_first, weights)
    )
    rest, of_rest = len(rows) - 1 - first, right - of_first
    zeros = np.zeros_like(first)
    precisions = expected_precisions(zeros, zeros, first, of_first, np.minimum(right, first))
    precisions += expected_precisions(
        first, of_first, rest, of_rest, np.clip(right - first, 0, rest)
    )
    at_1 = np.where(first > 0, of_first, of_rest) / np.where(first > 0, first, rest)
    by_query = {"map_at_r": precisions / right, "precision_at_1": at_1}
    return {name: float(np.average(values, weights=weights)) for name, values in by_query.items()}


def _harmonic(n: NDArray[np.floating]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = digamma(n + 1) + np.euler_gamma
    return values


def _reciprocal_rank(right: int, n: int) -> float:
    """Mean of 1 / rank of the first of ``right`` among ``n`` in any order."""
    ranks = np.arange(1, n - right + 2)
    # The first is at rank k where the others are among the n - k after it.
    after = n - ranks
    log_ways = _log_choose(after, right - 1) - _log_choose(np.array([n]), right)
    return float(np.sum(np.exp(log_ways) / ranks))


def _log_choose(n: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = -betaln(n - k + 1, k + 1) - np.log(n + 1.0)
    return values
