"""Metrics of clusters: how well k-means finds the classes, and how far these lie apart.

With Y the classes and C the clusters of k-means, as many as there are classes,

    nmi                  I(Y, C) / mean(H(Y), H(C))
    ami                  (I(Y, C) - E[I]) / (mean(H(Y), H(C)) - E[I])
    homogeneity          I(Y, C) / H(Y)
    clustering_accuracy  the share of images in the cluster that stands for their class
    ari                  (S - E[S]) / ((S_Y + S_C) / 2 - E[S])

where I is the mutual information, H the entropy and E[I] the mutual information expected of random
clusters of the same sizes; where each class has at most one cluster and each cluster one class, by
the assignment that is right for the most images (the Hungarian method); and where S is the number
of pairs of images that are together in both, S_Y and S_C those that are together in one of them,
and E[S] = S_Y S_C / (all pairs). Where clusters depend on how k-means starts, several starts can be
averaged.

Each pass of k-means takes time for every image, centre and dimension. For very many images and
classes there is mini-batch k-means, which moves the centres after each batch of images that are
drawn at random, and stops when batches bring no more. Its clusters are others, and mostly somewhat
worse, so that metrics of the two kinds are not to be compared.

The silhouette needs no clusters. It is the mean over images of (b - a) / max(a, b), with a the mean
distance to the other images of the class and b that to the images of the nearest other class, in
the distance of the neighbours: 1 - cosine, or the Euclidean one. It is 0 for an image that is alone
in its class, or as near to another one.

Sources: for ami and nmi see `lanzdml.metrics.scores`; for the Hungarian method Kuhn (1955), and
Yang et al., "Image Clustering Using Local Discriminant Models and Global Integration" (2010) for
the accuracy by it; Hubert and Arabie, "Comparing Partitions" (1985) for ari; Rosenberg and
Hirschberg, "V-Measure" (2007) for homogeneity; Rousseeuw, "Silhouettes" (1987); Sculley,
"Web-Scale K-Means Clustering" (WWW 2010) for mini-batches.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lanzdml.arithmetic.threads import Held, one_blas_thread
from lanzdml.metrics.ranking import Distance, validated
from lanzdml.metrics.relevance import MetricsInputError

CLUSTER_METRICS = ("ami", "nmi")
MORE_CLUSTER_METRICS = ("clustering_accuracy", "ari", "homogeneity")
OF_KMEANS = (*CLUSTER_METRICS, *MORE_CLUSTER_METRICS)
"""All metrics of the clusters of k-means, so those that depend on how it starts."""
SILHOUETTE = "silhouette"

_MAX_DISTANCES = 2**22  # 32 MiB of float64; a few arrays of this size
_LEAST_ROWS = 32  # of more than 2**17 images, as in lanzdml.metrics.ranking


def cluster_metrics(
    embeddings: Any,
    labels: Any,
    *,
    seed: int = 0,
    distance: Distance = "cosine",
    metrics: Iterable[str] = CLUSTER_METRICS,
    repeats: int = 1,
    batch_size: int | None = None,
) -> dict[str, float]:
    """Compute metrics of the clusters of k-means.

    Clusters have no classes to agree with where images have several values: all are NaN.

    Each start is one run of Lloyd's k-means from random images as first centres. This is the plain
    kind that the published numbers were made with (faiss), not scikit-learn's default.

    Args:
        embeddings, labels, seed, distance: as in `lanzdml.metrics.compute_metrics`.
        metrics: those of `OF_KMEANS` are computed, others left out.
        repeats: how many starts are averaged. The first has the seed itself.
        batch_size: images a batch of mini-batch k-means, which passes over the images as often at
            the most; None for k-means of all at once.

    Returns:
        by the metric's name, in the order given.

    Raises:
        MetricsInputError: as `lanzdml.metrics.compute_metrics`.
    """
    if repeats < 1:
        raise MetricsInputError(f"kmeans_repeats is {repeats}, but must be at least 1")
    if batch_size is not None and batch_size < 1:
        raise MetricsInputError(f"kmeans_batch_size is {batch_size}, but must be at least 1")
    points, relevance = validated(embeddings, labels, distance)
    of_clusters = _of_clusters()
    scorers = {name: of_clusters[name] for name in metrics if name in of_clusters}
    if not relevance.is_single:
        return dict.fromkeys(scorers, float("nan"))
    classes = relevance.groups
    values: list[list[float]] = []
    for start in _starts(seed, repeats):
        k_means = new_k_means(int(classes.max()) + 1, start, batch_size)
        if batch_size is None:
            # Points that are moved in place, and back, are no longer the same to the last bit.
            k_means.set_params(copy_x=repeats > 1)
        # One thread, because several add up a centre's points in an order that is not fixed; OpenMP
        # has a number for each thread.
        one_thread = threadpool_limits(1, user_api="openmp")
        with one_blas_thread(), one_thread, _silent_about_empty_clusters():
            clusters = k_means.fit_predict(points)
        values.append([score(classes, clusters) for score in scorers.values()])
    means = np.mean(values, axis=0)
    return dict(zip(scorers, means.tolist(), strict=True))


def new_k_means(n_clusters: int, seed: int, batch_size: int | None) -> Any:
    """What clusters points, not fitted yet: see :func:`cluster_metrics`."""
    # Only clustering needs scikit-learn, whose import takes longer than ranking a small dataset.
    from sklearn.cluster import KMeans, MiniBatchKMeans

    plain = {"init": "random", "n_init": 1, "max_iter": 25, "random_state": seed}
    if batch_size is None:
        return KMeans(n_clusters, **plain)
    return MiniBatchKMeans(n_clusters, batch_size=batch_size, **plain)


def _starts(seed: int, repeats: int) -> list[int]:
    """The seeds of several starts, of which no two runs with other seeds share one."""
    others = (np.random.SeedSequence([seed, i]) for i in range(1, repeats))
    return [seed, *(int(other.generate_state(1)[0]) for other in others)]


_Score = Callable[[NDArray[np.intp], NDArray[np.integer]], float]


def _of_clusters() -> dict[str, _Score]:
    """The metrics of classes and clusters, by name."""
    from sklearn import metrics

    return {
        "ami": metrics.adjusted_mutual_info_score,
        "nmi": metrics.normalized_mutual_info_score,
        "clustering_accuracy": _accuracy,
        "ari": metrics.adjusted_rand_score,
        "homogeneity": metrics.homogeneity_score,
    }


def _accuracy(classes: NDArray[np.intp], clusters: NDArray[np.integer]) -> float:
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    counts = contingency_matrix(classes, clusters)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(classes))


def _ignore_empty_clusters() -> Callable[[], None]:
    from sklearn.exceptions import ConvergenceWarning

    filters = warnings.catch_warnings()
    filters.__enter__()
    # Fewer distinct points than classes is poor but valid: some clusters stay empty.
    warnings.simplefilter("ignore", ConvergenceWarning)
    return lambda: filters.__exit__(None, None, None)


# Filters are the process', too.
_silent_about_empty_clusters = Held(_ignore_empty_clusters)


def silhouette(embeddings: Any, labels: Any, *, distance: Distance = "cosine") -> float:
    """The mean silhouette of the images by their classes.

    That of scikit-learn, whose distances between equal vectors are rounding and not 0, so that
    classes that fall into one point would have silhouettes of noise.

    Arguments and errors as in `lanzdml.metrics.compute_metrics`. Takes O(n² d) time, and memory for
    a fixed number of distances.

    Returns:
        in [-1, 1]; NaN where there is one class, where all images are alone in theirs, or where one
        has several values.
    """
    points, relevance = validated(embeddings, labels, distance)
    classes = relevance.groups
    sizes = np.bincount(classes)
    if not relevance.is_single or not 1 < len(sizes) < len(classes):
        return float("nan")
    order = np.argsort(classes, kind="stable")
    points, classes = points[order], classes[order]
    starts = np.cumsum(sizes) - sizes
    squares = np.einsum("ij,ij->i", points, points)
    n = len(points)
    of_images: list[NDArray[np.float64]] = []
    with one_blas_thread():
        size = max(_LEAST_ROWS, _MAX_DISTANCES // n)
        for first in range(0, n, size):
            rows = slice(first, min(first + size, n))
            distances = _distances(points, squares, rows, distance)
            to_class = np.add.reduceat(distances, starts, axis=1)
            of_images.append(_silhouettes(to_class, classes[rows], sizes))
    return float(np.concatenate(of_images).mean())


def _silhouettes(
    to_class: NDArray[np.float64], classes: NDArray[np.intp], sizes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Of images of classes (m,) by their sums of distances to those of each class, (m, k)."""
    own = np.arange(len(classes)), classes
    a = to_class[own] / np.maximum(sizes[classes] - 1, 1)
    to_class /= sizes
    to_class[own] = np.inf
    b = to_class.min(axis=1)
    largest = np.maximum(a, b)
    of_image = np.divide(b - a, largest, out=np.zeros(len(a)), where=largest > 0)
    return np.where(sizes[classes] > 1, of_image, 0.0)


def _distances(
    points: NDArray[np.float64], squares: NDArray[np.float64], rows: slice, distance: Distance
) -> NDArray[np.float64]:
    """Of some images to all, 0 to themselves and where float64 cannot tell them apart: (m, n)."""
    products = points[rows] @ points.T
    if distance == "cosine":
        far, largest = 1 - products, np.ones(1)
    else:
        largest = squares[rows, None] + squares
        far = largest - 2 * products
    # Rounding moves a product of d terms by some √d units.
    unit = (4 + np.sqrt(points.shape[1])) * np.finfo(np.float64).eps
    far[far <= unit * largest] = 0.0
    far[np.arange(len(far)), np.arange(rows.start, rows.stop)] = 0.0
    return far if distance == "cosine" else np.sqrt(far)
