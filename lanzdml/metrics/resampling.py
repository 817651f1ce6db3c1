"""What metrics would be on other images: collections that are drawn from the images at hand.

Images are drawn with replacement, as many as there are, and scored anew, each as a query and as a
reference to the others, or as what it is where some are queries and the others their gallery. In a
draw that holds image i w_i times, a query counts w_i times, its own copies are left out, a
reference j is there w_j times, and R is how many references of the query's class there are. Copies
of an image tie, and so do images that tie anyway, as said in `lanzdml.metrics.scores`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.metrics.ranking import (
    Distance,
    Ranking,
    Relevant,
    Whole,
    are_relevant,
    expected_precisions,
)

N_DRAWS, FEWEST_DRAWS = 300, 100
"""Enough to know a standard deviation to 4 %, and to 7 % where classes are large."""
RESAMPLED = ("map_at_r", "precision_at_1")
_SEED = 0
_MOST_NUMBERS = 2**15  # of an image near a query in a draw, at a time
_MOST_WORK = 2**30  # such numbers in all, some ten seconds of them


def draw_weights(n: int, n_draws: int = N_DRAWS) -> NDArray[np.int32]:
    """How often each of n images is in each draw: (n, n_draws), the same for the same numbers."""
    rng = np.random.default_rng(_SEED)
    weights = np.empty((n, n_draws), np.int32)
    chances = np.full(n, 1 / n)
    for draw in range(n_draws):  # as all at once, which take twice as many bytes
        weights[:, draw] = rng.multinomial(n, chances)
    return weights


def affordable_draws(n_relevant: NDArray[np.integer]) -> int:
    """How many draws there are for queries of so many relevant references."""
    return int(np.clip(_MOST_WORK // max(n_relevant.sum(), 1), FEWEST_DRAWS, N_DRAWS))


def resampled_scores(
    embeddings: Any,
    labels: Any,
    *,
    distance: Distance = "cosine",
    queries: Any = None,
    n_draws: int | None = None,
    n_threads: int = 1,
) -> dict[str, NDArray[np.float64]]:
    """The metrics of `RESAMPLED` on collections drawn from the images: (n_draws,) each.

    Draws depend on the number of images alone, and how many they are on the sizes of the classes
    unless it is said: two methods' vectors of the same images are scored on the same draws.
    Arguments and errors as in `lanzdml.metrics.scores.compute_metrics`. A draw in which no image
    has another of its class is NaN. Beside the ranking it takes time for each query, draw and image
    of the query's class.
    """
    ranking = Ranking(embeddings, labels, distance, queries)
    draws = Draws(ranking, n_draws)
    ranking.by_group(draws.add, n_threads)
    return scores_of_draws(draws.sums)


class Draws:
    """Sums of scores of drawn collections, added by :meth:`Ranking.by_group`.

    Args:
        ranking: of the images.
        n_draws: how many; what is affordable unless given.
    """

    def __init__(self, ranking: Ranking, n_draws: int | None) -> None:
        self._ranking = ranking
        n_draws = n_draws or affordable_draws(ranking.n_relevant())
        weights = draw_weights(ranking.n_images, n_draws)
        self._of_queries = weights[ranking.queries]
        self._of_references = (
            self._of_queries if ranking.leave_one_out else weights[ranking.references]
        )
        # By the first query of a block, or of a call where blocks are short: added up in that
        # order, whatever threads and shards there are.
        self._sums: dict[int, NDArray[np.float64]] = {}

    def add(self, similarities: NDArray[np.float64], first: int, relevant: Relevant) -> None:
        """Score some queries of a group in each draw; similarities are (q, m)."""
        ranking, weights = self._ranking, self._of_references
        of_group = weights[relevant].sum(axis=0)
        n_draws, largest = len(of_group), int(of_group.max())
        # Some draws at a time, so that what is computed of them stays in a core's cache.
        width = int(np.clip(_MOST_NUMBERS // (largest + 1), 8, n_draws))
        blocks = [slice(start, start + width) for start in range(0, n_draws, width)]
        sums = self._sums.setdefault(self._start(first), np.zeros((len(RESAMPLED) + 1, n_draws)))
        for query, row in enumerate(similarities, start=first):
            times = self._of_queries[query]
            R = of_group - times if ranking.leave_one_out else of_group  # without its own copies
            nearest = _nearest(ranking, row, query, weights, R.max())
            opens = ranking.opens_block(np.array([query]), row[nearest][None])[0]
            positive = are_relevant(nearest, relevant)
            counted = times * (R > 0)
            sums[-1] += counted
            drawn = weights[nearest]
            for block in blocks:
                of_block = np.ascontiguousarray(drawn[:, block])
                sums[:-1, block] += counted[block] * _scores(of_block, positive, opens, R[block])

    def _start(self, first: int) -> int:
        if not self._ranking.has_long_blocks:
            return first
        blocks = self._ranking.blocks
        return int(blocks[np.searchsorted(blocks, first, "right") - 1])

    @property
    def sums(self) -> NDArray[np.float64]:
        """(k, 3, n_draws): of k parts of the queries in order, of `RESAMPLED` and how many."""
        none = np.zeros((0, len(RESAMPLED) + 1, self._of_queries.shape[1]))
        return np.concatenate((none, [self._sums[first] for first in sorted(self._sums)] or none))


def scores_of_draws(sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """(n_draws,) a metric of `RESAMPLED`, of :attr:`Draws.sums`."""
    total = sum(sums, np.zeros(sums.shape[1:]))
    with np.errstate(invalid="ignore"):
        return dict(zip(RESAMPLED, total[:-1] / total[-1], strict=True))


def _scores(
    T: Whole, positive: NDArray[np.bool_], opens: NDArray[np.bool_], R: Whole
) -> NDArray[np.float64]:
    """A query's scores in each draw, (2, n_draws), as RESAMPLED; 0 where R is 0.

    Args:
        T: (k, n_draws), how often each of its nearest images is there, the nearest first.
        positive: (k,), whether they are of the query's class.
        opens: (k,), whether they do not tie with the one before.
        R: (n_draws,).
    """
    P = T * positive[:, None]
    if not opens.all():
        blocks = np.flatnonzero(opens)
        T, P = np.add.reduceat(T, blocks, axis=0), np.add.reduceat(P, blocks, axis=0)
        positive = np.logical_or.reduceat(positive, blocks)
    c: Whole = np.cumsum(T, axis=0, dtype=np.int32) - T
    h: Whole = np.cumsum(P, axis=0, dtype=np.int32) - P
    top = 16
    while top < len(c) and not c[top].all():
        top *= 2
    is_first = (c[:top] == 0) & (T[:top] > 0)
    at_1 = (P[:top] / np.maximum(T[:top], 1) * is_first).sum(axis=0)

    # Blocks without one of the class add nothing.
    c, h, T, P = (array[positive] for array in (c, h, T, P))
    precisions = expected_precisions(c, h, T, P, np.clip(R - c, 0, T)).sum(axis=0)
    return np.stack((precisions / np.maximum(R, 1), at_1))


def _nearest(
    ranking: Ranking, similarities: NDArray[np.float64], query: int, weights: Whole, most: int
) -> NDArray[np.intp]:
    """A query's nearest images, ``most`` or more in each draw, and all that tie with the last."""
    others = ranking.n_others
    # As many as there are in nearly each draw, where a draw has one of each on average.
    length = int(most + 4 * np.sqrt(most)) + 8
    while True:
        length = min(length, others)
        limit = np.partition(similarities, -length)[-length]
        tolerance = ranking.tolerance(np.array([query]), np.array([[limit]])).item()
        nearest = np.flatnonzero(similarities >= limit - tolerance)
        if len(nearest) >= others or (weights[nearest].sum(axis=0) >= most).all():
            return nearest[np.argsort(-similarities[nearest], kind="stable")]
        length *= 2
