"""The labels of a notion, as they are in a manifest's columns.

An image has a label, several values, or none. Columns of several values are lists in a manifest, or
texts that a separator takes apart here: so a column can be read in both ways, and another separator
leaves the manifest, and all that was made of its images, alone.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from lanzdml.arithmetic.labels import values_of
from lanzdml.datasets.manifest import ID, read_manifest, readable
from lanzdml.errors import LanzdmlError

JOINED_BY = " + "
LabelColumn = str | tuple[str, str]
LabelColumns = str | Sequence[LabelColumn]
"""Where a notion's labels are: in a column or, for a combined notion, in one of each part. A column
is its name, or a pair: its name, and what separates several values in a cell."""


def columns_of(labels: LabelColumns) -> list[tuple[str, str]]:
    """The columns, of one or of several, with what separates values in each; mostly nothing."""
    columns = [labels] if isinstance(labels, str) else labels
    return [
        (column, "") if isinstance(column, str) else (column[0], column[1]) for column in columns
    ]


def names_of(labels: LabelColumns) -> tuple[str, ...]:
    """The columns' names, whatever separates values in them: what says the same of images."""
    return tuple(column for column, _ in columns_of(labels))


def told(labels: LabelColumns) -> str:
    """The columns in words."""
    return JOINED_BY.join(names_of(labels))


def read_labels(path: Path, columns: LabelColumns) -> pd.Series:
    """A manifest's labels for a notion in its order, null where there is none.

    A combined notion's are those of its parts, joined, where an image has all of them. They are
    joined here, not in the manifest: another combination leaves that, and all made of it, alone.
    A notion that is not scored need not be in the manifest.

    Returns:
        strings; or, where an image has several values, a frozenset of them an image.
    """
    return read_all_labels(path, {"labels": columns})["labels"]


def read_all_labels(path: Path, columns: Mapping[str, LabelColumns]) -> pd.DataFrame:
    """A manifest's ids and, as :func:`read_labels`, its labels for several notions.

    Args:
        path: of the manifest.
        columns: for each notion where its labels are, mostly in a column of the same name.

    Raises:
        LanzdmlError: joined labels of different parts would be the same text, or there are no
            values to separate, see :func:`separated`.
    """
    parts = {notion: columns_of(names) for notion, names in columns.items()}
    with readable(path):
        in_manifest = set(pq.read_schema(path).names)
    used = {name for names in parts.values() for name, _ in names} & in_manifest
    table = read_manifest(path, columns=[ID, *sorted(used)])
    none = pd.Series(None, table.index, dtype="str")
    labels = {}
    for notion, names in parts.items():
        of_parts = [
            separated(path, table[name], separator) if name in used else none
            for name, separator in names
        ]
        labels[notion] = _joined(path, told(columns[notion]), of_parts)
    return pd.DataFrame({ID: table[ID], **labels})


def label_text(label: Any) -> str:
    """A label as it is shown: its values, sorted."""
    return ", ".join(values_of(label))


def class_sizes(labels: pd.Series) -> pd.Series:
    """How many images have each value, by it, of labels that may be null; the most first.

    Of labels as they are read, or of a reader's data frame, where several values are a tuple.
    """
    values = labels.dropna().map(
        lambda label: label if isinstance(label, tuple) else values_of(label)
    )
    return values.explode().value_counts()


def distinct_labels(path: Path, columns: LabelColumns) -> list[str]:
    """The labels that occur in a manifest for a notion, sorted.

    Raises:
        LanzdmlError: there are fewer than two.
    """
    values = sorted(class_sizes(read_labels(path, columns)).index)
    if len(values) < 2:
        only = f"only the label {values[0]!r}" if values else "no label"
        notion = told(columns)
        raise LanzdmlError(f"{path}: images have {only} for {notion}; prompts need two or more")
    return values


def separated(path: Path, cells: pd.Series, separator: str) -> pd.Series:
    """A table's column of texts as tuples of the values in each; as it is without a separator.

    Args:
        path: of the table, for errors.
        cells: texts, null where there is none; or tuples of values already.
        separator: what is between values; blanks around them do not count.

    Returns:
        tuples of distinct values, None of a text without any.

    Raises:
        LanzdmlError: the column holds lists already, or has texts and the separator in none of
            them: then it is a mistake, which would make a class of each list.
    """
    if not separator:
        return cells
    if any(isinstance(cell, tuple) for cell in cells):
        raise LanzdmlError(
            f"{path}: column {cells.name!r} holds lists of values, so that there is nothing to "
            "separate: leave the labels' separator out"
        )
    texts = [cell for cell in cells if isinstance(cell, str)]
    if texts and not any(separator in text for text in texts):
        raise LanzdmlError(
            f"{path}: {separator!r} separates nothing in column {cells.name!r}, as in "
            f"{texts[0]!r}: say the labels' separator that is there, or leave it out"
        )
    values = [
        tuple(sorted(set(filter(None, map(str.strip, cell.split(separator)))))) or None
        if isinstance(cell, str)
        else None
        for cell in cells
    ]
    return pd.Series(values, cells.index, dtype=object)


def labels_in(path: Path, cells: pd.Series, separator: str = "") -> pd.Series:
    """The labels that a table's column holds, as those of :func:`read_labels`.

    Arguments and errors as of :func:`separated`.
    """
    return _joined(path, str(cells.name), [separated(path, cells, separator)])


def _joined(path: Path, name: str, parts: list[pd.Series]) -> pd.Series:
    """The labels of a notion of some parts, each strings or tuples."""
    if any(isinstance(label, tuple) and len(label) > 1 for part in parts for label in part):
        return _joined_values(path, name, parts)
    plain = [_plain(part) for part in parts]
    joined = plain[0]
    for part in plain[1:]:
        joined = joined.str.cat(part, sep=JOINED_BY)
    several = pd.concat(plain, axis=1)[joined.notna()].drop_duplicates()
    if len(several) > joined.nunique():
        raise _ambiguous(path, name)
    return joined


def _joined_values(path: Path, name: str, parts: list[pd.Series]) -> pd.Series:
    """Sets of values: of several parts all pairs, so that what agrees in each part shares one."""
    labels: list[frozenset[str] | None] = []
    of_text: dict[str, tuple[str, ...]] = {}
    for of_parts in zip(*parts, strict=True):
        values = [label if isinstance(label, tuple) else (label,) for label in of_parts]
        if any(pd.isna(value) for of_part in values for value in of_part):
            labels.append(None)
            continue
        several = {JOINED_BY.join(joined): joined for joined in product(*values)}
        if any(of_text.setdefault(text, joined) != joined for text, joined in several.items()):
            raise _ambiguous(path, name)
        labels.append(frozenset(several))
    return pd.Series(labels, parts[0].index, dtype=object)


def _plain(labels: pd.Series) -> pd.Series:
    """Strings of a column of one value an image."""
    if not any(isinstance(label, tuple) for label in labels):
        return labels
    values = [label[0] if isinstance(label, tuple) else None for label in labels]
    return pd.Series(values, labels.index, dtype="str")


def _ambiguous(path: Path, name: str) -> LanzdmlError:
    return LanzdmlError(
        f"{path}: labels of {name} hold {JOINED_BY!r} themselves, so that different ones are the "
        "same when they are joined: change these labels"
    )
