"""The seven retrieval and clustering metrics of the benchmark.

Every image is once the query and otherwise a reference; a query is never its own reference.
The five rank metrics average over the queries that share their label with at least one other
image; an image that is alone in its class is a reference only. For a query q let R be the number
of the other images of its class, r_1 < ... < r_R their ranks among the n - 1 references (1 is the
nearest). Then, with [.] being 1 where the condition holds and 0 elsewhere,

    map_at_r        1/R * sum_j [r_j <= R] * j / r_j
    precision_at_1  [r_1 = 1]
    r_precision     1/R * sum_j [r_j <= R]
    map             1/R * sum_j j / r_j                  (over the whole ranking)
    mrr             1 / r_1

and, with Y the classes and C the clusters of k-means, as many as there are classes,

    nmi             I(Y, C) / mean(H(Y), H(C))
    ami             (I(Y, C) - E[I]) / (mean(H(Y), H(C)) - E[I])

where I is the mutual information, H the entropy and E[I] the mutual information expected of random
clusters of the same sizes.

Similarities are those of float64 (see `lanzdml.metrics.ranking`). Where references of other classes
are as similar to a query as some of its own class, their order is not defined, and each rank metric
is its expectation over all orders of what ties, all equally likely. So rank metrics do not depend
on the order of the rows, an embedding that maps everything to one point scores as a random order
does, and an image that is there twice with two labels is right half the time. Let c references come
before a block of T that tie, h of them of the query's class, as are P of the T. A place k of the
block holds one of the class with probability P/T, and then h + 1 + (k - 1)(P - 1)/(T - 1) of them
are expected up to it:

    map             1/R * sum over blocks and k of P/T * (h + 1 + (k - 1)(P - 1)/(T - 1)) / (c + k)
    map_at_r        the same for c + k <= R
    precision_at_1  P/T of the first block
    r_precision     1/R * sum over blocks of P/T * (places of the block up to R)
    mrr             sum over k of C(T - k, P - 1) / C(T, P) / (c + k), of the first block with P > 0

Sources: Musgrave, Belongie and Lim, "A Metric Learning Reality Check" (ECCV 2020) for MAP@R and
R-precision; the list of seven in section 1 of the appendix of the InDiReCT paper (Kobs, Steininger
and Hotho, WACV 2023); the details as in `AccuracyCalculator` of pytorch-metric-learning 2.9, to
which the tests compare where nothing ties; for average precision over ties McSherry and Najork,
"Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores"
(ECIR 2008).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import as_labels
from lanzdml.metrics.clusters import MORE_CLUSTER_METRICS, SILHOUETTE, cluster_metrics
from lanzdml.metrics.ranking import (
    Distance,
    MetricsInputError,
    Ranking,
    Whole,
    expected_precisions,
)
from lanzdml.metrics.recalls import RECALLS

METRICS = ("map_at_r", "precision_at_1", "r_precision", "ami", "nmi", "map", "mrr")
RANK_METRICS = ("map_at_r", "precision_at_1", "r_precision", "map", "mrr")
MORE_METRICS = (*RECALLS, *MORE_CLUSTER_METRICS, SILHOUETTE)
"""Beyond the seven: computed where they are asked for."""


def compute_metrics(
    embeddings: Any,
    labels: Any,
    *,
    seed: int = 0,
    distance: Distance = "cosine",
    n_threads: int = 1,
) -> dict[str, float]:
    """Compute all seven metrics, in the order of `METRICS`.

    Args:
        embeddings: (n, d) array or torch tensor on any device, n >= 2. Evaluated as float64.
        labels: (n,) array, series, tensor or list of hashable labels, none of them null.
        seed: the seed of k-means.
        distance: "cosine" normalises the embeddings first (zero vectors stay zero), "euclidean"
            takes them as they are; this holds for the neighbours and for the clusters.
        n_threads: the threads that rank queries. The result is the same for any number.

    Returns:
        A float for each metric, in [0, 1] but for ami, which can fall slightly below 0. The rank
        metrics are NaN where no class has two images.

    Raises:
        MetricsInputError: the shapes do not fit, an embedding is not finite, a label is null, there
            are fewer than two images, or an option is not one of those allowed.
    """
    values = {
        **rank_metrics(embeddings, labels, distance=distance, n_threads=n_threads),
        **cluster_metrics(embeddings, labels, seed=seed, distance=distance),
    }
    return {name: values[name] for name in METRICS}


def rank_metrics(
    embeddings: Any, labels: Any, *, distance: Distance = "cosine", n_threads: int = 1
) -> dict[str, float]:
    """Compute the metrics of `RANK_METRICS`; arguments and errors as in `compute_metrics`."""
    return mean_scores(query_scores(embeddings, labels, distance=distance, n_threads=n_threads))


def mean_scores(scores: dict[str, np.ndarray]) -> dict[str, float]:
    """The means of what `query_scores` returns, over the images that are queries."""
    defined = ~np.isnan(scores["map_at_r"])
    if not defined.any():
        return dict.fromkeys(RANK_METRICS, float("nan"))
    return {name: float(values[defined].mean()) for name, values in scores.items()}


def macro_scores(scores: dict[str, np.ndarray], labels: Any) -> dict[str, float]:
    """The means over classes of the means over a class's queries, so that all classes count alike.

    Args:
        scores: of `query_scores`, (n,) a metric.
        labels: (n,), as they were scored.

    Returns:
        by the metric's name; NaN where no class has two images, as such a one has no query.
    """
    of_class = pd.DataFrame(scores).groupby(as_labels(labels).to_numpy()).mean()
    return {name: float(of_class[name].mean()) for name in scores}


def query_scores(
    embeddings: Any, labels: Any, *, distance: Distance = "cosine", n_threads: int = 1
) -> dict[str, np.ndarray]:
    """Score every query: (n,) float64 per rank metric, NaN for an image alone in its class.

    Arguments and errors as in `compute_metrics`. Takes O(n² (d + log n)) time, and memory for a
    fixed number of similarities a thread.
    """
    return query_scores_and_ties(embeddings, labels, distance=distance, n_threads=n_threads)[0]


def query_scores_and_ties(
    embeddings: Any, labels: Any, *, distance: Distance = "cosine", n_threads: int = 1
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """As `query_scores`, and which queries' scores are expectations over ties: (n,) bool."""
    if n_threads < 1:
        raise MetricsInputError(f"n_threads is {n_threads}, but must be at least 1")
    ranking = Ranking(embeddings, labels, distance)
    queries = QueryScores(ranking)
    ranking.by_class(queries.add, n_threads)
    return queries.by_metric(), queries.tied


class QueryScores:
    """Scores of queries, added some at a time by :meth:`Ranking.by_class`.

    Args:
        ranking: of the images.

    Attributes:
        tied: (n,), which queries' scores are expectations over ties, in the order of the input.
    """

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._scores = np.full((len(RANK_METRICS), len(ranking)), np.nan)
        self.tied = np.zeros(len(ranking), bool)

    def add(self, similarities: NDArray[np.float64], first: int, label: int) -> None:
        """Score some queries; similarities (m, n) are left as they are."""
        rows = self._ranking.order[first : first + len(similarities)]
        ranks, ties = _positive_ranks(self._ranking, similarities, first, label)
        self._scores[:, rows] = _scores_of_ranks(ranks)
        if ties.any():
            self.tied[rows[ties]] = True
            self._scores[:, rows[ties]] = _expected_scores(
                self._ranking, similarities[ties], first + np.flatnonzero(ties), label
            )

    def by_metric(self) -> dict[str, NDArray[np.float64]]:
        """(n,) a metric, in the order of the input."""
        return dict(zip(RANK_METRICS, self._scores, strict=True))


def _positive_ranks(
    ranking: Ranking, similarities: NDArray[np.float64], first: int, label: int
) -> tuple[Whole, NDArray[np.bool_]]:
    """Rank the references of a class for its queries first, first + 1, ...

    Args:
        similarities: (m, n), of the m queries to all images, themselves included.

    Returns:
        (m, R) ranks, ascending, as if what ties were of the query's class first, and (m,) whether
        it ties with another class.
    """
    start, end = ranking.starts[label], ranking.ends[label]
    rows = np.arange(len(similarities))
    positives = similarities[:, start:end].copy()
    positives[rows, first - start + rows] = np.inf  # the query itself: sorted last, then dropped
    positives.sort(axis=1)
    positives = positives[:, :-1]
    negatives = np.concatenate((similarities[:, :start], similarities[:, end:]), axis=1)
    negatives.sort(axis=1)
    tolerance = ranking.tolerance(first + rows, positives)

    # Sorting values is several times faster than sorting indices, and ranks need no more: before
    # the j-th positive come j - 1 positives and the negatives that are more similar.
    n_negatives = negatives.shape[1]
    limits = positives + tolerance
    below = np.stack([
        row.searchsorted(limit, "right") for row, limit in zip(negatives, limits, strict=True)
    ])  # fmt: skip
    ties = np.zeros(len(rows), bool)
    if n_negatives:
        nearest = np.take_along_axis(negatives, np.maximum(below - 1, 0), axis=1)
        ties = np.any((below > 0) & (nearest >= positives - tolerance), axis=1)
    before = n_negatives - below[:, ::-1]
    return before + np.arange(1, before.shape[1] + 1), ties


def _scores_of_ranks(ranks: Whole) -> NDArray[np.float64]:
    """Score queries by the (m, R) ascending ranks of their positives: (5, m), as RANK_METRICS."""
    n_positives = ranks.shape[1]
    precisions = np.arange(1, n_positives + 1) / ranks
    within_r = ranks <= n_positives
    return np.stack(
        (
            (precisions * within_r).mean(axis=1),
            ranks[:, 0] == 1,
            within_r.mean(axis=1),
            precisions.mean(axis=1),
            1 / ranks[:, 0],
        )
    )


def _expected_scores(
    ranking: Ranking, similarities: NDArray[np.float64], queries: Whole, label: int
) -> NDArray[np.float64]:
    """Score queries of a class in expectation over ties: (5, m), as RANK_METRICS.

    Args:
        similarities: (m, n), of the queries to all images, themselves included.
        queries: (m,), these queries.
    """
    start, end = ranking.starts[label], ranking.ends[label]
    m, n = len(similarities), len(ranking)
    similarities[np.arange(m), queries] = -np.inf  # last, and dropped
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :-1]
    similarities = np.take_along_axis(similarities, nearest, axis=1)
    positive = (start <= nearest) & (nearest < end)
    opens = ranking.opens_block(queries, similarities)

    # A row a block, of all queries one after the other.
    query, c = np.nonzero(opens)
    block = np.flatnonzero(opens)
    T = np.diff(block, append=m * (n - 1))
    P = np.add.reduceat(positive.ravel(), block, dtype=np.int64)
    h = np.cumsum(positive, axis=1)[query, c] - positive[query, c]
    R = end - start - 1
    up_to_r = np.clip(R - c, 0, T)
    hits = np.flatnonzero(P)
    first_hits = hits[np.unique(query[hits], return_index=True)[1]]

    def sums(values: NDArray[np.float64]) -> NDArray[Any]:  # float64, which NumPy does not declare
        return np.bincount(query, values, minlength=m)

    return np.stack((
        sums(expected_precisions(c, h, T, P, up_to_r)) / R,
        (P / T)[c == 0],
        sums(P / T * up_to_r) / R,
        sums(expected_precisions(c, h, T, P, T)) / R,
        [_expected_reciprocal(*block) for block in np.stack((c, T, P), 1)[first_hits].tolist()],
    ))  # fmt: skip


@cache
def _expected_reciprocal(c: int, T: int, P: int) -> float:
    """The expected 1 / rank of the first of P among T that tie, after c others."""
    # P(k + 1) / P(k) = C(T - k - 1, P - 1) / C(T - k, P - 1), from P(1) = P / T.
    k = np.arange(1, T - P + 1)
    chance = P / T * np.cumprod(np.append(1.0, (T - P - k + 1) / (T - k)))
    return float((chance / np.arange(c + 1, c + len(chance) + 1)).sum())
