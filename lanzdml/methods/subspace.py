"""Subspaces that prompts span, by singular value decomposition in float64."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.methods.base import Floats


def principal_directions(
    differences: Floats, most: int, what: str = "prompts"
) -> NDArray[np.float64]:
    """The directions (k, r) of :func:`principal_axes`."""
    return principal_axes(differences, most, what)[0]


def principal_axes(
    differences: Floats, most: int, what: str = "prompts"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The directions of a matrix' largest singular values, as many as it has at most.

    Directions have a sign such that their largest component is positive, so that they do not depend
    on the library that decomposes.

    Args:
        differences: (n, r), of vectors of unit length to what they have in common.
        most: how many directions at most.
        what: of what the rows are, for the error.

    Returns:
        (k, r) orthonormal rows, k being the smaller of ``most`` and the rank, and their singular
        values (k,), the largest first.

    Raises:
        CannotFitError: the rank is 0.
    """
    _, values, directions = np.linalg.svd(np.asarray(differences, np.float64), full_matrices=False)
    # As numpy.linalg.matrix_rank for vectors rounded to float32, but relative to their length: if
    # all prompts are the same, the largest singular value is itself what rounding left over.
    rank = int((values > max(differences.shape) * np.finfo(np.float32).eps).sum())
    if rank == 0:
        n, r = differences.shape
        raise CannotFitError(
            f"the {what} do not differ: they span no subspace (n_samples={n}, n_features={r})"
        )
    kept = min(most, rank)
    return with_signs(directions[:kept]), values[:kept]


def with_signs(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows (k, r), each with the sign by which its largest component is positive."""
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return directions * np.sign(largest)
