"""What all pairs of methods together say: ranks on a notion, groups, and p for their number.

A method's rank on a notion is known as far as its differences are: it is behind those that are
decided to be better, and before those that are decided to be worse (Mogstad, Romano, Shaikh and
Wilhelm, "Inference for Ranks", Review of Economic Studies 91, 2024; Al Mohamad, Goeman and van
Zwet, "Simultaneous Confidence Intervals for Ranks", Biometrics 78, 2022). Pairs are decided with
Holm's correction for all of them, so all intervals of a notion hold together. Percentiles of ranks
over draws do not, and of methods that are equal each draw ranks another one first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from string import ascii_lowercase

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lanzdml.methods import in_order
from lanzdml.significance.comparisons import NOTION, NOTION_RANK, TIE, Row
from lanzdml.significance.statistics import LEVEL, holm

_OF_NOTION, _OF_METRIC = [*NOTION, "metric"], ["metric"]


def false_discovery(p_values: ArrayLike) -> NDArray[np.float64]:
    """P values (m,) by which 5 % or less of what is found at 0.05 is false, in expectation.

    Benjamini and Hochberg ("Controlling the False Discovery Rate", Journal of the Royal
    Statistical Society B 57, 1995).
    """
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p_values, method="bh"), np.float64)


def corrected(rows: Iterable[Row]) -> list[Row]:
    """The differences of a setting with ``p_holm`` and ``p_fdr`` where methods see no labels.

    What sees them differs from most others, and as an easy find it would let others pass.
    """
    rows = [dict(row) for row in rows]
    tested = [row for row in rows if "p" in row and not row["supervised"]]
    corrections: list[tuple[str, list[str], Callable[[ArrayLike], NDArray[np.float64]]]] = [
        ("p_holm", _OF_NOTION, holm),
        ("p_fdr", _OF_METRIC, false_discovery),
    ]
    for column, names, correct in corrections:
        for family in _families(tested, names):
            for row, p in zip(family, correct([row["p"] for row in family]), strict=True):
                row[column] = float(p)
    return rows


def _families(rows: Iterable[Row], names: Sequence[str]) -> list[list[Row]]:
    """The rows that agree in these columns, together."""
    families: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        families.setdefault(tuple(row[name] for name in names), []).append(row)
    return list(families.values())


def notion_ranks(rows: Iterable[Row]) -> Iterator[Row]:
    """Ranks of the methods that see no labels, on each notion and by each metric.

    Args:
        rows: as :func:`corrected` gives them.
    """
    pairs = [row for row in rows if "other" in row and not row["supervised"]]
    for family in _families(pairs, _OF_NOTION):
        methods = in_order({row[side] for row in family for side in ("method", "other")})
        position = {method: i for i, method in enumerate(methods)}
        difference = np.zeros((len(methods), len(methods)))
        apart = np.zeros(difference.shape, bool)
        for row in family:
            i, j = position[row["method"]], position[row["other"]]
            difference[i, j], difference[j, i] = row["value"], -row["value"]
            # Too few queries for an interval decide nothing.
            apart[i, j] = apart[j, i] = row.get("p_holm", 1) <= 1 - LEVEL
        ranks, low, high = rank_intervals(difference, apart)
        order = np.argsort(ranks, kind="stable")
        letters: list[list[str]] = [[] for _ in methods]
        for group, letter in zip(groups(apart[np.ix_(order, order)]), _letters(), strict=False):
            for place in group:
                letters[order[place]].append(letter)
        here = {name: family[0][name] for name in _OF_NOTION}
        for i in order:
            yield here | {
                "part": NOTION_RANK, "method": methods[i], "value": float(ranks[i]),
                "low": int(low[i]), "high": int(high[i]), "groups": " ".join(letters[i]) or None,
                "unit": "ranks", "n": len(methods),
            }  # fmt: skip


def rank_intervals(
    difference: NDArray[np.float64], apart: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Each method's rank, and the lowest and highest that what is decided leaves open.

    Args:
        difference: (k, k), of the methods of row and column, in percent points.
        apart: (k, k), whether it is decided.

    Returns:
        (k,) each; 1 is the best, and equals share a rank.
    """
    better, worse = difference < -TIE, difference > TIE
    n_better, n_worse = better.sum(axis=1), worse.sum(axis=1)
    k = len(difference)
    ranks = (1 + n_better + k - n_worse) / 2
    return ranks, 1 + (apart & better).sum(axis=1), k - (apart & worse).sum(axis=1)


def groups(apart: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """The largest sets of two or more methods none of which is told apart from another of its set.

    Two methods are in a set together exactly where they are not told apart (Piepho, "An Algorithm
    for a Letter-Based Representation of All-Pairwise Comparisons", Journal of Computational and
    Graphical Statistics 13, 2004). Sets need not be neighbours in rank: of two differences the
    larger one may be the less sure. They are found as the maximal cliques of a graph (Bron and
    Kerbosch, Communications of the ACM 16, 1973).

    Args:
        apart: (k, k), symmetric.

    Returns:
        positions, those with the first members first.
    """
    joined = [set(np.flatnonzero(~row)) - {i} for i, row in enumerate(apart)]

    def cliques(found: set[int], more: set[int], done: set[int]) -> Iterator[tuple[int, ...]]:
        if not more and not done:
            yield tuple(sorted(map(int, found)))
            return
        pivot = max(more | done, key=lambda i: len(joined[i] & more))
        for i in more - joined[pivot]:
            yield from cliques(found | {i}, more & joined[i], done & joined[i])
            more, done = more - {i}, done | {i}

    return sorted(group for group in cliques(set(), set(range(len(apart))), set()) if group[1:])


def _letters() -> Iterator[str]:
    """Names of groups: a to z, then a1 to z1."""
    turn = 0
    while True:
        yield from (f"{letter}{turn or ''}" for letter in ascii_lowercase)
        turn += 1
