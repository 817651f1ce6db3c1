"""What the page shows: datasets, notions on them, and what methods make of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.explorer.neighbours import Found


@dataclass
class MethodShown:
    """What a method makes of a notion.

    Attributes:
        method: its name.
        dim: r' of what was scored; None where nothing was.
        scores: of the run, by metric: over all of the dataset's queries.
        reason: why there is nothing else; None where there is.
        found: of the notion's queries that are shown; neighbours are numbers of pictures.
        of_queries: (q,) by metric, NaN of what is no query as nothing is of its class.
        elsewhere: how many of these queries find another image first than their score says.
        points: (q, 2) on a map, in the unit square; or None.
        no_points: why not.
    """

    method: str
    dim: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    found: Found | None = None
    of_queries: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    elsewhere: int = 0
    points: NDArray[np.float64] | None = None
    no_points: str | None = None


@dataclass
class NotionShown:
    """A notion and its methods.

    Attributes:
        notion: its name.
        several: whether images have several values.
        n_images, n_queries: how many have a label, and how many of these are queries.
        pictures: (q,) numbers of the pictures that are queries.
        possible: (q,) how many of the neighbours could be of a query's class.
        classes: their names, in alphabetical order.
        labels: of each picture of the dataset the numbers of its classes, none where it has no
            label.
        groups: the labels that confusions are told by, each as the numbers of its classes.
        methods: in the order of the task.
    """

    notion: str
    several: bool
    n_images: int
    n_queries: int
    pictures: NDArray[np.int64]
    possible: NDArray[np.int64]
    classes: list[str]
    labels: list[list[int]]
    groups: list[list[int]]
    methods: list[MethodShown]


@dataclass
class DatasetShown:
    """A dataset.

    Attributes:
        dataset: its name.
        ids: (p,) of the pictures: those that can be looked at, then what else these find.
        rows: (p,) of the pictures, in the manifest of the source that they are of.
        is_other: (p,) whether a picture is of another dataset, whose images are the queries.
        n_queries: how many of the pictures, from the first, can be looked at.
        notions: in the order of the task.
    """

    dataset: str
    ids: NDArray[Any]
    rows: NDArray[np.int64]
    is_other: NDArray[np.bool_]
    n_queries: int
    notions: list[NotionShown]
