"""Rankings: entries that can be compared stand on one board, and nothing is ranked beyond it.

A board is of one dataset, notion and protocol, of the same images and labels (by their digest), of
embeddings by the same weights (by theirs), of one r', of methods that were given all prompts or as
many as each other, and clustered by k-means in batches of one size or of all images at once. What
has no r' stands on each board of the others, as in the tables.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.errors import LanzdmlError
from lanzdml.metrics.runs import KMEANS_BATCH_SIZE, PER_QUERY
from lanzdml.names import METRIC_NAMES
from lanzdml.sharing.site.entries import Entry
from lanzdml.significance.differences import interval_of, measured_on
from lanzdml.significance.kept import run_of
from lanzdml.significance.ranks import rank_intervals
from lanzdml.significance.statistics import LEVEL, Measured, holm
from lanzdml.tables.paper import NO_DIM

_ROUNDING = 1e-5  # of scores of queries, which are stored as float32


@dataclass(frozen=True)
class Rank:
    """An entry's place among those of its board that see no labels.

    Attributes:
        rank: 1 is the best, and equals share.
        n: how many are ranked.
        low, high: the ranks that the differences leave open, of all entries of the board at once;
            None where nothing is known of other images.
        left_out: what kinds of chance are not in these, in words.
    """

    rank: float
    n: int
    low: int | None
    high: int | None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Place:
    """An entry on a board.

    Attributes:
        board: the board's number, from 0.
        size: r' of the board, or :data:`NO_DIM` or :data:`lanzdml.metrics.runs.AUTO_DIM`.
        ranks: by metric; those that are not ranked have none.
    """

    entry: Entry
    board: int
    size: int
    ranks: dict[str, Rank]


def rank_entries(entries: Sequence[Entry], metrics: Sequence[str]) -> list[Place]:
    """All places of all boards, first those with intervals; in each the best by the first metric.

    Args:
        entries: of all sources.
        metrics: to rank by.

    Raises:
        LanzdmlError: what is kept of a run does not belong to its rows.
    """
    ranked = [
        (size, on_board, [_ranks(on_board, metric) for metric in metrics])
        for size, on_board in _boards(entries)
    ]
    ranked.sort(key=lambda board: not _is_known(board[2][0].values()))
    places = []
    for number, (size, on_board, by_metric) in enumerate(ranked):
        places += [
            Place(
                entry,
                number,
                size,
                {
                    name: ranks[entry.id]
                    for name, ranks in zip(metrics, by_metric, strict=True)
                    if entry.id in ranks
                },
            )
            for entry in _in_order(on_board, by_metric[0], metrics[0])
        ]
    return places


def _is_known(ranks: Collection[Rank]) -> bool:
    """Whether most have an interval, as those of the tables' runs have."""
    return 2 * sum(rank.low is not None for rank in ranks) > len(ranks)


def _boards(entries: Sequence[Entry]) -> list[tuple[int, list[Entry]]]:
    """Each board's r' and entries, in the order of the entries."""
    shared: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        names = ("dataset", "notion", "protocol", "labels_sha256", KMEANS_BATCH_SIZE)
        given = None if entry.all_prompts else entry.told["n_prompts"]
        key = (*map(entry.told.get, names), entry.board_weights, given)
        shared.setdefault(key, []).append(entry)
    boards = []
    for together in shared.values():
        sizes = dict.fromkeys(entry.told["size"] for entry in together)
        for size in [size for size in sizes if size != NO_DIM] or [NO_DIM]:
            on_board = [entry for entry in together if entry.told["size"] in (size, NO_DIM)]
            boards.append((size, on_board))
    return boards


def _in_order(entries: Sequence[Entry], ranks: Mapping[str, Rank], metric: str) -> list[Entry]:
    """By rank, then what is not ranked by its value, and what has none."""

    def key(entry: Entry) -> tuple[float, float]:
        rank, value = ranks.get(entry.id), entry.value(metric)
        return rank.rank if rank else np.inf, -value.mean if value else np.inf

    return sorted(entries, key=key)


def _ranks(entries: Sequence[Entry], metric: str) -> dict[str, Rank]:
    """The ranks of a board's entries, by their ids; none of those that see labels."""
    values = {entry.id: entry.value(metric) for entry in entries}
    competing = [entry for entry in entries if values[entry.id] and not entry.told["supervised"]]
    means = np.array([100 * value.mean for e in competing if (value := values[e.id])])
    known = [_evidence(entry, metric) if metric in PER_QUERY else None for entry in competing]
    apart = _apart(known, metric)
    ranks, low, high = rank_intervals(means[:, None] - means, apart)
    found = {}
    for i, (entry, evidence) in enumerate(zip(competing, known, strict=True)):
        rank = Rank(float(ranks[i]), len(competing), None, None)
        if evidence:
            rank = replace(rank, low=int(low[i]), high=int(high[i]), left_out=evidence.left_out)
        found[entry.id] = rank
    return found


@dataclass(frozen=True)
class _Evidence:
    """What is kept of an entry: scores of its queries in percent, and of drawn collections."""

    measured: Measured
    queries: pd.Series
    left_out: tuple[str, ...]
    of: str


def _evidence(entry: Entry, metric: str) -> _Evidence | None:
    """None where its folder keeps none, as of runs of ablations.

    Raises:
        LanzdmlError: it is not that of the entry's rows.
    """
    source, value = entry.sources[0], entry.value(metric)
    if value is None or not entry.all_prompts:
        return None
    told = entry.told | {"dim": entry.seeds["dim"].iloc[0]}
    row = pd.Series({
        **told, "metric": metric, "mean": value.mean, "std": value.std,
        "n_seeds": value.n_seeds, "n_runs": len(entry.seeds),
    })  # fmt: skip
    run = run_of(row, bool(told["has_dim"]))
    if run not in source.queries or run not in source.draws:
        return None
    where = f"{source.folder}: {told['method']} on {told['dataset']}/{told['notion']}"
    measured, left_out = measured_on(row, source.draws, where)
    queries = 100 * source.queries[run][metric].astype("float64")
    if not abs(queries.mean() - measured.mean) <= 100 * _ROUNDING:
        raise LanzdmlError(
            f"{where}: its queries have {METRIC_NAMES[metric]} {queries.mean() / 100:.6f} and its "
            f"row {value.mean:.6f}, so they are not of one run; leave this folder out, or run it "
            "anew"
        )
    return _Evidence(measured, queries, tuple(left_out), where)


def _apart(known: Sequence[_Evidence | None], metric: str) -> NDArray[np.bool_]:
    """Which entries' differences are decided, with Holm's correction for all pairs; symmetric.

    Entries of which nothing is kept are told apart from none.
    """
    apart = np.zeros((len(known), len(known)), bool)
    pairs, p_values = [], []
    for (i, a), (j, b) in combinations(enumerate(known), 2):
        if a is None or b is None:
            continue
        if not a.queries.index.equals(b.queries.index):
            raise LanzdmlError(f"{a.of} and {b.of} have the same labels and other queries")
        if len(a.measured.draws) != len(b.measured.draws):
            continue  # of other versions: they are not the same collections
        found = interval_of(a.measured, b.measured, a.queries - b.queries, None)
        if "p" in found:  # too few queries decide nothing
            pairs.append((i, j))
            p_values.append(found["p"])
    if pairs:
        decided = holm(p_values) <= 1 - LEVEL
        for (i, j), is_decided in zip(pairs, decided, strict=True):
            apart[i, j] = apart[j, i] = is_decided
    return apart
