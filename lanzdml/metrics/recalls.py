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

from typing import Any

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
    none: NDArray[Any] = np.ones(T.shape)
    for i in range(np.max(drawn, initial=0)):
        wrong = np.maximum(T - P - i, 0) / np.maximum(T - i, 1)
        none = np.where(i < drawn, none * wrong, none)
    return 1 - none


def recalls_of_ranks(first: NDArray[np.integer]) -> NDArray[np.float64]:
    """Recalls (4, m), as RECALLS, of queries by the rank (m,) of the first of their class."""
    return np.stack([first <= k for k in RECALLS.values()]).astype(np.float64)


def expected_recalls(
    c: NDArray[np.integer], T: NDArray[np.integer], P: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Recalls (4, m), as RECALLS, of queries in expectation over ties.

    Args:
        c: (m,) how many references come before the first block with one of the query's class.
        T, P: (m,) how many that block holds, and how many of these are of the class.
    """
    return np.stack([some_right(T, P, np.clip(k - c, 0, T)) for k in RECALLS.values()])
