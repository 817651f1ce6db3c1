"""What is given as numbers, whatever holds them, as one array.

NumPy reads some things as numbers that are none, or as other ones, without a word: text that looks
like a number, what a mask hides, the real part of a complex number. These are refused.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_array(values: Any) -> NDArray[Any]:
    """Real numbers as an array of the type that they have: nothing is rounded.

    Args:
        values: an array, a masked one without masked values, a tensor on any device, a data frame,
            or a list or series of rows, which can be of all these.

    Raises:
        TypeError: they are no real numbers, or lie in a sparse matrix.
        ValueError: rows have different lengths, or values are masked.
    """
    if hasattr(values, "detach"):  # a torch tensor, recognised without importing torch
        return _of_tensor(values)
    if hasattr(values, "tocsr"):
        raise TypeError("it is a sparse matrix, of which toarray() makes one that can be used")
    if np.ma.isMaskedArray(values):
        if np.ma.is_masked(values):
            raise ValueError(f"{np.ma.count_masked(values)} of them are masked")
        values = values.data
    if isinstance(values, list | tuple) and any(_has_own_rules(row) for row in values):
        return _stacked(values)
    try:
        array = np.asarray(values)
    except ValueError:
        if isinstance(values, list | tuple):
            return _stacked(values)
        raise
    if array.dtype.kind == "O":
        array = _of_objects(array, type(values))
    if array.dtype.kind == "c":
        raise TypeError("Complex data not supported")
    if array.dtype.kind not in "bfiu":
        raise TypeError(f"their type is {array.dtype}")
    return array


def _of_tensor(tensor: Any) -> NDArray[Any]:
    try:
        tensor = tensor.detach().cpu()
        if tensor.dtype.is_floating_point and tensor.element_size() < 4:
            tensor = tensor.float()  # exact; NumPy does not have all types of half precision
        return as_array(tensor.numpy())
    except RuntimeError as error:  # of a tensor without values, for instance
        raise TypeError(str(error).splitlines()[0]) from None


def _has_own_rules(row: Any) -> bool:
    """Whether NumPy would read a row of a list otherwise than :func:`as_array` does."""
    return hasattr(row, "detach") or np.ma.isMaskedArray(row)


def _of_objects(array: NDArray[Any], given: type) -> NDArray[Any]:
    if array.ndim == 0:
        raise TypeError(f"{given.__name__} is no matrix")
    if array.ndim == 1 and len(array) and np.iterable(array[0]) and not _is_text(array[0]):
        return _stacked(array)
    if any(_is_text(value) for value in array.flat):
        raise TypeError("there is text among them")
    return array.astype(np.float64)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes)


def _stacked(rows: Iterable[Any]) -> NDArray[Any]:
    arrays: list[NDArray[Any]] = []
    for number, row in enumerate(rows):
        try:
            array = as_array(row)
        except (TypeError, ValueError) as error:
            raise type(error)(f"row {number}: {error}") from None
        if arrays and array.shape != arrays[0].shape:
            raise ValueError(f"row {number} has shape {array.shape}, and row 0 {arrays[0].shape}")
        arrays.append(array)
    return np.stack(arrays)
