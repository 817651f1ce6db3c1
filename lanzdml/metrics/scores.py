"""The metrics of the benchmark: those of ranks, and all that are computed at once.

Every image is once the query and otherwise a reference; a query is never its own reference. Or some
images are queries, and the others, the gallery, are their references. The five rank metrics average
over the queries that share their label with at least one reference; an image that is alone in its
class is a reference only. Where images have several values, those that share any of them are of
one class here. For a query q let R be the number of references of its class, r_1 < ... < r_R their
ranks among all references (1 is the nearest). Then, with [.] being 1 where the condition holds and
0 elsewhere::

    map_at_r        1/R * sum_j [r_j <= R] * j / r_j
    precision_at_1  [r_1 = 1]
    r_precision     1/R * sum_j [r_j <= R]
    map             1/R * sum_j j / r_j                  (over the whole ranking)
    mrr             1 / r_1

Recall@k is said in `lanzdml.metrics.recalls`; ami and nmi, the other two of the paper's seven, and
what else goes by classes and clusters in `lanzdml.metrics.clusters`.

Similarities are those of float64 (see `lanzdml.metrics.ranking`). Where references of other classes
are as similar to a query as some of its own class, their order is not defined, and each rank metric
is its expectation over all orders of what ties, all equally likely. So rank metrics do not depend
on the order of the rows, an embedding that maps everything to one point scores as a random order
does, and an image that is there twice with two labels is right half the time. Let c references come
before a block of T that tie, h of them of the query's class, as are P of the T. A place k of the
block holds one of the class with probability P/T, and then h + 1 + (k - 1)(P - 1)/(T - 1) of them
are expected up to it::

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

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import as_labels, values_of
from lanzdml.errors import suggest
from lanzdml.metrics.clusters import (
    MORE_CLUSTER_METRICS,
    OF_KMEANS,
    SILHOUETTE,
    cluster_metrics,
    silhouette,
)
from lanzdml.metrics.ranking import (
    Distance,
    Ranking,
    Relevant,
    Whole,
)
from lanzdml.metrics.recalls import RECALLS, recalls_of_ranks
from lanzdml.metrics.relevance import MetricsInputError
from lanzdml.metrics.ties import expected_scores

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
    queries: Any = None,
    metrics: Iterable[str] = METRICS,
    kmeans_repeats: int = 1,
    kmeans_batch_size: int | None = None,
    n_threads: int = 1,
) -> dict[str, float]:
    """Compute metrics: all seven unless others are named.

    Args:
        embeddings: (n, d) array or torch tensor on any device, n >= 2. Evaluated as float64.
        labels: (n,) array, series, tensor or list of hashable labels, none of them null. A list or
            a set in place of a label is several values; images agree when they share one.
        seed: the seed of k-means.
        distance: "cosine" normalises the embeddings first (zero vectors stay zero), "euclidean"
            takes them as they are; this holds for the neighbours and for the clusters.
        queries: (n,) truth values: which images are queries and rank the others, the gallery. Each
            image ranks all others unless given. Clusters are of all images.
        metrics: names of `METRICS` and `MORE_METRICS`.
        kmeans_repeats: how many starts of k-means are averaged, of which the first has the seed.
        kmeans_batch_size: images a batch of mini-batch k-means, for very many images;
            None for k-means of all at once.
        n_threads: the threads that rank queries. The result is the same for any number.

    Returns:
        A float for each metric, in the order of `METRICS` and `MORE_METRICS`, in [0, 1], but for
        ami and ari, which can fall below 0, and silhouette, which is in [-1, 1]. Rank metrics are
        NaN where no query has a relevant reference, those of clusters and silhouette where an image
        has several values, and silhouette where there is one class.

    Raises:
        MetricsInputError: the shapes do not fit, an embedding is not finite, a label is null, there
            are fewer than two images, no queries or no gallery, or an option is not one of those
            allowed.
    """
    asked = in_order(metrics)
    values: dict[str, float] = {}
    if any(name in RANK_METRICS or name in RECALLS for name in asked):
        values = rank_metrics(
            embeddings, labels, distance=distance, queries=queries,
            recalls=[name for name in asked if name in RECALLS], n_threads=n_threads,
        )  # fmt: skip
    if any(name in OF_KMEANS for name in asked):
        values |= cluster_metrics(
            embeddings, labels, seed=seed, distance=distance, metrics=asked,
            repeats=kmeans_repeats, batch_size=kmeans_batch_size,
        )  # fmt: skip
    if SILHOUETTE in asked:
        values[SILHOUETTE] = silhouette(embeddings, labels, distance=distance)
    return {name: values[name] for name in asked}


def in_order(metrics: Iterable[str]) -> list[str]:
    """Names of metrics in the order of `METRICS` and `MORE_METRICS`.

    Raises:
        MetricsInputError: there are none, or one is no metric.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    known = (*METRICS, *MORE_METRICS)
    for name in names:
        if name not in known:
            raise MetricsInputError(f"there is no metric {name!r}; {suggest(name, known)}")
    if not names:
        raise MetricsInputError(f"metrics names none; there are {', '.join(known)}")
    return [name for name in known if name in names]


def rank_metrics(
    embeddings: Any,
    labels: Any,
    *,
    distance: Distance = "cosine",
    queries: Any = None,
    recalls: Sequence[str] = (),
    n_threads: int = 1,
) -> dict[str, float]:
    """Compute the metrics of `RANK_METRICS`, and those of `RECALLS` that are named.

    Other arguments and errors as in `compute_metrics`.
    """
    scores = query_scores(
        embeddings, labels, distance=distance, queries=queries, recalls=recalls,
        n_threads=n_threads,
    )  # fmt: skip
    return mean_scores(scores)


def mean_scores(scores: dict[str, np.ndarray]) -> dict[str, float]:
    """The means of what `query_scores` returns, over the images that are queries."""
    defined = ~np.isnan(scores["map_at_r"])
    if not defined.any():
        return dict.fromkeys(scores, float("nan"))
    return {name: float(values[defined].mean()) for name, values in scores.items()}


def macro_scores(scores: dict[str, np.ndarray], labels: Any) -> dict[str, float]:
    """The means over classes of the means over a class's queries, so that all classes count alike.

    A query of several values counts for each.

    Args:
        scores: of `query_scores`, (n,) a metric.
        labels: (n,), as they were scored.

    Returns:
        by the metric's name; NaN where no class has two images, as such a one has no query.
    """
    values = as_labels(labels).reset_index(drop=True).map(values_of).explode()
    of_class = pd.DataFrame(scores).loc[values.index].groupby(values.to_numpy()).mean()
    return {name: float(of_class[name].mean()) for name in scores}


def query_scores(
    embeddings: Any,
    labels: Any,
    *,
    distance: Distance = "cosine",
    queries: Any = None,
    recalls: Sequence[str] = (),
    n_threads: int = 1,
) -> dict[str, np.ndarray]:
    """Score every query: (n,) float64 per rank metric, and per metric of `RECALLS` that is named.

    It is NaN for an image to which no reference is relevant, as for one alone in its class, and for
    one of the gallery. Arguments and errors as in `compute_metrics`. Takes O(n² (d + log n)) time,
    and memory for a fixed number of similarities a thread.
    """
    return query_scores_and_ties(
        embeddings, labels, distance=distance, queries=queries, recalls=recalls,
        n_threads=n_threads,
    )[0]  # fmt: skip


def query_scores_and_ties(
    embeddings: Any,
    labels: Any,
    *,
    distance: Distance = "cosine",
    queries: Any = None,
    recalls: Sequence[str] = (),
    n_threads: int = 1,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """As `query_scores`, and which queries' scores are expectations over ties: (n,) bool."""
    if n_threads < 1:
        raise MetricsInputError(f"n_threads is {n_threads}, but must be at least 1")
    ranking = Ranking(embeddings, labels, distance, queries)
    scores = QueryScores(ranking, recalls)
    ranking.by_group(scores.add, n_threads)
    return scores.by_metric(), scores.tied


class QueryScores:
    """Scores of queries, added some at a time by :meth:`Ranking.by_group`.

    Args:
        ranking: of the images.
        recalls: the metrics of `RECALLS` that are scored beside `RANK_METRICS`.

    Attributes:
        tied: (n,), which queries' scores are expectations over ties, in the order of the input.
    """

    def __init__(self, ranking: Ranking, recalls: Sequence[str] = ()) -> None:
        self._ranking = ranking
        self._recalls = recalls
        self._scores = np.full((len(RANK_METRICS) + len(recalls), ranking.n_images), np.nan)
        self.tied = np.zeros(ranking.n_images, bool)

    def add(self, similarities: NDArray[np.float64], first: int, relevant: Relevant) -> None:
        """Score some queries; similarities (q, m) are left as they are."""
        rows = self._ranking.queries[first : first + len(similarities)]
        ranks, ties = _positive_ranks(self._ranking, similarities, first, relevant)
        self._scores[:, rows] = _scores_of_ranks(ranks, self._recalls)
        if ties.any():
            self.tied[rows[ties]] = True
            queries = first + np.flatnonzero(ties)
            self._scores[:, rows[ties]] = expected_scores(
                self._ranking, similarities[ties], queries, relevant, self._recalls
            )

    def by_metric(self) -> dict[str, NDArray[np.float64]]:
        """(n,) a metric, in the order of the input."""
        return dict(zip((*RANK_METRICS, *self._recalls), self._scores, strict=True))


def _positive_ranks(
    ranking: Ranking, similarities: NDArray[np.float64], first: int, relevant: Relevant
) -> tuple[Whole, NDArray[np.bool_]]:
    """Rank the relevant references of queries first, first + 1, ... of one group.

    Args:
        similarities: (q, m), of the queries to all references.

    Returns:
        (q, R) ranks, ascending, as if what ties were relevant first, and (q,) whether it ties with
        what is not.
    """
    queries = np.arange(first, first + len(similarities))
    if isinstance(relevant, slice):
        before, after = similarities[:, : relevant.start], similarities[:, relevant.stop :]
        positives = similarities[:, relevant].copy()
        negatives = np.concatenate((before, after), axis=1)
    else:
        positives, negatives = similarities[:, relevant], similarities[:, ~relevant]
    positives.sort(axis=1)
    if ranking.leave_one_out:
        positives = positives[:, 1:]  # without the query itself
    negatives.sort(axis=1)
    tolerance = ranking.tolerance(queries, positives)

    # Sorting values is several times faster than sorting indices, and ranks need no more: before
    # the j-th positive come j - 1 positives and the negatives that are more similar.
    n_negatives = negatives.shape[1]
    limits = positives + tolerance
    below = np.stack([
        row.searchsorted(limit, "right") for row, limit in zip(negatives, limits, strict=True)
    ])  # fmt: skip
    ties = np.zeros(len(queries), bool)
    if n_negatives:
        nearest = np.take_along_axis(negatives, np.maximum(below - 1, 0), axis=1)
        ties = np.any((below > 0) & (nearest >= positives - tolerance), axis=1)
    above = n_negatives - below[:, ::-1]
    return above + np.arange(1, above.shape[1] + 1), ties


def _scores_of_ranks(ranks: Whole, recalls: Sequence[str]) -> NDArray[np.float64]:
    """Score queries by the (q, R) ascending ranks of their positives: (5 + recalls, q)."""
    n_positives = ranks.shape[1]
    precisions = np.arange(1, n_positives + 1) / ranks
    within_r = ranks <= n_positives
    return np.stack((
        (precisions * within_r).mean(axis=1),
        ranks[:, 0] == 1,
        within_r.mean(axis=1),
        precisions.mean(axis=1),
        1 / ranks[:, 0],
        *recalls_of_ranks(ranks[:, 0], recalls),
    ))  # fmt: skip
