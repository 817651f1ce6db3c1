"""Who is near whom: similarities of images in float64, and which of them tie.

A ranking is only as good as its similarities. Vectors of few dimensions, in a narrow cone or close
to one another have cosines that differ by less than float32 can tell, and there chance decides. So
all of it is float64, and what float64 cannot tell apart counts as a tie: similarities that differ
by no more than rounding may have moved them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.arrays import as_array
from lanzdml.arithmetic.labels import as_labels
from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.errors import LanzdmlError

Distance = Literal["cosine", "euclidean"]
Whole = NDArray[np.integer]  # positions, or numbers of images

# Queries are ranked in chunks. A chunk depends on the number of images alone, never on the number
# of threads, because BLAS may round differently for a different number of rows.
_MAX_CHUNK_QUERIES = 128
_MAX_CHUNK_SIMILARITIES = 2**22  # 32 MiB of float64; a thread holds a few arrays of this size


class MetricsInputError(LanzdmlError, ValueError):
    """The embeddings or labels cannot be evaluated; the message says which and why."""


class Ranking:
    """Images as queries of one another.

    They are sorted by class, so that the references of a query's class are a slice.

    Args:
        embeddings: (n, d) array or torch tensor on any device, n >= 2.
        labels: (n,) array, series, tensor or list of hashable labels, none of them null.
        distance: what is near: "cosine", by which zero vectors are equally far from all, or
            "euclidean".

    Attributes:
        order: (n,), the input's row of each image here.
        classes: (n,), 0, 1, ... ascending.
        starts, ends: (classes,), the slice of each class.

    Raises:
        MetricsInputError: as `lanzdml.metrics.scores.compute_metrics`.
    """

    def __init__(self, embeddings: Any, labels: Any, distance: Distance) -> None:
        points, classes = validated(embeddings, labels, distance)
        self.order = np.argsort(classes, kind="stable")
        self.classes = classes[self.order]
        sizes = np.bincount(classes)
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self._points = points[self.order]
        squares = np.einsum("ij,ij->i", self._points, self._points)
        # The order of -|q - p|² is that of qp - |p|²/2.
        self._half_squares = squares / 2 if distance == "euclidean" else None
        # Rounding moves a product of d terms by some √d units, in proportion to the lengths of both
        # vectors. Where p is much longer than q, |p|²/2 is about the similarity itself.
        self._unit = (4 + np.sqrt(points.shape[1])) * np.finfo(np.float64).epsneg
        self._squares = squares

    def __len__(self) -> int:
        return len(self.order)

    def similarities(self, first: int, last: int) -> NDArray[np.float64]:
        """Of the queries first, ..., last - 1 to all images, themselves included: (m, n)."""
        similarities = self._points[first:last] @ self._points.T
        if self._half_squares is not None:
            similarities -= self._half_squares
        return similarities

    def tolerance(self, queries: Whole, similarities: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much two similarities may differ and tie.

        Args:
            queries: (m,) whose they are.
            similarities: (m, k).
        """
        return self._unit * (self._squares[queries][:, None] + np.abs(similarities))

    def opens_block(self, queries: Whole, similarities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which similarities (m, k) to queries (m,), sorted, do not tie with the one before."""
        opens = np.ones(similarities.shape, bool)
        before = similarities[:, :-1]
        opens[:, 1:] = before - similarities[:, 1:] > self.tolerance(queries, before)
        return opens

    def by_class(
        self,
        score: Callable[[NDArray[np.float64], int, int], None],
        n_threads: int,
        progress: Callable[[int], object] = lambda n: None,
    ) -> None:
        """Call ``score`` with the similarities (m, n) of m queries of one class, all in turn.

        Its other arguments are the first of these queries and their class; it may overwrite the
        similarities. Classes of one image are left out. Memory is that for a fixed number of
        similarities a thread. ``progress`` is called with how many more images are done.
        """
        n = len(self)
        size = int(np.clip(_MAX_CHUNK_SIMILARITIES // n, 1, _MAX_CHUNK_QUERIES))

        def score_chunk(first: int) -> None:
            last = min(first + size, n)
            similarities = self.similarities(first, last)
            for label in range(self.classes[first], self.classes[last - 1] + 1):
                start, end = self.starts[label], self.ends[label]
                if end - start > 1:
                    low, high = max(first, start), min(last, end)
                    score(similarities[low - first : high - first], low, label)
            progress(last - first)

        def score_some(thread: int) -> None:
            with one_blas_thread():
                for first in range(thread * size, n, n_threads * size):
                    score_chunk(first)

        # NumPy releases the interpreter's lock while it multiplies and sorts.
        with ThreadPoolExecutor(n_threads) as pool:
            for _ in pool.map(score_some, range(n_threads)):  # raises what a thread raised
                pass


def expected_precisions(c: Whole, h: Whole, T: Whole, P: Whole, K: Whole) -> NDArray[np.float64]:
    """What blocks of references that tie add to a sum of precisions, over all orders of each.

    The formula is said in `lanzdml.metrics.scores`; a sum of 1 / (c + k) is a difference of
    harmonic numbers.

    Args:
        c, h: how many references come before the block, and how many of these are of the class.
        T, P: how many it holds, and how many of these are of the class.
        K: how many of its places count.
    """
    up_to = np.append(0.0, np.cumsum(1 / np.arange(1, 1 + np.max(c + K, initial=0))))
    inverses = up_to[c + K] - up_to[c]
    if (P == T).all():  # only copies of one image tie, or those of one class
        return K + (h - c) * inverses
    slope = np.where(T == 1, 1.0, (P - 1) / np.maximum(T - 1, 1))
    return P / np.maximum(T, 1) * (slope * K + (h + 1 - slope - slope * c) * inverses)


def validated(
    embeddings: Any, labels: Any, distance: Distance
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Check the input and return (n, d) points and (n,) classes 0, 1, ...

    For cosine the points have unit length (or are zero), for euclidean they are scaled and moved
    together, which no metric sees.

    Raises:
        MetricsInputError: as `lanzdml.metrics.scores.compute_metrics`.
    """
    if distance not in get_args(Distance):
        allowed = " or ".join(get_args(Distance))
        raise MetricsInputError(f"distance is {distance!r}, but must be {allowed}")
    points = _as_float64(embeddings)
    classes = _as_classes(labels, len(points))
    # By powers of two, which round nothing: the squares of the smallest would vanish otherwise.
    if distance == "cosine":
        np.ldexp(points, -np.frexp(_largest(points))[1][:, None], out=points)
        norms = np.sqrt(np.einsum("ij,ij->i", points, points))[:, None]
        np.divide(points, norms, out=points, where=norms > 0)
    else:
        # Distances keep their order under scaling and moving, rounded products do not: values
        # are scaled to at most 1 and moved to the middle. A power of two and a median, unlike a
        # standard deviation and a mean, keep whole numbers exact and so their ties.
        np.ldexp(points, -np.frexp(_largest(points).max())[1], out=points)
        points -= np.partition(points, len(points) // 2, axis=0)[len(points) // 2]
    return points, classes


def _as_float64(embeddings: Any) -> NDArray[np.float64]:
    try:
        points = np.array(as_array(embeddings), dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise MetricsInputError(f"embeddings must be a matrix of numbers: {error}") from None
    if points.ndim != 2 or points.shape[1] == 0:
        raise MetricsInputError(
            f"embeddings have shape {points.shape}, but must be (images, dimensions)"
        )
    if len(points) < 2:
        raise MetricsInputError(f"metrics need at least two images, but there are {len(points)}")
    finite = _largest(points) <= np.finfo(np.float32).max  # NaN is not
    if not finite.all():
        raise MetricsInputError(
            f"embeddings must be finite numbers of float32's range, but {np.sum(~finite)} of "
            f"{len(points)} rows are not; the first is row {np.argmin(finite)}"
        )
    return points


def _largest(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest absolute value of each row, without an array as large as they are."""
    return np.maximum(points.max(axis=1), -points.min(axis=1))


def _as_classes(labels: Any, n: int) -> NDArray[np.intp]:
    try:
        classes, _ = pd.factorize(as_labels(labels))
    except (TypeError, ValueError) as error:
        raise MetricsInputError(str(error)) from None
    if len(classes) != n:
        raise MetricsInputError(f"there are {len(classes)} labels, but {n} embeddings")
    null = classes < 0
    if null.any():
        raise MetricsInputError(
            f"{null.sum()} of {n} labels are null, the first in row {np.argmax(null)}; "
            "leave images without a label out"
        )
    return classes
