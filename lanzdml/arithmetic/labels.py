"""What is given as labels, whatever holds them, as one series."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.arrays import as_array


def as_labels(labels: Any) -> pd.Series:
    """One label a row: a series of what can be compared, with nulls where they are null or masked.

    Args:
        labels: an array, tensor, series, categorical or list of hashable labels. Tensors of one
            number in a list, which would each be a class of its own, are that number. A list or a
            set in place of a label holds several values, or one, or none, which is null.

    Returns:
        labels; or, where any row has several values, a frozenset a row.

    Raises:
        TypeError: they are no sequence, or a label or a value is not hashable.
        ValueError: there is not one a row, or one of several values is null.
    """
    in_order = isinstance(labels, Sequence) or hasattr(labels, "__array__")
    if isinstance(labels, str | bytes) or not in_order:
        raise TypeError(f"labels must be one a row, not {type(labels).__name__}")
    if hasattr(labels, "detach"):
        labels = as_array(labels)
    elif not hasattr(labels, "__len__"):
        labels = np.asarray(labels)
    if getattr(labels, "ndim", 1) != 1:
        raise ValueError(f"labels have shape {tuple(labels.shape)}, but must be one a row")
    if isinstance(labels, list | tuple):
        labels = _plain(labels)
    series = pd.Series(labels)
    if isinstance(series.dtype, pd.CategoricalDtype | pd.ArrowDtype):  # which may hold sets, too
        series = series.astype(object)
    if series.dtype == object:
        series = _with_sets(_plain(series))
        for row, label in enumerate(series):
            try:
                hash(label)
            except TypeError:
                kind = type(label).__name__
                raise TypeError(f"labels must be hashable; that of row {row} is a {kind}") from None
    return series


def values_of(label: Any) -> list[Any]:
    """The values of a label that is not null, in a fixed order where they are of one type."""
    if not isinstance(label, frozenset):
        return [label]
    try:
        return sorted(label)
    except TypeError:
        return sorted(label, key=repr)


def as_codes(labels: pd.Series) -> NDArray[np.integer] | NDArray[np.bool_]:
    """The classes of labels, of :func:`as_labels`, none of them null, in the order of their values.

    Returns:
        (n,), of each label its class, from 0; or, of sets of values, (n, classes), whether each
        has it. Sets are no classes, and cannot be sorted: one is in another or it is not.

    Raises:
        TypeError: values do not sort, as they are of several types.
    """
    if not has_several(labels):
        return np.unique(labels.to_numpy(), return_inverse=True)[1]
    sets = labels.map(values_of)
    values, codes = np.unique(in_one_array(chain(*sets)), return_inverse=True)
    has = np.zeros((len(sets), len(values)), bool)
    has[np.repeat(np.arange(len(sets)), sets.map(len)), codes] = True
    return has


def in_one_array(values: Iterable[Any]) -> NDArray[Any]:
    """Values (n,), of which NumPy would make a matrix where they are tuples."""
    return pd.Series(list(values), dtype=object).to_numpy()


def has_several(labels: Iterable[Any]) -> bool:
    """Whether labels, as those of :func:`as_labels`, are sets of values."""
    return any(isinstance(label, frozenset) for label in labels)


def _with_sets(labels: list[Any]) -> pd.Series:
    """Labels with a frozenset a row where one has several values, and else without sets."""
    several = [isinstance(label, list | AbstractSet) for label in labels]
    if not any(several):
        return pd.Series(labels, dtype=object)
    sets = [
        _as_set(label, row) if is_set else label
        for row, (label, is_set) in enumerate(zip(labels, several, strict=True))
    ]
    if any(isinstance(label, frozenset) and len(label) > 1 for label in sets):
        values = [
            label if isinstance(label, frozenset) or pd.isna(label) else frozenset([label])
            for label in sets
        ]
        return pd.Series(values, dtype=object)
    return pd.Series(
        [next(iter(label)) if isinstance(label, frozenset) else label for label in sets],
        dtype=object,
    )


def _as_set(label: Any, row: int) -> frozenset[Any] | None:
    values = _plain(label)
    try:
        found = frozenset(values)
    except TypeError:
        kind = next(type(value).__name__ for value in values if _unhashable(value))
        raise TypeError(f"labels must be hashable; one of row {row} is a {kind}") from None
    if any(pd.isna(value) for value in found if not isinstance(value, tuple)):
        raise ValueError(f"one of the values of row {row} is null; leave it out")
    return found or None


def _unhashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return True
    return False


def _plain(labels: Any) -> list[Any]:
    """Labels without tensors and arrays of one value, which are not equal to each other."""
    return [
        _value(label, row) if hasattr(label, "detach") or isinstance(label, np.ndarray) else label
        for row, label in enumerate(labels)
    ]


def _value(label: Any, row: int) -> Any:
    if label.ndim:
        raise ValueError(
            f"labels must be one a row; that of row {row} has shape {tuple(label.shape)}; several "
            "values are a list or a set"
        )
    return label.item()
