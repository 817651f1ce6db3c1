"""Whether what two folders hold of the same thing is the same, and where it is not."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lanzdml.datasets.parquet_file import read_result
from lanzdml.embeddings.storage import read_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.files import content_of
from lanzdml.names import shortened
from lanzdml.sharing.rows import ROW_KEYS, plain, read_rows
from lanzdml.transforms.storage import read_stored

TIMES = ("fit_seconds",)
"""What differs from one time to the next."""
# A folder may have been renamed in by an earlier merge: the path says what it is of.
_APART = (*TIMES, "dataset", "model")
_SHOWN = 3  # differing columns

ROUNDING = 2.0**-10
"""By what share of their length embeddings of one image may differ: what rounding to the ten bits
of TF32, the coarsest that devices multiply with, makes of a number."""


def differences(
    mine: pd.DataFrame,
    theirs: pd.DataFrame,
    keys: Sequence[str],
    without: Collection[str] = TIMES,
    partly: bool = False,
) -> list[str]:
    """Where rows with the same keys differ, in words: the first of each column.

    Args:
        mine, theirs: rows.
        keys: columns that name a row; without, they go by their order.
        without: columns that may differ.
        partly: rows that only one of them has do not count.
    """
    columns = [name for name in mine if name not in (*keys, *without)]
    if others := set(mine.columns) ^ set(theirs.columns):
        return [f"only one has {min(others)}"]
    if keys:
        mine, theirs = mine.set_index(list(keys)), theirs.set_index(list(keys))
        if mine.index.has_duplicates or theirs.index.has_duplicates:
            return [f"rows are there twice by {', '.join(keys)}"]
        shared = mine.index.intersection(theirs.index, sort=False)
        if not partly and len(alone := mine.index.symmetric_difference(theirs.index)):
            return [f"only one has rows at {where(keys, alone[0])}"]
        mine, theirs = mine.loc[shared], theirs.loc[shared]
    elif len(mine) != len(theirs):
        return [f"{len(mine):,} rows and {len(theirs):,}"]
    found = []
    for name in columns:
        first, second = mine[name].to_numpy(object), theirs[name].to_numpy(object)
        differ = np.fromiter(
            (not _equal(*pair) for pair in zip(first, second, strict=True)), bool, len(first)
        )
        if differ.any():
            row = int(differ.argmax())
            place = f" at {where(keys, mine.index[row])}" if keys else ""
            found.append(f"{name} is {_shown(first[row])} and {_shown(second[row])}{place}")
    return found[:_SHOWN]


def _equal(first: Any, second: Any) -> bool:
    if pd.isna(first) or pd.isna(second):
        return bool(pd.isna(first) and pd.isna(second))
    return bool(first == second)


def _shown(value: Any) -> str:
    return shortened(repr(value.item() if isinstance(value, np.generic) else value), 60)


def where(keys: Sequence[str], index: object) -> str:
    """A place in an index of some keys, in words."""
    values = index if isinstance(index, tuple) else (index,)
    return ", ".join(f"{key} {value}" for key, value in zip(keys, values, strict=True))


def rows_differ(mine: Path, theirs: Path, stage: str) -> list[str]:
    """As :func:`differences`, of a run's files; they may have some seeds in common only."""
    if content_of(mine) == content_of(theirs):
        return []
    first, second = read_rows(mine, stage), read_rows(theirs, stage)
    keys = ROW_KEYS[stage]
    if "seed" not in keys:  # pairs of seeds, of which the first one's are others
        return differences(first, second, keys, _APART, partly=True)
    shared = set(first["seed"]) & set(second["seed"])
    first, second = (rows[rows["seed"].isin(shared)] for rows in (first, second))
    return differences(first, second, keys, _APART)


def tables_differ(mine: Path, theirs: Path) -> list[str]:
    """As :func:`differences`, of files of other rows, which are in one order."""
    if content_of(mine) == content_of(theirs):
        return []
    tables = [read_result(path) for path in (mine, theirs)]
    for path, table in zip((mine, theirs), tables, strict=True):
        if any(pa.types.is_nested(field.type) for field in table.schema):
            raise LanzdmlError(f"{path} has cells that hold several values, which no run writes")
    return differences(plain(tables[0]), plain(tables[1]), (), _APART)


def transforms_differ(mine: Path, theirs: Path) -> list[str]:
    """Where two transforms differ."""
    if content_of(mine) == content_of(theirs):
        return []
    (told, arrays), (other_told, others) = read_stored(mine), read_stored(theirs)
    found = [
        f"{key} is {_shown(told.get(key))} and {_shown(other_told.get(key))}"
        for key in sorted(told.keys() | other_told.keys())
        if key not in TIMES and told.get(key) != other_told.get(key)
    ]
    if arrays.keys() != others.keys():
        return [*found, f"they hold {sorted(arrays)} and {sorted(others)}"][:_SHOWN]
    for name in sorted(arrays):
        first, second = arrays[name], others[name]
        if first.shape != second.shape or first.dtype != second.dtype:
            found.append(f"{name} is {first.dtype} {first.shape} and {second.dtype} {second.shape}")
        elif not np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
            differ = np.argwhere(first != second)[0]
            at = tuple(int(position) for position in differ)
            found.append(f"{name}{list(at)} is {_shown(first[at])} and {_shown(second[at])}")
    return found[:_SHOWN]


def embeddings_differ(mine: Path, theirs: Path) -> float:
    """By what share of their length the embeddings of one image or prompt differ, at most.

    Raises:
        LanzdmlError: they are of other images or prompts, or by more than :data:`ROUNDING`.
    """
    if content_of(mine) == content_of(theirs):
        return 0.0
    (rows, first, _), (others, second, _) = read_embeddings(mine), read_embeddings(theirs)
    if not rows.equals(others) or first.shape != second.shape:
        raise LanzdmlError(f"{mine} and {theirs} are of other images or prompts, or other sizes")
    lengths = np.maximum(np.linalg.norm(first, axis=1), np.finfo(np.float32).tiny)
    shares = np.linalg.norm(first.astype(np.float64) - second, axis=1) / lengths
    most = float(shares.max(initial=0))
    if not most <= ROUNDING:
        row = int(np.nanargmax(shares))
        raise LanzdmlError(
            f"{mine} and {theirs} differ by {most:.2g} of the length in row {row}, more than "
            f"rounding makes ({ROUNDING:.2g}): one of them is not what it says"
        )
    return most
