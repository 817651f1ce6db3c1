"""Who is near whom: similarities of images in float64, and which of them tie.

A ranking is only as good as its similarities. Vectors of few dimensions, in a narrow cone or close
to one another have cosines that differ by less than float32 can tell, and there chance decides. So
all of it is float64, and what float64 cannot tell apart counts as a tie: similarities that differ
by no more than rounding may have moved them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lanzdml.arithmetic.arrays import as_array
from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.metrics.relevance import MetricsInputError, Relevance, as_queries

Distance = Literal["cosine", "euclidean"]
Whole = NDArray[np.integer]  # positions, or numbers of images
Relevant = slice | NDArray[np.bool_]  # of references, where these lie or whether they are

# Queries are ranked in chunks, and sums over them are made in blocks of whole chunks. Both depend
# on the numbers of images alone, never on those of threads or shards: BLAS may round differently
# for another number of rows, and sums do for another order.
_MAX_CHUNK_QUERIES = 128
_MAX_CHUNK_SIMILARITIES = 2**22  # 32 MiB of float64; a thread holds a few arrays of this size
# From 2**17 references on, chunks are of more similarities: a product of fewer rows takes up to
# four times as long, as it waits for the references. They are fewer numbers than these, all the
# same.
_MIN_CHUNK_QUERIES = 32
MOST_BLOCKS = 2**12


class Ranking:
    """References as queries rank them.

    Queries and references are sorted by the groups of their labels, so that what is relevant to a
    group's queries is a slice of the references, where each image has one label.

    Args:
        embeddings: (n, d) array or torch tensor on any device, n >= 2.
        labels: (n,) array, series, tensor or list of labels, none of them null.
        distance: what is near: "cosine", by which zero vectors are equally far from all, or
            "euclidean".
        queries: (n,) which images are queries, to the others only; each to all others unless given.

    Attributes:
        queries: (q,), the input's row of each query here.
        references: (m,), the input's row of each reference here.
        leave_one_out: whether each image is both, and then the same number here.

    Raises:
        MetricsInputError: as `lanzdml.metrics.scores.compute_metrics`.
    """

    def __init__(
        self, embeddings: Any, labels: Any, distance: Distance, queries: Any = None
    ) -> None:
        points, relevance = validated(embeddings, labels, distance)
        is_query = as_queries(queries, len(points))
        order = np.argsort(relevance.groups, kind="stable")
        self.leave_one_out = is_query is None
        self.queries = order if is_query is None else order[is_query[order]]
        self.references = order if is_query is None else order[~is_query[order]]
        self._relevance = relevance
        self._groups = relevance.groups[self.queries]
        self._of_references = relevance.groups[self.references]
        sizes = np.bincount(self._of_references, minlength=relevance.n_groups)
        self._ends = np.cumsum(sizes)
        self._starts = self._ends - sizes
        squares = np.einsum("ij,ij->i", points, points)
        self._points = points[self.references]
        self._query_points = self._points if self.leave_one_out else points[self.queries]
        # The order of -|q - p|² is that of qp - |p|²/2.
        self._half_squares = squares[self.references] / 2 if distance == "euclidean" else None
        # Rounding moves a product of d terms by some √d units, in proportion to the lengths of both
        # vectors. Where p is much longer than q, |p|²/2 is about the similarity itself.
        self._unit = (4 + np.sqrt(points.shape[1])) * np.finfo(np.float64).epsneg
        self._squares = squares[self.queries]

    @property
    def n_images(self) -> int:
        """How many images there are, of both kinds."""
        together = 0 if self.leave_one_out else len(self.references)
        return len(self.queries) + together

    @property
    def n_others(self) -> int:
        """How many references a query ranks."""
        return len(self.references) - self.leave_one_out

    def n_relevant(self) -> NDArray[np.int64]:
        """How many references are relevant to each query (q,), itself among them if it is one."""
        n_queries = np.bincount(self._groups, minlength=len(self._ends))
        counts = np.zeros(len(self._ends), np.int64)
        for group in np.flatnonzero(n_queries):
            counts[group] = np.sum((self._ends - self._starts)[self._relevance.sharing(int(group))])
        return counts[self._groups]

    def similarities(self, first: int, last: int) -> NDArray[np.float64]:
        """Of the queries first, ..., last - 1 to all references: (q, m).

        That of a query to itself is minus infinity: it comes last, and is no reference.
        """
        similarities = self._query_points[first:last] @ self._points.T
        if self._half_squares is not None:
            similarities -= self._half_squares
        if self.leave_one_out:
            np.fill_diagonal(similarities[:, first:last], -np.inf)
        return similarities

    def tolerance(self, queries: Whole, similarities: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much two similarities may differ and tie.

        Args:
            queries: (q,) whose they are.
            similarities: (q, k).
        """
        return self._unit * (self._squares[queries][:, None] + np.abs(similarities))

    def opens_block(self, queries: Whole, similarities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which similarities (q, k) to queries (q,), sorted, do not tie with the one before."""
        opens = np.ones(similarities.shape, bool)
        before = similarities[:, :-1]
        opens[:, 1:] = before - similarities[:, 1:] > self.tolerance(queries, before)
        return opens

    @property
    def _chunk(self) -> int:
        """How many queries are ranked at once."""
        most = _MAX_CHUNK_SIMILARITIES // len(self.references)
        return int(np.clip(most, _MIN_CHUNK_QUERIES, _MAX_CHUNK_QUERIES))

    @cached_property
    def blocks(self) -> NDArray[np.intp]:
        """The first query of each block, and then how many there are: (blocks + 1,).

        A block is a chunk of queries, unless there are more than `MOST_BLOCKS` of these, and then
        it is several.
        """
        n = len(self.queries)
        n_chunks = -(-n // self._chunk)
        n_blocks = min(n_chunks, MOST_BLOCKS)
        return np.minimum(np.arange(n_blocks + 1) * n_chunks // n_blocks * self._chunk, n)

    @property
    def has_long_blocks(self) -> bool:
        """Whether a block is more than a chunk."""
        return len(self.queries) > MOST_BLOCKS * self._chunk

    def shard(self, number: int, shards: int) -> range:
        """The blocks of one of several shards, from 1: as even as whole blocks allow.

        Where there are fewer blocks than shards, some shards have none.
        """
        n_blocks = len(self.blocks) - 1
        return range((number - 1) * n_blocks // shards, number * n_blocks // shards)

    def by_group(
        self,
        score: Callable[[NDArray[np.float64], int, Relevant], None],
        n_threads: int,
        progress: Callable[[int], object] = lambda n: None,
        blocks: range | None = None,
    ) -> None:
        """Call ``score`` with the similarities (q, m) of q queries of one group, all in turn.

        Its other arguments are the first of these queries and their relevant references, themselves
        included where they are references. Queries to which none is relevant are left out. Those of
        a block come one after the other, all in one thread. Memory is that for some similarities a
        thread: a fixed number, or those of 32 queries. ``progress`` is called with how many more
        queries are done. ``blocks`` are those of a :meth:`shard`; all unless given.
        """
        bounds = self.blocks
        chosen = range(len(bounds) - 1) if blocks is None else blocks

        def score_chunk(first: int, last: int) -> None:
            similarities = self.similarities(first, last)
            groups = self._groups[first:last]
            bounds = [0, *(np.flatnonzero(np.diff(groups)) + 1), last - first]
            for low, high in pairwise(bounds):
                if (relevant := self._relevant(groups[low])) is not None:
                    score(similarities[low:high], first + low, relevant)
            progress(last - first)

        def score_some(thread: int) -> None:
            with one_blas_thread():
                for block in chosen[thread::n_threads]:
                    end = int(bounds[block + 1])
                    for first in range(int(bounds[block]), end, self._chunk):
                        score_chunk(first, min(first + self._chunk, end))

        # NumPy releases the interpreter's lock while it multiplies and sorts.
        with ThreadPoolExecutor(n_threads) as pool:
            for _ in pool.map(score_some, range(n_threads)):  # raises what a thread raised
                pass

    def _relevant(self, group: int) -> Relevant | None:
        """What is relevant to a group's queries; None where nothing is but a query itself."""
        if self._relevance.is_single:
            start, end = int(self._starts[group]), int(self._ends[group])
            return slice(start, end) if end - start > self.leave_one_out else None
        relevant = self._relevance.sharing(group)[self._of_references]
        return relevant if np.count_nonzero(relevant) > self.leave_one_out else None


def are_relevant(references: Whole, relevant: Relevant) -> NDArray[np.bool_]:
    """Which of some references are relevant; of any shape."""
    if isinstance(relevant, slice):
        return (relevant.start <= references) & (references < relevant.stop)
    return relevant[references]


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
) -> tuple[NDArray[np.float64], Relevance]:
    """Check the input and return (n, d) points and which of them agree.

    For cosine the points have unit length (or are zero), for euclidean they are scaled and moved
    together, which no metric sees.

    Raises:
        MetricsInputError: as `lanzdml.metrics.scores.compute_metrics`.
    """
    if distance not in get_args(Distance):
        allowed = " or ".join(get_args(Distance))
        raise MetricsInputError(f"distance is {distance!r}, but must be {allowed}")
    points = _as_float64(embeddings)
    relevance = Relevance.of(labels)
    if len(relevance.groups) != len(points):
        raise MetricsInputError(
            f"there are {len(relevance.groups)} labels, but {len(points)} embeddings"
        )
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
    return points, relevance


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
