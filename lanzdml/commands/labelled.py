"""Vectors with a label each, or several values, as several commands take them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import has_several
from lanzdml.datasets import csv_file, parquet_file
from lanzdml.datasets.labels import class_sizes, labels_in
from lanzdml.datasets.queries import GALLERY, QUERY
from lanzdml.embeddings.vectors import read_vectors
from lanzdml.embeddings.vectors.joining import rows_of
from lanzdml.embeddings.vectors.reading import ID
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.metrics.relevance import Relevance


@dataclass(frozen=True)
class Labelled:
    """Vectors with a label each.

    Attributes:
        vectors: (n, d).
        labels: (n,), none of them null; sets of values where images have several.
        queries: (n,), which images are queries to the others; None for each to all others.
        joined: how they were found.
        unlabelled: how many rows of the table have no label.
        unused: how many others are neither a query nor in the gallery.
        unnamed: how many vectors the table does not name.
    """

    vectors: NDArray[np.float32]
    labels: pd.Series
    queries: NDArray[np.bool_] | None
    joined: str
    unlabelled: int
    unused: int
    unnamed: int

    @property
    def n_ranking(self) -> int:
        """How many images rank others."""
        return len(self.labels) if self.queries is None else int(self.queries.sum())

    def described(self) -> str:
        """What is scored, and what is left out, in one line."""
        alone = int(np.sum(Relevance.of(self.labels).n_relevant(self.queries) == 0))
        words = [
            f"{len(self.labels):,} images of {len(class_sizes(self.labels)):,} classes"
            f"{', some of several' if has_several(self.labels) else ''}, {self.vectors.shape[1]} "
            "dimensions",
            f"labels joined {self.joined}",
        ]
        if self.queries is not None:
            others = len(self.labels) - self.n_ranking
            words.append(f"{self.n_ranking:,} queries to {others:,} images")
        if alone and self.queries is None:
            words.append(f"images alone in their class, which are no queries: {alone:,}")
        elif alone:
            words.append(f"queries of no class in the gallery, which do not count: {alone:,}")
        if self.unlabelled:
            words.append(f"rows without a label, left out: {self.unlabelled:,}")
        if self.unused:
            words.append(f"rows that are no {QUERY} or {GALLERY}, left out: {self.unused:,}")
        if self.unnamed:
            words.append(f"vectors that the table does not name, left out: {self.unnamed:,}")
        return "; ".join(words)


def read_labels(
    table: Path, label: str, separator: str | None = None, queries: str | None = None
) -> pd.DataFrame:
    """The labels of a table, null where a row has none, and its ids where it has any.

    Args:
        table: a .csv, .tsv or .parquet file.
        label: the column of the labels; in Parquet also of lists of them.
        separator: what separates several values in a label.
        queries: the column that says "query" or "gallery" of a row; other rows are left out.

    Returns:
        columns ``label``, where it is asked for ``queries`` and, where there is such a column,
        ``image_id``.

    Raises:
        LanzdmlError: it cannot be read, has no such column, or nothing is separated.
    """
    asked = [label, *([queries] if queries is not None else [])]
    if not table.is_file():
        raise LanzdmlError(f"there is no file {table}")
    if csv_file.is_csv(table):
        rows = csv_file.read_csv(table, label)
        columns = list(rows)
    elif parquet_file.is_parquet(table):
        columns = parquet_file.read_schema(table).names
        rows = parquet_file.read_parquet(table, [*asked, ID])
    else:
        raise LanzdmlError(f"{table} is no .csv, .tsv or .parquet file")
    for name in asked:
        if name not in columns:
            raise LanzdmlError(f"{table} has no column {name!r}; {suggest(name, columns)}")
    found = {"label": labels_in(table, rows[label], separator or "")}
    found |= {"queries": rows[queries]} if queries is not None else {}
    return pd.DataFrame(found | ({ID: rows[ID]} if ID in rows else {}))


def read_labelled(
    vectors: Path,
    table: Path,
    label: str,
    *,
    separator: str | None = None,
    queries: str | None = None,
    column: str | None = None,
    id_column: str | None = None,
) -> Labelled:
    """The vectors of the rows of a table that have a label.

    Args:
        vectors: see :func:`lanzdml.embeddings.vectors.read_vectors`, as are the last two.
        table, label, separator, queries: see :func:`read_labels`.

    Raises:
        LanzdmlError: one of them cannot be read, or they do not belong together.
    """
    rows = read_labels(table, label, separator, queries)
    found = read_vectors(vectors, column=column, id_column=id_column)
    ids = rows[ID].tolist() if ID in rows else None
    if ids is not None and None in ids:
        raise LanzdmlError(f"{table}: row {ids.index(None)} has no {ID}")
    order = rows_of(found, ids, len(rows), str(table))
    joined = "by id" if ids is not None and found.ids is not None else "in the order of the table"
    labelled = rows["label"].notna().to_numpy()
    used = labelled
    if queries is not None:
        used = labelled & rows["queries"].isin([QUERY, GALLERY]).to_numpy()
    labels = rows["label"][used]
    is_query = None
    if queries is not None:
        is_query = (rows["queries"][used] == QUERY).to_numpy()
        _check_roles(table, queries, is_query)
    sizes = class_sizes(labels)
    if len(sizes) < 2:
        raise LanzdmlError(
            f"{table}: column {label!r} has {len(sizes)} different labels; there is nothing to "
            "tell apart"
        )
    if sizes.max() < 2:
        raise LanzdmlError(
            f"{table}: column {label!r} has another label in each row, so no image has another of "
            "its class to find; name the column of the classes"
        )
    if is_query is not None and not Relevance.of(labels).n_relevant(is_query).any():
        raise LanzdmlError(
            f"{table}: no {QUERY} in column {queries!r} has an image of its class in the gallery"
        )
    wanted = order[used]
    array = found.array()
    if not np.array_equal(wanted, np.arange(len(array))):  # or it would be copied
        array = array[wanted]
    return Labelled(
        array,
        labels,
        is_query,
        joined,
        unlabelled=int((~labelled).sum()),
        unused=int((labelled & ~used).sum()),
        unnamed=len(found) - len(rows),
    )


def _check_roles(table: Path, column: str, is_query: NDArray[np.bool_]) -> None:
    """Whether there are queries, and something for them to rank."""
    for role, there in ((QUERY, is_query), (GALLERY, ~is_query)):
        if not there.any():
            raise LanzdmlError(
                f"{table}: no row with a label has {role!r} in column {column!r}; it says "
                f"{QUERY} or {GALLERY} of each image"
            )
