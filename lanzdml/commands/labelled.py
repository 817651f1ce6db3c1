"""Vectors with a label each, as several commands take them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.datasets import csv_file, parquet_file
from lanzdml.embeddings.vectors import read_vectors
from lanzdml.embeddings.vectors.joining import rows_of
from lanzdml.embeddings.vectors.reading import ID
from lanzdml.errors import LanzdmlError, suggest


@dataclass(frozen=True)
class Labelled:
    """Vectors with a label each.

    Attributes:
        vectors: (n, d).
        labels: (n,), none of them null.
        joined: how they were found.
        unlabelled: how many rows of the table have no label.
        unnamed: how many vectors the table does not name.
    """

    vectors: NDArray[np.float32]
    labels: pd.Series
    joined: str
    unlabelled: int
    unnamed: int

    def described(self) -> str:
        """What is scored, and what is left out, in one line."""
        sizes = self.labels.value_counts()
        alone = int((sizes == 1).sum())
        words = [
            f"{len(self.labels):,} images of {len(sizes):,} classes, {self.vectors.shape[1]} "
            "dimensions",
            f"labels joined {self.joined}",
        ]
        if alone:
            words.append(f"images alone in their class, which are no queries: {alone:,}")
        if self.unlabelled:
            words.append(f"rows without a label, left out: {self.unlabelled:,}")
        if self.unnamed:
            words.append(f"vectors that the table does not name, left out: {self.unnamed:,}")
        return "; ".join(words)


def read_labels(table: Path, label: str) -> pd.DataFrame:
    """The labels of a table, null where a row has none, and its ids where it has any.

    Args:
        table: a .csv, .tsv or .parquet file.
        label: the column of the labels.

    Returns:
        columns ``label`` and, where there is such a column, ``image_id``.

    Raises:
        LanzdmlError: it cannot be read, or has no such column.
    """
    if not table.is_file():
        raise LanzdmlError(f"there is no file {table}")
    if csv_file.is_csv(table):
        rows = csv_file.read_csv(table, label)
        columns = list(rows)
    elif parquet_file.is_parquet(table):
        columns = parquet_file.read_schema(table).names
        rows = parquet_file.read_parquet(table, [label, ID])
    else:
        raise LanzdmlError(f"{table} is no .csv, .tsv or .parquet file")
    if label not in columns:
        raise LanzdmlError(f"{table} has no column {label!r}; {suggest(label, columns)}")
    found = {"label": rows[label]} | ({ID: rows[ID]} if ID in rows else {})
    return pd.DataFrame(found)


def read_labelled(
    vectors: Path,
    table: Path,
    label: str,
    *,
    column: str | None = None,
    id_column: str | None = None,
) -> Labelled:
    """The vectors of the rows of a table that have a label.

    Args:
        vectors: see :func:`lanzdml.embeddings.vectors.read_vectors`, as are the last two.
        table, label: see :func:`read_labels`.

    Raises:
        LanzdmlError: one of them cannot be read, or they do not belong together.
    """
    rows = read_labels(table, label)
    found = read_vectors(vectors, column=column, id_column=id_column)
    ids = rows[ID].tolist() if ID in rows else None
    if ids is not None and None in ids:
        raise LanzdmlError(f"{table}: row {ids.index(None)} has no {ID}")
    order = rows_of(found, ids, len(rows), str(table))
    joined = "by id" if ids is not None and found.ids is not None else "in the order of the table"
    labelled = rows["label"].notna().to_numpy()
    sizes = rows["label"].value_counts()
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
    wanted = order[labelled]
    array = found.array()
    if not np.array_equal(wanted, np.arange(len(array))):  # or it would be copied
        array = array[wanted]
    return Labelled(
        array,
        rows["label"][labelled],
        joined,
        unlabelled=int((~labelled).sum()),
        unnamed=len(found) - len(rows),
    )
