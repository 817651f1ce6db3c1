"""What rank metrics are by chance: their expectation over all orders of the images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, digamma

from lanzdml.metrics.ranking import expected_precisions
from lanzdml.metrics.recalls import RECALLS, some_right
from lanzdml.metrics.relevance import Relevance, as_queries
from lanzdml.metrics.scores import RANK_METRICS

ADJUSTED = ("ami", "ari")
"""The metrics that are 0 by chance, as they are adjusted for what random clusters of their
clusters' sizes have. Others of clusters are not, and those sizes are another matter than chance, so
they have none; nor has the silhouette."""


def chance(class_sizes: ArrayLike, recalls: Sequence[str] = ()) -> dict[str, float]:
    """The expectation of each rank metric for classes of these sizes, in closed form.

    With N other images of which R are of the query's class, an image at a rank is right with
    probability p = R / N, and one at another rank is then right, too, with q = (R - 1) / (N - 1).
    So Prec@1 and R-Prec are p; MAP@R is p (q + (1 - q) H(R) / R) and MAP q + (1 - q) H(N) / N, with
    the harmonic numbers H; MRR is the sum over ranks of the chance to be the first right one,
    divided by the rank. Recall@k is 1 - C(N - R, k) / C(N, k). Metrics are means over queries, so
    over images of classes of two or more.

    Args:
        class_sizes: number of images of each class; images alone in theirs are no queries.
        recalls: metrics of :data:`lanzdml.metrics.recalls.RECALLS` to be among them.

    Returns:
        by the metric's name; NaN where no class has two images.

    Raises:
        ValueError: a size is negative.
    """
    sizes = np.asarray(class_sizes, np.int64)
    if (sizes < 0).any():
        raise ValueError("class_sizes must not be negative")
    return _expected(sizes - 1, sizes, int(sizes.sum()) - 1, recalls)


def chance_of(labels: Any, queries: Any = None, recalls: Sequence[str] = ()) -> dict[str, float]:
    """:func:`chance` of images that may have several values, or of which some are queries.

    Args:
        labels, queries: as of :func:`lanzdml.metrics.scores.compute_metrics`.
        recalls: as of :func:`chance`.

    Returns:
        by the metric's name; NaN where no query has a relevant reference.

    Raises:
        MetricsInputError: as :func:`lanzdml.metrics.scores.compute_metrics`.
    """
    relevance = Relevance.of(labels)
    n = len(relevance.groups)
    is_query = as_queries(queries, n)
    n_references = n - 1 if is_query is None else n - int(is_query.sum())
    right = relevance.n_relevant(is_query)
    return _expected(right, np.ones(len(right), np.int64), n_references, recalls)


def _expected(
    right: NDArray[np.int64], times: NDArray[np.int64], n: int, recalls: Sequence[str]
) -> dict[str, float]:
    """Of so many queries, (k,) each, to so many of n references that are right."""
    counts, kind = np.unique(right, return_inverse=True)
    times = np.bincount(kind, times, minlength=len(counts)).astype(np.int64)
    counts, times = counts[counts > 0], times[counts > 0]
    if not len(counts):
        return dict.fromkeys((*RANK_METRICS, *recalls), float("nan"))
    weights = times / np.sum(times)
    right_ones = counts.astype(np.float64)
    p = right_ones / n
    # Of one reference there is no second rank.
    q = (right_ones - 1) / max(n - 1, 1)
    by_query = {
        "map_at_r": p * (q + (1 - q) * _harmonic(right_ones) / right_ones),
        "precision_at_1": p,
        "r_precision": p,
        "map": q + (1 - q) * _harmonic(np.array([float(n)])) / n,
        "mrr": np.array([_reciprocal_rank(int(r), n) for r in counts]),
        **{name: some_right(n, counts, min(RECALLS[name], n)) for name in recalls},
    }
    return {name: float(by_query[name] @ weights) for name in (*RANK_METRICS, *recalls)}


def of_other_labels(known: Any, labels: Any) -> dict[str, float]:
    """MAP@R and Prec@1, by some labels, of vectors that tell other labels and nothing else.

    Images that share a query's known label come first, in any order, and then all others. So it is
    the expectation for vectors that are the same where ``known`` is, and equally far where it is
    not; of labellings that do not depend on each other it is near chance.

    Args:
        known, labels: (n,) labels of the same images, none of them null.

    Returns:
        by the metric's name; NaN where no class of ``labels`` has two images.
    """
    # Of each query how many references are right, come first, or both.
    right, first, of_first, weights = _agreeing(Relevance.of(known), Relevance.of(labels))
    n = weights.sum()
    is_query = right > 0
    if not is_query.any():
        return dict.fromkeys(("map_at_r", "precision_at_1"), float("nan"))
    right, first, of_first, weights = (
        counts[is_query] for counts in (right, first, of_first, weights)
    )
    rest, of_rest = n - 1 - first, right - of_first
    zeros = np.zeros_like(first)
    precisions = expected_precisions(zeros, zeros, first, of_first, np.minimum(right, first))
    precisions += expected_precisions(
        first, of_first, rest, of_rest, np.clip(right - first, 0, rest)
    )
    at_1 = np.where(first > 0, of_first, of_rest) / np.where(first > 0, first, rest)
    by_query = {"map_at_r": precisions / right, "precision_at_1": at_1}
    return {name: float(np.average(values, weights=weights)) for name, values in by_query.items()}


def _agreeing(
    known: Relevance, labels: Relevance
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each kind of image how many others agree with it in labels, in what is known, and in both.

    A kind has the same of both: (k,) each, and how many images each kind has.
    """
    both = np.stack((known.groups, labels.groups), axis=1)
    kinds, times = np.unique(both, axis=0, return_counts=True)
    right, first, of_first = (np.zeros(len(kinds), np.int64) for _ in range(3))
    for number, (of_known, of_labels) in enumerate(kinds):
        agrees_known = known.sharing(of_known)[kinds[:, 0]]
        agrees = labels.sharing(of_labels)[kinds[:, 1]]
        right[number] = times[agrees].sum() - 1
        first[number] = times[agrees_known].sum() - 1
        of_first[number] = times[agrees & agrees_known].sum() - 1
    return right, first, of_first, times


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
