"""What metrics would be on other images: collections that are drawn from the images at hand.

Images are drawn with replacement, as many as there are, and scored anew, each as a query and as a
reference to the others: in a draw that holds image i w_i times, a query counts w_i times, its own
copies are left out, a reference j is there w_j times, and R is how many references of the query's
class there are. Copies of an image tie, and so do images that tie anyway, as said in
`lanzdml.metrics`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.ranking import Distance, Ranking, expected_precisions

N_DRAWS = 300
"""Enough to know a standard deviation to 4 %."""
RESAMPLED = ("map_at_r", "precision_at_1")
_SEED = 0


def draw_weights(n: int, n_draws: int = N_DRAWS) -> NDArray[np.int32]:
    """How often each of n images is in each draw: (n, n_draws), the same for the same numbers."""
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=n_draws)
    return np.ascontiguousarray(drawn.T, dtype=np.int32)


def resampled_scores(
    embeddings: Any, labels: Any, *, distance: Distance = "cosine", n_draws: int = N_DRAWS
) -> dict[str, NDArray[np.float64]]:
    """The metrics of `RESAMPLED` on collections drawn from the images: (n_draws,) each.

    Draws depend on the number of images alone: two methods' vectors of the same images are scored
    on the same draws. Arguments and errors as in `lanzdml.metrics.compute_metrics`. A draw in which
    no image has another of its class is NaN.
    """
    ranking = Ranking(embeddings, labels, distance)
    weights = draw_weights(len(ranking), n_draws)[ranking.order]
    of_class = np.add.reduceat(weights, ranking.starts, axis=0)
    totals = np.zeros((len(RESAMPLED), n_draws))
    n_queries = np.zeros(n_draws)

    def score(similarities: NDArray, first: int, label: int) -> None:
        for query, row in enumerate(similarities, start=first):
            R = of_class[label] - weights[query]
            if R.any():
                counted = weights[query] * (R > 0)
                totals[:] += counted * _scores(ranking, row, query, label, weights, R)
                n_queries[:] += counted

    ranking.by_class(score, n_threads=1)
    with np.errstate(invalid="ignore"):
        return dict(zip(RESAMPLED, totals / n_queries, strict=True))


def _scores(
    ranking: Ranking,
    similarities: NDArray,
    query: int,
    label: int,
    weights: NDArray,
    R: NDArray,
) -> NDArray[np.float64]:
    """A query's scores in each draw, (2, n_draws), as RESAMPLED; 0 where R is 0.

    Args:
        similarities: (n,), of the query to all images, itself included.
        weights: (n, n_draws), of all images.
        R: (n_draws,).
    """
    nearest = _nearest(ranking, similarities, query, weights, R.max())
    positive = (ranking.starts[label] <= nearest) & (nearest < ranking.ends[label])
    T = weights[nearest]
    P = T * positive[:, None]
    opens = ranking.opens_block(np.array([query]), similarities[nearest][None])[0]
    if not opens.all():
        blocks = np.flatnonzero(opens)
        T, P = np.add.reduceat(T, blocks, axis=0), np.add.reduceat(P, blocks, axis=0)
        positive = np.logical_or.reduceat(positive, blocks)
    c = np.cumsum(T, axis=0, dtype=np.int32) - T
    h = np.cumsum(P, axis=0, dtype=np.int32) - P
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
    ranking: Ranking, similarities: NDArray, query: int, weights: NDArray, most: int
) -> NDArray[np.intp]:
    """A query's nearest images, ``most`` or more in each draw, and all that tie with the last."""
    similarities[query] = -np.inf  # the last, which is left out
    others = len(similarities) - 1
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
