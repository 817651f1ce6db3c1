"""The images that runs are scored on: their embeddings, labels and, where some are, queries."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import values_of
from lanzdml.datasets.labels import LabelColumns, told
from lanzdml.datasets.manifest import fingerprint_of
from lanzdml.datasets.queries import GALLERY, QUERY, Queries, roles_in
from lanzdml.embeddings.storage import (
    WEIGHTS,
    check_one_model,
    digest_of,
    labelled_images,
    weights_of,
)
from lanzdml.errors import LanzdmlError
from lanzdml.files import digest
from lanzdml.metrics.chance import chance_of
from lanzdml.metrics.recalls import RECALLS
from lanzdml.metrics.relevance import Relevance
from lanzdml.transforms.storage import load_transform


class Labelled(NamedTuple):
    """Images that have a label: all in one order.

    Attributes:
        embeddings: (n, r).
        labels: (n,), each text or a frozenset of several.
        ids: (n,).
        queries: (n,), which of them rank the others; None where each ranks all others.
    """

    embeddings: NDArray[Any]
    labels: NDArray[Any]
    ids: NDArray[Any]
    queries: NDArray[np.bool_] | None


def read_labelled(
    images_file: Path, manifest_file: Path, labels: LabelColumns, queries: Queries | None = None
) -> Labelled:
    """The images that have a label for a notion, without those that are neither query nor gallery.

    Where the queries are another dataset's they come first.

    Raises:
        LanzdmlError: as :func:`lanzdml.embeddings.storage.labelled_images`, or none is a query, or
            none is in the gallery, or another model made the queries' embeddings.
    """
    embeddings, of_images, ids = labelled_images(images_file, manifest_file, labels)
    if queries is None:
        return Labelled(embeddings, of_images, ids, None)
    if queries.others is not None:
        others_file, others_manifest, others_labels = queries.others
        check_one_model(Path(others_file), images_file)
        others = labelled_images(Path(others_file), Path(others_manifest), others_labels)
        sizes = others[0].shape[1], embeddings.shape[1]
        if sizes[0] != sizes[1]:  # of given vectors nobody knows the model
            raise LanzdmlError(
                f"{others_file} has vectors of {sizes[0]} dimensions, and {images_file} of "
                f"{sizes[1]}: queries and gallery have to be of one model"
            )
        pairs = zip(others, (embeddings, of_images, ids), strict=True)
        embeddings, of_images, ids = (np.concatenate(pair) for pair in pairs)
        return Labelled(embeddings, of_images, ids, np.arange(len(ids)) < len(others[2]))
    roles = roles_in(manifest_file, queries).loc[ids].to_numpy()
    for role in (QUERY, GALLERY):
        if role not in roles:
            raise LanzdmlError(
                f"{manifest_file}: no image with a label for {told(labels)} is of the "
                f"{'queries' if role == QUERY else 'gallery'}; choose them in another way"
            )
    used = (roles == QUERY) | (roles == GALLERY)
    return Labelled(embeddings[used], of_images[used], ids[used], roles[used] == QUERY)


class ScoredImages:
    """Labelled images that runs are scored on.

    Args:
        images_file, manifest_file, labels, queries: see :func:`read_labelled`.

    Attributes:
        embeddings, labels, ids, queries: of :class:`Labelled`.
        facts: what a row says of them.
        chance: what rank metrics are on them by chance, by name.
        is_single: whether each has one value of the notion.
        weights: checksum of the weights that made the embeddings.
        digest: of all that decides a score of a transform.
    """

    def __init__(
        self,
        images_file: str,
        manifest_file: str,
        labels: LabelColumns,
        queries: Queries | None = None,
    ) -> None:
        self._source = Path(manifest_file), labels, queries
        images = read_labelled(Path(images_file), *self._source)
        self.embeddings, self.labels, self.ids, self.queries = images
        relevance = Relevance.of(self.labels)
        self.is_single = relevance.is_single
        self.weights = weights_of(Path(images_file))
        manifests = [manifest_file, *(queries.others[1:2] if queries and queries.others else ())]
        prints = (fingerprint_of(Path(manifest)) for manifest in manifests)
        scored = [*prints, *self.ids, *map(_written, self.labels)]
        if self.queries is not None:
            scored += ["queries", *self.ids[self.queries]]
        self.facts = {
            "n_images": len(self.ids),
            "n_classes": relevance.n_values,
            "labels_sha256": digest_of(scored),
            WEIGHTS: self.weights,
        }
        self.digest = digest(self.embeddings, sorted(self.facts.items()))
        self.chance = chance_of(self.labels, self.queries, tuple(RECALLS))
        self.embeddings.flags.writeable = False  # other runs are scored on the same
        # Of two transforms: that at hand, and the first one of its run.
        self.transformed = lru_cache(maxsize=2)(self._transformed)

    def _transformed(self, transform: str, unit_images: bool) -> NDArray[np.float32]:
        return vectors_of(transform, self.embeddings, *self._source, unit_images=unit_images)


def vectors_of(
    transform: str,
    images: NDArray[Any],
    manifest: Path,
    labels: LabelColumns,
    queries: Queries | None = None,
    *,
    unit_images: bool,
) -> NDArray[np.float32]:
    """What a transform makes of labelled images, or the vectors that others made of them.

    Queries and gallery are transformed together, as one collection.

    Args:
        transform: a file of a transform, or a Parquet file of finished vectors.
        images: (n, r), of the images that have labels.
        manifest, labels, queries: which these are.
        unit_images: whether images are scaled to unit length first.

    Raises:
        CannotFitError: the method could not be fitted, with the reason.
        LanzdmlError: a file cannot be read, or does not belong to the others.
    """
    if is_finished(transform):
        return read_labelled(Path(transform), manifest, labels, queries).embeddings
    return load_transform(transform).transform(images, unit_images=unit_images)


def is_finished(path: str) -> bool:
    """Whether a file is of vectors, and not of what makes them."""
    return path.endswith(".parquet")


def _written(label: Any) -> str:
    """A label as it enters a checksum: several values in their order."""
    return json.dumps(values_of(label)) if isinstance(label, frozenset) else label
