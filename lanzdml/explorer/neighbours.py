"""What some queries find first, and how sure that is: neighbours, ties and confusions.

Similarities, and what ties of them, are those of :class:`lanzdml.metrics.ranking.Ranking`, so that
the first neighbour is the one that Prec@1 goes by.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.metrics.ranking import Distance, Ranking
from lanzdml.metrics.relevance import Relevance

NONE = -1  # in place of a neighbour, where there are fewer
_MOST_AT_ONCE = 128  # queries


@dataclass
class Found:
    """The nearest references of q queries; among equals the first of the data come first.

    Attributes:
        neighbours: (q, k) rows, or NONE.
        tied: (q, k) whether one is as near as the one before.
        beyond: (q,) how many more are as near as the last.
        right: (q,) share of those at the first place that are of the query's class: Prec@1.
        confusions: of each pair of a query's and its first neighbour's label, by their numbers, for
            how many queries; where several tie for the place each counts in part.
    """

    neighbours: NDArray[np.int64]
    tied: NDArray[np.bool_]
    beyond: NDArray[np.int64]
    right: NDArray[np.float64]
    confusions: dict[tuple[int, int], float] = field(default_factory=dict)


def find(
    vectors: Any,
    labels: Any,
    rows: NDArray[np.intp],
    k: int,
    *,
    distance: Distance,
    queries: NDArray[np.bool_] | None = None,
) -> Found:
    """Find the nearest of some queries.

    Args:
        vectors, labels, distance, queries: as of :class:`lanzdml.metrics.ranking.Ranking`.
        rows: (q,) whose neighbours are wanted; each is a query.
        k: how many.

    Raises:
        MetricsInputError: as :class:`lanzdml.metrics.ranking.Ranking`.
    """
    ranking = Ranking(vectors, labels, distance, queries)
    relevance = Relevance.of(labels)
    shape = len(rows), k
    found = Found(
        np.full(shape, NONE), np.zeros(shape, bool), np.zeros(len(rows), np.int64),
        np.zeros(len(rows)),
    )  # fmt: skip
    # Where each of the wanted is among the ranking's queries, in its order.
    places = np.full(len(relevance.groups), NONE)
    places[ranking.queries] = np.arange(len(ranking.queries))
    of_rows = places[rows]
    order = np.argsort(of_rows)
    with one_blas_thread():
        for first, last in _runs(of_rows[order]):
            similarities = ranking.similarities(first, last)
            wanted = order[np.searchsorted(of_rows[order], np.arange(first, last))]
            _add(found, wanted, ranking, relevance, np.arange(first, last), similarities)
    return found


def _runs(places: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Sorted places as runs of neighbouring ones, from the first to behind the last."""
    for run in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
        for start in range(0, len(run), _MOST_AT_ONCE):
            part = run[start : start + _MOST_AT_ONCE]
            yield int(part[0]), int(part[-1]) + 1


def _add(
    found: Found,
    wanted: NDArray[np.intp],
    ranking: Ranking,
    relevance: Relevance,
    queries: NDArray[np.intp],
    similarities: NDArray[np.float64],
) -> None:
    """Add what some queries find, given their similarities (q, m) to all references."""
    k = found.neighbours.shape[1]
    n_shown, n_looked_at = min(k, ranking.n_others), min(k + 1, ranking.n_others)
    top = np.argpartition(-similarities, n_looked_at - 1, axis=1)[:, :n_looked_at]
    blocks, rows = _sorted(ranking, queries, top, np.take_along_axis(similarities, top, axis=1))
    # One more than is shown says whether what ties goes on: then all references are looked at.
    goes_on = blocks[:, n_shown - 1] == blocks[:, -1] if n_looked_at > n_shown else None
    for i, (query, place) in enumerate(zip(queries, wanted, strict=True)):
        of_query, sorted_rows = blocks[i], rows[i]
        if goes_on is not None and goes_on[i]:
            near = np.argsort(-similarities[i])[: ranking.n_others]
            (of_query,), (sorted_rows,) = _sorted(
                ranking, queries[i : i + 1], near[None], similarities[i : i + 1, near]
            )
        last = of_query[n_shown - 1]
        found.neighbours[place, :n_shown] = sorted_rows[:n_shown]
        found.tied[place, 1:n_shown] = of_query[1:n_shown] == of_query[: n_shown - 1]
        found.beyond[place] = np.count_nonzero(of_query[n_shown:] == last)
        group = int(relevance.groups[ranking.queries[query]])
        others, counts = np.unique(
            relevance.groups[sorted_rows[of_query == of_query[0]]], return_counts=True
        )
        shares = counts / counts.sum()
        agree = others == group if relevance.is_single else relevance.sharing(group)[others]
        found.right[place] = shares[agree].sum()
        for other, share in zip(others.tolist(), shares.tolist(), strict=True):
            pair = group, other
            found.confusions[pair] = found.confusions.get(pair, 0.0) + share


def _sorted(
    ranking: Ranking,
    queries: NDArray[np.intp],
    references: NDArray[np.intp],
    similarities: NDArray[np.float64],
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Blocks of what ties and rows of references (q, n), the nearest first, then the first row."""
    order = np.argsort(-similarities, axis=1, kind="stable")
    similarities = np.take_along_axis(similarities, order, axis=1)
    blocks = np.cumsum(ranking.opens_block(queries, similarities), axis=1)
    rows = ranking.references[np.take_along_axis(references, order, axis=1)]
    in_block = np.argsort(blocks * (rows.max(initial=0) + 1) + rows, axis=1)
    return blocks, np.take_along_axis(rows, in_block, axis=1)
