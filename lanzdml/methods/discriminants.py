"""Directions in which groups differ, where what varies inside them is made small."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from lanzdml.methods.base import EmbeddingError, Floats, check_number
from lanzdml.methods.subspace import principal_directions

_NOTHING = 1e-12  # of the square of unit vectors: what rounding leaves


def discriminants(
    differences: Floats,
    within: NDArray[np.float64],
    shrinkage: float,
    most: int,
    what: str = "prompts",
) -> NDArray[np.float64]:
    """Fisher's linear discriminants of groups.

    The covariance inside groups, shrunk towards a multiple of the identity with the same trace,
    whitens the groups' centres, whose principal directions these are. Where nothing varies inside
    them there is nothing to whiten by.

    Args:
        differences: (n, r), of the groups' centres to what they have in common.
        within: (r, r), the covariance inside groups.
        shrinkage: the identity's share, above 0, up to 1, where nothing is whitened.
        most: how many at most.
        what: of what the centres are, for the error.

    Returns:
        (k, r), orthonormal once vectors are whitened.

    Raises:
        CannotFitError: the centres do not differ.
    """
    r = len(within)
    spread = np.trace(within) / r
    shrunk = np.eye(r)
    if spread > _NOTHING:
        shrunk = within * ((1 - shrinkage) / spread)
        shrunk.flat[:: r + 1] += shrinkage
    # With shrunk = L L', x L'^-1 is white; so is x W for the symmetric W, but for a rotation, which
    # the projection undoes.
    root = cholesky(shrunk, lower=True)
    white = solve_triangular(root, differences.T, lower=True).T
    directions = principal_directions(white, most, what)
    axes: NDArray[np.float64] = solve_triangular(root, directions.T, lower=True, trans="T").T
    return axes


def check_shrinkage(value: float) -> None:
    """Raises EmbeddingError unless the value is above 0 and 1 at most."""
    check_number("shrinkage", value, 0)
    if not 0 < value <= 1:
        raise EmbeddingError(f"shrinkage must be above 0 and 1 at most, not {value!r}")
