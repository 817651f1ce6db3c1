"""The images that runs are scored on: their embeddings, labels and, where some are, queries."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import as_labels, values_of
from lanzdml.datasets.labels import LabelColumns, told
from lanzdml.datasets.manifest import fingerprint_of
from lanzdml.datasets.queries import GALLERY, QUERY, Queries, roles_in
from lanzdml.embeddings.storage import WEIGHTS, digest_of, labelled_images, weights_of
from lanzdml.errors import LanzdmlError
from lanzdml.files import digest
from lanzdml.metrics.chance import chance_of
from lanzdml.metrics.relevance import Relevance
from lanzdml.metrics.runs import CHANCE
from lanzdml.transforms.storage import check_weights, load_transform


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
    if queries.manifest is not None:
        assert queries.images is not None and queries.labels is not None
        check_weights([], weights_of(images_file), images_file)
        others = labelled_images(Path(queries.images), Path(queries.manifest), queries.labels)
        _check_same_model(Path(queries.images), images_file)
        joined = (np.concatenate(pair) for pair in zip(others, (embeddings, of_images, ids)))
        return Labelled(*joined, np.arange(len(ids) + len(others[2])) < len(others[2]))
    roles = roles_in(manifest_file, queries).loc[ids].to_numpy()
    for role in (QUERY, GALLERY):
        if role not in roles:
            raise LanzdmlError(
                f"{manifest_file}: no image with a label for {told(labels)} is of the "
                f"{'queries' if role == QUERY else 'gallery'}; choose them in another way"
            )
    used = (roles == QUERY) | (roles == GALLERY)
    return Labelled(embeddings[used], of_images[used], ids[used], roles[used] == QUERY)
