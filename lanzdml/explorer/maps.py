"""Vectors as points in the plane, for the maps."""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from lanzdml.figures.trimap.points import trimap_points

ITERATIONS = (
    80  # a fifth of the figure's, as there is a map a method and notion: groups are the same
)


class Maps:
    """TriMaps; those that several notions have, as CLIP's, are made once.

    Args:
        seed: of each.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: dict[str, NDArray[np.float64]] = {}

    def of(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Points (n, 2) in the unit square, distances in proportion.

        Raises:
            LanzdmlError: as :func:`lanzdml.figures.trimap.points.trimap_points`.
        """
        key = sha256(np.ascontiguousarray(vectors).tobytes()).hexdigest()
        if key not in self._made:
            points = trimap_points(vectors, self._seed, ITERATIONS).astype(np.float64)
            low, high = points.min(axis=0), points.max(axis=0)
            extent = float((high - low).max()) or 1.0
            self._made[key] = (points - (low + high) / 2) / extent + 0.5
        return self._made[key]
