"""What the ranking of queries gives: of all of them, or of a shard, and shards put together.

A run's queries can be ranked in shards, each by another process. What comes out is that of one
process, bit for bit: a query's scores do not depend on the others of its shard, as chunks of
queries depend on the number of images alone, and the draws' sums are added up in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.metrics.ranking import Distance, Ranking, Relevant
from lanzdml.metrics.relevance import MetricsInputError
from lanzdml.metrics.resampling import Draws, scores_of_draws
from lanzdml.metrics.scores import RANK_METRICS, QueryScores


@dataclass(frozen=True)
class Scores:
    """What one ranking gives.

    Attributes:
        queries: (n,) scores by metric, as :func:`lanzdml.metrics.scores.query_scores`.
        tied: (n,), which of them are expectations over ties.
        draws: (n_draws,) scores by metric, as
            :func:`lanzdml.metrics.resampling.resampled_scores`.
    """

    queries: dict[str, NDArray[np.float64]]
    tied: NDArray[np.bool_]
    draws: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Ranked:
    """What the ranking of some queries gives.

    Attributes:
        rows: (q,) the images that they are.
        scores: (5 + recalls, q), of `lanzdml.metrics.scores.RANK_METRICS` and the recalls.
        tied: (q,), which queries' scores are expectations over ties.
        sums: (k, 3, n_draws), of :class:`lanzdml.metrics.resampling.Draws`; (0, 3, 0) where
            nothing is drawn.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    tied: NDArray[np.bool_]
    sums: NDArray[np.float64]


def rank_queries(
    embeddings: Any,
    labels: Any,
    *,
    distance: Distance = "cosine",
    queries: Any = None,
    recalls: Sequence[str] = (),
    draws: bool = True,
    n_draws: int | None = None,
    shard: tuple[int, int] = (1, 1),
    n_threads: int = 1,
    progress: Callable[[int], object] = lambda n: None,
) -> Ranked:
    """Rank the queries of a shard.

    Other arguments and errors as in :func:`scores_and_draws`.

    Args:
        draws: whether images are drawn.
        shard: its number, from 1, and how many there are.
    """
    if n_threads < 1:
        raise MetricsInputError(f"n_threads is {n_threads}, but must be at least 1")
    ranking = Ranking(embeddings, labels, distance, queries)
    scores = QueryScores(ranking, recalls)
    drawn = Draws(ranking, n_draws) if draws else None

    def add(similarities: NDArray[np.float64], first: int, relevant: Relevant) -> None:
        scores.add(similarities, first, relevant)
        if drawn is not None:
            drawn.add(similarities, first, relevant)

    blocks = ranking.shard(*shard)
    ranking.by_group(add, n_threads, progress, blocks)
    rows = ranking.queries[ranking.blocks[blocks.start] : ranking.blocks[blocks.stop]]
    sums = np.zeros((0, 3, 0)) if drawn is None else drawn.sums
    return Ranked(rows, np.stack([*scores.by_metric().values()])[:, rows], scores.tied[rows], sums)


def put_together(shards: Sequence[Ranked], n: int, recalls: Sequence[str] = ()) -> Scores:
    """The scores of all queries.

    Args:
        shards: all, in their order.
        n: how many images there are.
        recalls: as they were ranked by.
    """
    scores, tied = np.full((len(RANK_METRICS) + len(recalls), n), np.nan), np.zeros(n, bool)
    for part in shards:
        scores[:, part.rows], tied[part.rows] = part.scores, part.tied
    queries = dict(zip((*RANK_METRICS, *recalls), scores, strict=True))
    sums = np.concatenate([part.sums for part in shards])
    return Scores(queries, tied, scores_of_draws(sums) if sums.shape[2] else {})


def scores_and_draws(
    embeddings: Any,
    labels: Any,
    *,
    distance: Distance = "cosine",
    queries: Any = None,
    recalls: Sequence[str] = (),
    n_draws: int | None = None,
    n_threads: int = 1,
    progress: Callable[[int], object] = lambda n: None,
) -> Scores:
    """The queries' scores and the draws', bit for bit, with similarities that are computed once.

    Arguments and errors as in :func:`lanzdml.metrics.resampling.resampled_scores`; ``recalls`` are
    metrics of :data:`lanzdml.metrics.recalls.RECALLS` that queries are scored by, too, and
    ``progress`` is called with how many more images are done.
    """
    ranked = rank_queries(
        embeddings, labels, distance=distance, queries=queries, recalls=recalls, n_draws=n_draws,
        n_threads=n_threads, progress=progress,
    )  # fmt: skip
    return put_together([ranked], len(embeddings), recalls)
