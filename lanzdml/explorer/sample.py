"""Which images can be looked at: all, or where there are too many a sample of each dataset's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lanzdml.datasets.labels import read_all_labels
from lanzdml.datasets.manifest import ID
from lanzdml.datasets.queries import QUERY, roles_in
from lanzdml.explorer.task import DatasetTask


def shares(sizes: Sequence[int], most: int) -> list[int]:
    """How many images of each dataset: equal parts; what small ones leave goes to the others."""
    left, given = most, [0] * len(sizes)
    by_size = sorted(range(len(sizes)), key=lambda i: sizes[i])
    for n_done, i in enumerate(by_size):
        given[i] = min(sizes[i], left // (len(sizes) - n_done))
        left -= given[i]
    return given


def can_ask(task: DatasetTask) -> NDArray[np.intp]:
    """The images that are a query for any of the notions: rows of the manifest of the queries.

    Raises:
        LanzdmlError: the manifest cannot be read, or does not say which images are queries.
    """
    split = task.notions[0].queries
    if split is not None and split.others is not None:
        manifest = Path(split.others[1])
        columns = {
            notion.notion: notion.queries.others[2]
            for notion in task.notions
            if notion.queries and notion.queries.others
        }
    else:
        manifest = Path(task.source.manifest)
        columns = {notion.notion: notion.labels for notion in task.notions}
    table = read_all_labels(manifest, columns)
    can = table.drop(columns=ID).notna().any(axis=1).to_numpy()
    if split is not None and split.others is None:
        can = can & (roles_in(manifest, split).to_numpy() == QUERY)
    return np.flatnonzero(can)


def draw(rows: NDArray[np.intp], n: int, seed: int) -> NDArray[np.intp]:
    """So many of some rows, all of them as likely, in their order."""
    if n >= len(rows):
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, n, replace=False))
