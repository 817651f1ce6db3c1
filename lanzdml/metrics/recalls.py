"""Recall@k: whether one of the k nearest references is of the query's class.

This is what metric learning calls Recall@k, the share of queries with at least one hit; it is not
the share of a class that is found, which information retrieval calls recall. Recall@1 is Prec@1.
Where references tie, it is the expectation over all orders of what ties: let c references come
before the first block with some of the query's class, of whose T references P are; of the first k,
j = min(k - c, T) are of that block, and none of these is right with probability

    C(T - P, j) / C(T, j)

By chance, c is 0 and the block holds all references.

Sources: Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search" (TPAMI 2011);
Oh Song, Xiang, Jegelka and Savarese, "Deep Metric Learning via Lifted Structured Feature Embedding"
(CVPR 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

RECALLS = {f"recall_at_{k}": k for k in (1, 5, 10, 20)}
"""The metrics' names, and k of each."""


def some_right(T: ArrayLike, P: ArrayLike, drawn: ArrayLike) -> NDArray[np.float64]:
    """How likely some of those drawn are right: 1 - C(T - P, drawn) / C(T, drawn).

    Args:
        T, P: how many there are, and how many of these are right.
        drawn: how many of them are drawn, without replacement: few, and T at the most.
    """
    T, P, drawn = np.broadcast_arrays(*(np.asarray(each, np.int64) for each in (T, P, drawn)))
    some, none = np.zeros(T.shape), np.ones(T.shape)
    # Of one that is drawn it is P / T to the last bit, so that Recall@1 is Prec@1.
    for i in range(np.max(drawn, initial=0)):
        left = np.maximum(T - i, 1)
        some += np.where(i < drawn, none * (P / left), 0.0)
        none *= np.maximum(T - P - i, 0) / left
    return np.minimum(some, 1.0)


def recalls_of_ranks(first: NDArray[np.integer], names: Sequence[str]) -> list[NDArray[np.float64]]:
    """Each Recall@k that is named of queries by the rank (q,) of their first of the class."""
    return [(first <= RECALLS[name]).astype(np.float64) for name in names]


def expected_recalls(
    c: NDArray[np.integer], T: NDArray[np.integer], P: NDArray[np.integer], names: Sequence[str]
) -> list[NDArray[np.float64]]:
    """Each Recall@k that is named of queries, in expectation over ties.

    Args:
        c: (q,) how many references come before the first block with some of the class.
        T, P: (q,) how many that block holds, and how many of these are of the class.
    """
    return [some_right(T, P, np.clip(RECALLS[name] - c, 0, T)) for name in names]
