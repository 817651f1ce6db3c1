"""The lower bound: random vectors."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, Method, normalise
from lanzdml.methods.dim import Dim


class Random(Method):
    """Random directions, whatever the image (section 4.2, "Random Baseline").

    Vectors are drawn uniformly from the unit sphere: a standard normal vector an image, normalised.
    They go by the position of an image in the input, so only whole collections can be compared.

    Args:
        dim: size of the output, r' in the paper.
        random_state: seed of the vectors.
    """

    name = "random"
    by_position = True

    def __init__(self, dim: Dim = 128, *, random_state: int = 0) -> None:
        self.dim = dim
        self.random_state = random_state

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(
            np.random.default_rng(self.random_state).standard_normal((len(images), self.dim_))
        )
