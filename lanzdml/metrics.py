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

Ties are broken against the method: where a reference of another class is exactly as similar as one
of the query's class, the other class comes first. So rank metrics do not depend on the order of the
rows, and an embedding that maps everything to one point gets the lowest score instead of one that
depends on how a file was sorted. Images with equal embeddings are always exactly equally similar.

Sources: Musgrave, Belongie and Lim, "A Metric Learning Reality Check" (ECCV 2020) for MAP@R and
R-precision; the list of seven in section 1 of the appendix of the InDiReCT paper (Kobs, Steininger
and Hotho, WACV 2023); the details as in `AccuracyCalculator` of pytorch-metric-learning 2.9, to
which the tests compare.
"""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from lanzdml.errors import LanzdmlError

METRICS = ("map_at_r", "precision_at_1", "r_precision", "ami", "nmi", "map", "mrr")
RANK_METRICS = ("map_at_r", "precision_at_1", "r_precision", "map", "mrr")

Distance = Literal["cosine", "euclidean"]

# Queries are ranked in chunks. A chunk depends on the number of images alone, never on the number
# of threads, because BLAS may round differently for a different number of rows.
_MAX_CHUNK_QUERIES = 128
_MAX_CHUNK_SIMILARITIES = 2**23  # 32 MiB of float32; a thread holds a few arrays of this size


class MetricsInputError(LanzdmlError, ValueError):
    """The embeddings or labels cannot be evaluated; the message says which and why."""


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
        embeddings: (n, d) array or torch tensor on any device, n >= 2. Evaluated as float32.
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


def cluster_metrics(
    embeddings: Any, labels: Any, *, seed: int = 0, distance: Distance = "cosine"
) -> dict[str, float]:
    """Compute ami and nmi; arguments and errors as in `compute_metrics`.

    The clusters come from one run of Lloyd's k-means from random images as first centres. This is
    the plain kind that the published numbers were made with (faiss), not scikit-learn's default.
    """
    # Only clustering needs scikit-learn, whose import takes longer than ranking a small dataset.
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

    points, classes = _validated(embeddings, labels, distance)
    k_means = KMeans(classes.max() + 1, init="random", n_init=1, max_iter=25, random_state=seed)
    # One thread, because several add up a centre's points in an order that is not fixed.
    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer distinct points than classes is poor but valid: some clusters stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = k_means.fit_predict(points)
    return {
        "ami": float(adjusted_mutual_info_score(classes, clusters)),
        "nmi": float(normalized_mutual_info_score(classes, clusters)),
    }


def query_scores(
    embeddings: Any, labels: Any, *, distance: Distance = "cosine", n_threads: int = 1
) -> dict[str, np.ndarray]:
    """Score every query: (n,) float64 per rank metric, NaN for an image alone in its class.

    Arguments and errors as in `compute_metrics`. Takes O(n² (d + log n)) time, and memory for a
    fixed number of similarities a thread.
    """
    if n_threads < 1:
        raise MetricsInputError(f"n_threads is {n_threads}, but must be at least 1")
    points, classes = _validated(embeddings, labels, distance)
    n = len(points)

    # With the rows sorted by class, the references of a query's class are a slice.
    order = np.argsort(classes, kind="stable")
    points, classes = points[order], classes[order]
    sizes = np.bincount(classes)
    ends = np.cumsum(sizes)
    starts = ends - sizes

    # Similarities are computed to distinct points and then copied to equal ones: BLAS rounds the
    # same product differently in different columns, which would untie equal embeddings.
    distinct, column = _distinct_rows(points)
    queries = points
    if distance == "euclidean":
        # The order of -|q - p|² is that of qp - |p|²/2, one product of extended vectors.
        half_squares = np.einsum("ij,ij->i", distinct, distinct, dtype=np.float64) / 2
        queries = np.column_stack((points, np.ones(n, np.float32)))
        distinct = np.column_stack((distinct, -half_squares.astype(np.float32)))

    scores = np.full((len(RANK_METRICS), n), np.nan)
    size = int(np.clip(_MAX_CHUNK_SIMILARITIES // n, 1, _MAX_CHUNK_QUERIES))

    def score_chunk(first: int) -> None:
        last = min(first + size, n)
        similarities = queries[first:last] @ distinct.T
        if len(distinct) < n:
            similarities = similarities[:, column]
        for label in range(classes[first], classes[last - 1] + 1):
            start, end = starts[label], ends[label]
            if end - start > 1:
                low, high = max(first, start), min(last, end)
                ranks = _positive_ranks(similarities[low - first : high - first], low, start, end)
                scores[:, order[low:high]] = _scores_of_ranks(ranks)

    # NumPy releases the interpreter's lock while it multiplies and sorts.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(score_chunk, range(0, n, size)):  # raises what a chunk raised
            pass
    return dict(zip(RANK_METRICS, scores, strict=True))


def _positive_ranks(similarities: np.ndarray, first: int, start: int, end: int) -> np.ndarray:
    """Rank the references of the class start:end for its queries first, first + 1, ...

    Args:
        similarities: (m, n), of the m queries to all rows, themselves included.

    Returns:
        (m, end - start - 1) ranks, ascending.
    """
    rows = np.arange(len(similarities))
    positives = similarities[:, start:end].copy()
    positives[rows, first - start + rows] = np.inf  # the query itself: sorted last, then dropped
    positives.sort(axis=1)
    positives = positives[:, :-1]
    negatives = np.concatenate((similarities[:, :start], similarities[:, end:]), axis=1)
    negatives.sort(axis=1)

    # Sorting values is several times faster than sorting indices, and ranks need no more: before
    # the j-th positive come j - 1 positives and the negatives that are as similar or more so.
    below = np.stack([row.searchsorted(v) for row, v in zip(negatives, positives, strict=True)])
    before = negatives.shape[1] - below[:, ::-1]
    return before + np.arange(1, before.shape[1] + 1)


def _scores_of_ranks(ranks: np.ndarray) -> np.ndarray:
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


def _distinct_rows(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows, (k, d), and for each row the index of its equal, (n,).

    Rows that are all distinct keep their order.
    """
    n = len(points)
    # Comparing rows as bytes is many times faster than np.unique(axis=0).
    as_bytes = points.view(np.dtype((np.void, points[0].nbytes))).ravel()
    _, kept, inverse = np.unique(as_bytes, return_index=True, return_inverse=True)
    if len(kept) == n:
        return points, np.arange(n)
    return points[kept], inverse


def _validated(embeddings: Any, labels: Any, distance: Distance) -> tuple[np.ndarray, np.ndarray]:
    """Check the input and return (n, d) float32 points and (n,) classes 0, 1, ...

    For cosine the points have unit length (or are zero), for euclidean they are scaled and moved
    together, which no metric sees. Equal embeddings stay equal to the bit.
    """
    if distance not in get_args(Distance):
        allowed = " or ".join(get_args(Distance))
        raise MetricsInputError(f"distance is {distance!r}, but must be {allowed}")
    points = _as_float32(embeddings)
    classes = _as_classes(labels, len(points))
    if distance == "cosine":
        norms = np.sqrt(np.einsum("ij,ij->i", points, points, dtype=np.float64))[:, None]
        np.divide(points, norms, out=points, where=norms > 0)
    else:
        # Distances keep their order under scaling and moving, float32 products do not: values
        # are scaled to at most 1 and moved to the middle. A power of two and a median, unlike a
        # standard deviation and a mean, keep whole numbers exact and so their ties.
        np.ldexp(points, -np.frexp(np.abs(points).max())[1], out=points)
        points -= np.partition(points, len(points) // 2, axis=0)[len(points) // 2]
    points += 0.0  # -0.0 becomes 0.0: equal numbers are to be equal bytes
    return points, classes


def _as_float32(embeddings: Any) -> np.ndarray:
    if hasattr(embeddings, "detach"):  # a torch tensor; torch itself is slow to import
        embeddings = embeddings.detach().float().cpu().numpy()
    with np.errstate(over="ignore"):
        points = np.array(embeddings, dtype=np.float32, order="C")
    if points.ndim != 2 or points.shape[1] == 0:
        raise MetricsInputError(
            f"embeddings have shape {points.shape}, but must be (images, dimensions)"
        )
    if len(points) < 2:
        raise MetricsInputError(f"metrics need at least two images, but there are {len(points)}")
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise MetricsInputError(
            f"embeddings must be finite float32 numbers, but {np.sum(~finite)} of {len(points)} "
            f"rows are not; the first is row {np.argmin(finite)}"
        )
    return points


def _as_classes(labels: Any, n: int) -> np.ndarray:
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    if getattr(labels, "ndim", 1) != 1:
        raise MetricsInputError(f"labels have shape {tuple(labels.shape)}, but must be one a row")
    classes, _ = pd.factorize(pd.Series(labels))
    if len(classes) != n:
        raise MetricsInputError(f"there are {len(classes)} labels, but {n} embeddings")
    null = classes < 0
    if null.any():
        raise MetricsInputError(
            f"{null.sum()} of {n} labels are null, the first in row {np.argmax(null)}; "
            "leave images without a label out"
        )
    return classes
