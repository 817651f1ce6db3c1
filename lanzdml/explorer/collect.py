"""What the page shows, gathered from results: images, what they find, scores, confusions, maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import has_several, values_of
from lanzdml.datasets.manifest import ID, read_manifest
from lanzdml.datasets.parquet_file import read_result
from lanzdml.embeddings.storage import weights_of
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.explorer.maps import Maps
from lanzdml.explorer.neighbours import NONE, Found, find
from lanzdml.explorer.shown import DatasetShown, MethodShown, NotionShown
from lanzdml.explorer.task import DatasetTask, MethodTask, NotionTask
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.metrics.images import Labelled, is_finished, read_labelled, vectors_of
from lanzdml.metrics.protocols import Protocol
from lanzdml.metrics.relevance import Relevance
from lanzdml.metrics.runs import PER_QUERY, read_runs
from lanzdml.transforms.storage import OK, check_weights

N_NEIGHBOURS = 12
_MOST_WRONG = 0.05  # of the queries; a few are, where another machine made the scores
_ROUNDED = 1e-6  # scores of queries are kept as float32


def collect(
    task: DatasetTask, chosen: NDArray[np.intp], protocol: Protocol, seed: int
) -> DatasetShown:
    """What is shown of a dataset.

    Args:
        task: the dataset.
        chosen: rows, in the manifest of its queries, of the images that can be looked at.
        protocol: how vectors are compared.
        seed: of the maps.

    Raises:
        LanzdmlError: a file is not there, cannot be read, or does not belong to the others.
    """
    images = _Images(task, chosen)
    maps = Maps(seed)
    notions = [_notion(task, notion, images, protocol, maps) for notion in task.notions]
    found = [method.found for notion in notions for method in notion.methods if method.found]
    shown = images.shown(found)
    # From here on images are told by their numbers among those that are shown.
    number = np.full(len(images.ids) + 1, NONE)  # with one more, that NONE finds
    number[shown] = np.arange(len(shown))
    for notion in notions:
        notion.pictures = number[notion.pictures]
        notion.labels = [notion.labels[place] for place in shown]
    for each in found:
        each.neighbours = number[each.neighbours]
    is_other = shown >= images.n_own
    return DatasetShown(
        task.dataset,
        ids=images.ids[shown],
        rows=shown - images.n_own * is_other,
        is_other=is_other,
        n_queries=len(images.queries),
        notions=notions,
    )


class _Images:
    """All images of a dataset, each with a place: its own, then those of the one that queries it.

    Attributes:
        ids: by place.
        n_own: how many are the dataset's own.
        queries: places of those that can be looked at.
    """

    def __init__(self, task: DatasetTask, chosen: NDArray[np.intp]) -> None:
        sources = [task.source, *([task.others] if task.others else [])]
        ids = [read_manifest(Path(source.manifest), columns=[ID])[ID] for source in sources]
        self.ids = np.concatenate([each.to_numpy(object) for each in ids])
        self.n_own = len(ids[0])
        self.queries = chosen + (self.n_own if task.others else 0)
        self._has_others = task.others is not None

    def places(self, labelled: Labelled) -> NDArray[np.int64]:
        """Where labelled images are; those of another dataset are the first of them."""
        n_others = 0
        if self._has_others and labelled.queries is not None:
            n_others = int(labelled.queries.sum())
        own, others = pd.Index(self.ids[: self.n_own]), pd.Index(self.ids[self.n_own :])
        of_others = others.get_indexer(labelled.ids[:n_others]) + self.n_own
        return np.concatenate([of_others, own.get_indexer(labelled.ids[n_others:])])

    def shown(self, found: Sequence[Found]) -> NDArray[np.int64]:
        """Places of those that can be looked at, then of what they find, the nearest first."""
        by_rank = [each.neighbours[:, rank] for rank in range(N_NEIGHBOURS) for each in found]
        places = pd.unique(np.concatenate([self.queries, *by_rank]))
        return places[places != NONE]


def _notion(
    task: DatasetTask, notion: NotionTask, images: _Images, protocol: Protocol, maps: Maps
) -> NotionShown:
    """A notion; pictures, labels and neighbours are told by places."""
    labelled = read_labelled(
        Path(notion.images), Path(task.source.manifest), notion.labels, notion.queries
    )
    places = images.places(labelled)
    is_shown = np.isin(places, images.queries)
    if labelled.queries is not None:
        is_shown &= labelled.queries
    rows = np.flatnonzero(is_shown)
    of_images = [values_of(label) for label in labelled.labels]
    classes = sorted({name for names in of_images for name in names}, key=lambda n: (n.lower(), n))
    numbers = {name: number for number, name in enumerate(classes)}
    labels: list[list[int]] = [[] for _ in images.ids]
    for place, names in zip(places.tolist(), of_images, strict=True):
        labels[place] = [numbers[name] for name in names]
    relevance = Relevance.of(labelled.labels)
    first_of_group = np.unique(relevance.groups, return_index=True)[1]
    asking = np.arange(len(places)) if labelled.queries is None else labelled.queries.nonzero()[0]
    possible = np.zeros(len(places), np.int64)  # relevant references
    possible[asking] = relevance.n_relevant(labelled.queries)
    return NotionShown(
        notion.notion,
        several=has_several(labelled.labels),
        n_images=len(places),
        n_queries=len(asking),
        pictures=places[rows],
        possible=np.minimum(possible[rows], N_NEIGHBOURS),
        classes=classes,
        labels=labels,
        groups=[labels[places[row]] for row in first_of_group],
        methods=[
            _method(task, notion, method, labelled, rows, places, possible > 0, protocol, maps)
            for method in notion.methods
        ],
    )


def _method(
    task: DatasetTask, notion: NotionTask, method: MethodTask, labelled: Labelled,
    rows: NDArray[np.intp], places: NDArray[np.int64], is_scored: NDArray[np.bool_],
    protocol: Protocol, maps: Maps,
) -> MethodShown:  # fmt: skip
    """A method on a notion."""
    run = read_runs([Path(method.metrics)], seeds=[method.seed])
    if len(run) != 1:
        raise LanzdmlError(
            f"{method.metrics} has no row of seed {method.seed}: delete it and run again"
        )
    row = run.iloc[0]
    if row["status"] != OK:
        return MethodShown(method.method, reason=str(row["reason"]))
    if not is_finished(method.transform):
        check_weights([method.transform], weights_of(Path(notion.images)), notion.images)
    try:
        with reasons_of(method.method):
            vectors = vectors_of(
                method.transform, labelled.embeddings, Path(task.source.manifest), notion.labels,
                notion.queries, unit_images=protocol.unit_images,
            )  # fmt: skip
    except CannotFitError as error:
        return MethodShown(method.method, reason=str(error))
    found = find(
        vectors, labelled.labels, rows, N_NEIGHBOURS, distance=protocol.distance,
        queries=labelled.queries,
    )  # fmt: skip
    scores = _scores_of(method, labelled.ids[rows], is_scored[rows])
    elsewhere = _elsewhere(method, found, scores["precision_at_1"])
    found.neighbours = np.where(found.neighbours == NONE, NONE, places[found.neighbours])
    points, no_points = None, None
    try:
        points = maps.of(vectors[rows])
    except LanzdmlError as error:
        no_points = str(error).partition(":")[0]
    return MethodShown(
        method.method,
        dim=int(row["dim"]),
        scores={name: float(row[name]) for name in PER_QUERY if not pd.isna(row[name])},
        found=found,
        of_queries=scores,
        elsewhere=elsewhere,
        points=points,
        no_points=no_points,
    )


def _scores_of(
    method: MethodTask, ids: NDArray[Any], is_scored: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """The scores of some queries, by metric; NaN of those that are not scored.

    Raises:
        LanzdmlError: others are.
    """
    table = read_result(Path(method.queries), ["seed", ID, *PER_QUERY]).to_pandas()
    table = table[table["seed"] == method.seed].set_index(ID)
    if not table.index.is_unique:
        raise LanzdmlError(f"{method.queries} scores an image twice: delete it and run again")
    if (np.isin(ids, table.index) != is_scored).any():
        raise LanzdmlError(
            f"{method.queries} scores other images than have one of their class to find: delete it "
            "and run again"
        )
    return {name: table[name].reindex(ids).to_numpy(float) for name in PER_QUERY}


def _elsewhere(method: MethodTask, found: Found, scores: NDArray[np.float64]) -> int:
    """How many queries have another Prec@1 than what they find first says.

    Raises:
        LanzdmlError: there are too many for other rounding.
    """
    asked = ~np.isnan(scores)
    others = int(np.sum(np.abs(found.right[asked] - scores[asked]) > _ROUNDED))
    if others > _MOST_WRONG * asked.sum():
        raise LanzdmlError(
            f"{method.queries}: {others} of {asked.sum()} images find another one first than their "
            f"scores say, so that these are not of {method.transform}: delete both and run again"
        )
    return others
