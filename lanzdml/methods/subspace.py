"""Subspaces that prompts span, by singular value decomposition in float64."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError


def principal_directions(rows: NDArray, most: int) -> NDArray[np.float64]:
    """The directions of a matrix' (n, r) largest singular values, as many as it has at most.

    Directions have a sign such that their largest component is positive, so that they do not depend
    on the library that decomposes.

    Args:
        rows: vectors; centred ones for the directions of their largest variance.
        most: how many directions at most.

    Returns:
        (k, r) orthonormal rows, k being the smaller of ``most`` and the rank.

    Raises:
        CannotFitError: the rank is 0.
    """
    rows = np.asarray(rows, np.float64)
    _, values, directions = np.linalg.svd(rows, full_matrices=False)
    # As numpy.linalg.matrix_rank, but for vectors that were rounded to float32.
    rank = int((values > values[0] * max(rows.shape) * np.finfo(np.float32).eps).sum())
    if not values[0] > 0:
        raise CannotFitError("the prompts do not differ: they span no subspace")
    directions = directions[: min(most, rank)]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return directions * np.sign(largest)
