"""What an image's neighbours are in CLIP's space and in that of each notion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from lanzdml.arithmetic.labels import values_of
from lanzdml.datasets.images import Images
from lanzdml.datasets.labels import LabelColumns, read_all_labels
from lanzdml.datasets.manifest import ID, IMAGE, PATH, positions_of
from lanzdml.datasets.queries import GALLERY, QUERY, Queries, roles_in
from lanzdml.embeddings.storage import read_image_embeddings, weights_of
from lanzdml.errors import LanzdmlError
from lanzdml.methods.base import as_matrix
from lanzdml.transforms.storage import check_weights, load_transform

if TYPE_CHECKING:
    from PIL.Image import Image

N_NEIGHBOURS = 7
_MOST_PIXELS = 320  # a side; more are not seen in a picture of so many


@dataclass(frozen=True)
class Shown:
    """An image in RGB, reduced, and its label for each of the notions that it has one for: a text,
    or a set of values."""

    image_id: str
    image: "Image"
    labels: Mapping[str, str | frozenset[str]]


@dataclass(frozen=True)
class Retrieval:
    """A query and its neighbours, the nearest first: by CLIP, and by InDiReCT for each notion.

    ``possible`` is how many of them could be right: no more than there are other images that agree
    with the query where they are looked for.
    """

    query: Shown
    clip: Sequence[Shown]
    indirect: Mapping[str, Sequence[Shown]]
    possible: Mapping[str, int]

    def is_right(self, neighbour: Shown, notion: str) -> bool | None:
        """Whether a neighbour shares a value with the query; None where either has none."""
        if notion not in self.query.labels or notion not in neighbour.labels:
            return None
        return _agree(self.query.labels[notion], neighbour.labels[notion])


def _agree(label: str | frozenset[str], other: str | frozenset[str]) -> bool:
    return not set(values_of(label)).isdisjoint(values_of(other))


class Source(NamedTuple):
    """Where the images of a dataset are.

    Attributes:
        images: their embeddings, see :mod:`lanzdml.embeddings.storage`.
        manifest: see :mod:`lanzdml.datasets.manifest`.
        root: the folder that paths in the manifest are relative to.
        columns: where the labels of each notion are in the manifest.
        linked: folders elsewhere that links in the root may lead to.
    """

    images: Path
    manifest: Path
    root: Path
    columns: Mapping[str, LabelColumns]
    linked: Sequence[str] = ()


def nearest(
    vectors: ArrayLike, queries: ArrayLike, k: int, among: NDArray[np.bool_] | None = None
) -> NDArray[np.intp]:
    """The k nearest other rows of each query by cosine, the nearest first.

    Similarities are exact to the rounding of float64, and equal for equal rows; among equals the
    lower row comes first.

    Args:
        vectors: (n, d), of any length; a vector of zeros has the cosine 0 with all.
        queries: (q,) rows.
        k: at most; there are no more than n - 1.
        among: (n,), which rows can be found; all unless given.

    Returns:
        (q, min(k, n - 1)) rows.

    Raises:
        LanzdmlError: the vectors cannot be used.
    """
    vectors = as_matrix(vectors, "vectors").astype(np.float64)
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    # In float64, as metrics are: neighbours in a narrow cone differ by less than float32 rounds.
    unit = np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    found = []
    for query in np.asarray(queries):
        # Not BLAS, which rounds the same product differently in different rows.
        similarity = (unit * unit[query]).sum(axis=1)
        order = np.argsort(-similarity, kind="stable")
        can_be_found = order != query
        if among is not None:
            can_be_found &= among[order]
        found.append(order[can_be_found][:k])
    return np.stack(found)


def choose_queries(labels: pd.DataFrame, queries: int | Sequence[str], seed: int) -> list[int]:
    """Rows of the images to query with.

    Args:
        labels: image_id and a column a notion.
        queries: ids, or how many to draw: without regard to what will be found, among the images
            with labels for the most notions.
        seed: of the draw.

    Raises:
        LanzdmlError: there is no such image.
    """
    if isinstance(queries, int):
        numbers = labels.drop(columns=ID).notna().sum(axis=1).to_numpy()
        candidates = np.flatnonzero(numbers == numbers.max())
        number = min(queries, len(candidates))
        return np.random.default_rng(seed).choice(candidates, number, replace=False).tolist()
    return positions_of(queries, labels, "figures.gallery.queries")


def retrieve(
    sources: Sequence[Source],
    transforms: Mapping[str, Path],
    queries: int | Sequence[str],
    seed: int,
    split: Queries | None = None,
) -> list[Retrieval]:
    """The neighbours of some images; only the images that are found are read.

    Args:
        sources: the images, of one dataset; or of two, then the second one's are the queries and
            the first one's the gallery.
        transforms: a fitted method's file for each notion.
        queries, seed: see :func:`choose_queries`.
        split: which images of one dataset are queries, and which the gallery that neighbours are
            of; each can be both unless given.

    Raises:
        LanzdmlError: there is no such image, or it is no query, or it cannot be read, or a file
            cannot be used.
    """
    embeddings = np.concatenate(
        [read_image_embeddings(each.images, each.manifest)[1] for each in sources]
    )
    for each in sources:
        check_weights(transforms.values(), weights_of(each.images), each.images)
    of_sources = [read_all_labels(each.manifest, each.columns) for each in sources]
    labels = pd.concat(of_sources, ignore_index=True)
    can_ask, gallery = _roles(sources, split, [len(of_source) for of_source in of_sources])
    asking = np.flatnonzero(can_ask)
    if not isinstance(queries, int):
        _check_ask(queries, labels[ID], can_ask)
    chosen = asking[choose_queries(labels.iloc[asking], queries, seed)]
    by_clip = nearest(embeddings, chosen, N_NEIGHBOURS, gallery)
    by_notion = {
        notion: nearest(load_transform(path).transform(embeddings), chosen, N_NEIGHBOURS, gallery)
        for notion, path in transforms.items()
    }
    found = np.concatenate([by_clip, *by_notion.values()], axis=1)
    rows, start = np.union1d(chosen, found), 0
    shown: dict[int, Shown] = {}
    for each, of_source in zip(sources, of_sources, strict=True):
        of_rows = rows[(rows >= start) & (rows < start + len(of_source))]
        shown |= _read_shown(each, labels.iloc[of_rows])
        start += len(of_source)
    return [
        Retrieval(
            shown[query],
            [shown[row] for row in by_clip[i]],
            {notion: [shown[row] for row in rows[i]] for notion, rows in by_notion.items()},
            {
                notion: min(
                    len(by_clip[i]),
                    sum(_agree(label, each) for each in labels[notion][gallery].dropna())
                    - int(gallery[query]),
                )
                for notion, label in shown[query].labels.items()
            },
        )
        for i, query in enumerate(chosen)
    ]


def _check_ask(queries: Sequence[str], ids: pd.Series, can_ask: NDArray[np.bool_]) -> None:
    strangers = {*queries} & {*ids[~can_ask]} - {*ids[can_ask]}
    if strangers:
        raise LanzdmlError(
            f"figures.gallery.queries: {min(strangers)!r} is not among the queries by the first "
            f"protocol; name images that are, such as {ids[can_ask].iloc[0]!r}"
        )


def _roles(
    sources: Sequence[Source], split: Queries | None, sizes: Sequence[int]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows can be queries, and which can be found, of one dataset or of two."""
    if len(sizes) > 1:
        of_gallery = np.arange(sum(sizes)) < sizes[0]
        return ~of_gallery, of_gallery
    if split is None:
        return np.ones(sizes[0], bool), np.ones(sizes[0], bool)
    roles = roles_in(sources[0].manifest, split).to_numpy()
    return roles == QUERY, roles == GALLERY


def _read_shown(source: Source, labels: pd.DataFrame) -> dict[int, Shown]:
    """Read the images of some rows, which the index of their labels names."""
    column = PATH if PATH in pq.read_schema(source.manifest).names else IMAGE
    table = pq.read_table(
        source.manifest, columns=[ID, column], filters=[(ID, "in", labels[ID].tolist())]
    ).to_pandas()
    positions = {image_id: position for position, image_id in enumerate(table[ID])}
    images = Images(table, source.root, source.linked)
    shown = {}
    for row, image_id, *names in labels.itertuples(name=None):
        image = images[positions[image_id]]
        image.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
        named = zip(labels.columns[1:], names, strict=True)
        shown[row] = Shown(image_id, image, {notion: n for notion, n in named if not pd.isna(n)})
    return shown
