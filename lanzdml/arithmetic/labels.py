"""What is given as labels, whatever holds them, as one series."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lanzdml.arithmetic.arrays import as_array


def as_labels(labels: Any) -> pd.Series:
    """One label a row: a series of what can be compared, with nulls where they are null or masked.

    Args:
        labels: an array, tensor, series, categorical or list of hashable labels. Tensors of one
            number in a list, which would each be a class of its own, are that number.

    Raises:
        TypeError: they are no sequence, or a label is not hashable.
        ValueError: there is not one a row.
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
    if series.dtype == object:
        series = pd.Series(_plain(series), dtype=object)
        for row, label in enumerate(series):
            try:
                hash(label)
            except TypeError:
                kind = type(label).__name__
                raise TypeError(f"labels must be hashable; that of row {row} is a {kind}") from None
    return series


def _plain(labels: Any) -> list[Any]:
    """Labels without tensors and arrays of one value, which are not equal to each other."""
    return [
        _value(label, row) if hasattr(label, "detach") or isinstance(label, np.ndarray) else label
        for row, label in enumerate(labels)
    ]


def _value(label: Any, row: int) -> Any:
    if label.ndim:
        raise ValueError(
            f"labels must be one a row; that of row {row} has shape {tuple(label.shape)}"
        )
    return label.item()
