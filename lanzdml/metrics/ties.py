"""Scores of queries whose references tie: expectations over all orders of what ties.

The formulas are said in `lanzdml.metrics.scores` and `lanzdml.metrics.recalls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.metrics.ranking import Ranking, Relevant, Whole, are_relevant, expected_precisions
from lanzdml.metrics.recalls import expected_recalls


def expected_scores(
    ranking: Ranking,
    similarities: NDArray[np.float64],
    queries: Whole,
    relevant: Relevant,
    recalls: Sequence[str],
) -> NDArray[np.float64]:
    """Score queries of a group in expectation over ties: (5 + recalls, q).

    Rows are those of `lanzdml.metrics.scores.RANK_METRICS`, and then the recalls.

    Args:
        similarities: (q, m), of the queries to all references.
        queries: (q,), these queries.
        relevant: which references are relevant to them.
        recalls: names of `lanzdml.metrics.recalls.RECALLS`.
    """
    n = ranking.n_others
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :n]  # without the query itself
    similarities = np.take_along_axis(similarities, nearest, axis=1)
    positive = are_relevant(nearest, relevant)
    opens = ranking.opens_block(queries, similarities)

    # A row a block, of all queries one after the other.
    query, c = np.nonzero(opens)
    block = np.flatnonzero(opens)
    T = np.diff(block, append=positive.size)
    P = np.add.reduceat(positive.ravel(), block, dtype=np.int64)
    h: Whole = np.cumsum(positive, axis=1)[query, c] - positive[query, c]
    R = np.count_nonzero(positive[0])
    up_to_r = np.clip(R - c, 0, T)
    hits = np.flatnonzero(P)
    first_hits = hits[np.unique(query[hits], return_index=True)[1]]

    def sums(values: NDArray[np.float64]) -> NDArray[Any]:  # float64, which NumPy does not declare
        return np.bincount(query, values, minlength=len(queries))

    return np.stack((
        sums(expected_precisions(c, h, T, P, up_to_r)) / R,
        (P / T)[c == 0],
        sums(P / T * up_to_r) / R,
        sums(expected_precisions(c, h, T, P, T)) / R,
        [_expected_reciprocal(*block) for block in np.stack((c, T, P), 1)[first_hits].tolist()],
        *expected_recalls(c[first_hits], T[first_hits], P[first_hits], recalls),
    ))  # fmt: skip


@cache
def _expected_reciprocal(c: int, T: int, P: int) -> float:
    """The expected 1 / rank of the first of P among T that tie, after c others."""
    # P(k + 1) / P(k) = C(T - k - 1, P - 1) / C(T - k, P - 1), from P(1) = P / T.
    k = np.arange(1, T - P + 1)
    chance = P / T * np.cumprod(np.append(1.0, (T - P - k + 1) / (T - k)))
    return float((chance / np.arange(c + 1, c + len(chance) + 1)).sum())
