"""How many dimensions vectors vary in, by which r' is chosen where nobody says it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import as_codes, as_labels
from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.methods.dim import Dim

Unit = NDArray[np.float32]


def number_of(dim: Dim, unit: Unit, labels: NDArray[Any] | None = None) -> int:
    """r' of what a method is fitted to: the number that is asked for, or the one that it says.

    Args:
        dim: a number; or "auto", which is :func:`chosen_dim`.
        unit: (n, r), of unit length: texts, or images.
        labels: of images, as of :func:`class_directions`: then that of these directions.
    """
    if not isinstance(dim, str):
        return dim
    with one_blas_thread():
        return chosen_dim(unit if labels is None else class_directions(unit, labels))


def chosen_dim(unit: Unit) -> int:
    """r' that texts say: their effective rank, and one for what they have in common.

    The rank is of what is left when their mean is taken away, and a method that does not take it
    away, as InDiReCT, needs a dimension for it: without, it can end below CLIP where prompts are
    few (``docs/dim-choice.md``).

    Args:
        unit: (n, r), of unit length.
    """
    return min(effective_rank(unit) + 1, unit.shape[1])


def effective_rank(unit: Unit) -> int:
    """How many dimensions vectors vary in: exp of the entropy of their spectrum, rounded.

    The entropy is that of the shares that the centred vectors' singular values have of their sum:
    k equal ones give k, and unequal ones fewer (Roy and Vetterli, "The effective rank: a measure
    of effective dimensionality", EUSIPCO 2007).

    Args:
        unit: (n, r), of unit length.

    Returns:
        at least 1, and never more than the vectors span.
    """
    return of_entropy(singular_values(unit))


def of_entropy(values: NDArray[np.float64]) -> int:
    """exp of the entropy of the shares that positive values (k,) have of their sum, rounded."""
    shares = values / values.sum()
    return at_least_one(np.exp(-(shares * np.log(shares)).sum()))


def singular_values(unit: Unit) -> NDArray[np.float64]:
    """Those of centred vectors: the roots of their covariance's eigenvalues, times their number's.

    Args:
        unit: (n, r), of unit length.

    Returns:
        (k,), those that are not 0, the largest first; none where all vectors are the same.
    """
    centred = unit - unit.mean(axis=0, dtype=np.float64)
    values = np.linalg.svd(centred, compute_uv=False)
    # What rounding to float32 leaves is 0, as in lanzdml.methods.subspace.
    return values[values > max(centred.shape) * np.finfo(np.float32).eps]


def at_least_one(dimensions: float) -> int:
    """A number of dimensions, rounded."""
    return max(1, round(float(dimensions)))


def class_directions(unit: Unit, labels: NDArray[Any]) -> Unit:
    """The mean direction of each class: what stands for texts where there are none.

    Args:
        unit: (n, r), of unit length.
        labels: (n,), which sort; or (n, classes) bool, whether each image is in each class.

    Returns:
        (classes, r), of unit length.
    """
    codes = labels if labels.ndim == 2 else as_codes(as_labels(labels))
    if codes.ndim == 2:
        sums = codes.T.astype(np.float64) @ unit
    else:
        sums = np.zeros((codes.max() + 1, unit.shape[1]))
        np.add.at(sums, codes, unit)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)
