"""Which images of a dataset are queries, and which are the gallery that they rank."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.datasets.labels import LabelColumns, read_labels
from lanzdml.datasets.manifest import ID, read_manifest
from lanzdml.errors import LanzdmlError

QUERY, GALLERY = "query", "gallery"


@dataclass(frozen=True)
class Queries:
    """How queries are told from their gallery: one of three ways.

    Attributes:
        share: of the images, which are drawn with ``seed``.
        column: of the manifest, whose cells are "query" and "gallery"; others are neither.
        others: of another dataset, whose images are the queries: the files of its embeddings and
            its manifest, and where the labels are in that.
    """

    share: float | None = None
    seed: int = 0
    column: str | None = None
    others: tuple[str, str, LabelColumns] | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Those of another dataset."""
        return () if self.others is None else self.others[:2]


def roles_in(manifest: Path, queries: Queries) -> pd.Series:
    """What each image of a manifest is: "query", "gallery" or, where neither, null; by its id.

    Drawn are ids, in whatever order the manifest has them.

    Raises:
        LanzdmlError: the column is not there, or there are no images of one kind, or a cell is in
            other letters.
    """
    if queries.column is not None:
        return _told(manifest, queries.column)
    ids = read_manifest(manifest, columns=[ID])[ID]
    number = round((queries.share or 0) * len(ids))
    if not 0 < number < len(ids):
        raise LanzdmlError(
            f"{manifest}: a share of {queries.share} of {len(ids):,} images leaves no queries, or "
            "nothing for them to find"
        )
    drawn = np.random.default_rng(queries.seed).permutation(np.sort(ids.to_numpy(str)))[:number]
    return pd.Series(np.where(ids.isin(drawn), QUERY, GALLERY), ids, dtype=object)


def check_spelling(table: Path, column: str, cells: Iterable[object]) -> None:
    """Check that no cell is a role but for its capitals, as such images would be left out.

    Raises:
        LanzdmlError: one is.
    """
    texts = {cell for cell in cells if isinstance(cell, str)} - {QUERY, GALLERY}
    if other := sorted(text for text in texts if text.strip().casefold() in (QUERY, GALLERY)):
        raise LanzdmlError(
            f"{table}: column {column!r} holds {other[0]!r}; write {other[0].strip().casefold()}, "
            "as images of other cells are left out"
        )


def _told(manifest: Path, column: str) -> pd.Series:
    cells = read_labels(manifest, column)
    found = set(cells.dropna())
    if missing := {QUERY, GALLERY} - found:
        holds = ", ".join(map(repr, sorted(map(str, found))[:3])) or "nothing"
        raise LanzdmlError(
            f"{manifest}: no image has {' or '.join(sorted(missing))} in column {column!r}, which "
            f"holds {holds}; say for each image which it is"
        )
    check_spelling(manifest, column, found)
    ids = read_manifest(manifest, columns=[ID])[ID]
    known = cells.where(cells.isin([QUERY, GALLERY]), None)
    return pd.Series(known.to_numpy(object), ids, dtype=object)
