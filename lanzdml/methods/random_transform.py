"""What InDiReCT's training is worth: the same transform, untrained."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, Method, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.initial import gaussian


class RandomTransform(Method):
    """Images projected with the U that InDiReCT starts from (section 4.2).

    The same seed gives the same initial U in both.

    Args:
        dim: size of the output, r' in the paper.
        random_state: seed of U.

    Attributes:
        U_: (r, dim).
    """

    name = "random_transform"
    learned = ("U_",)

    def __init__(self, dim: Dim = 128, *, random_state: int = 0) -> None:
        self.dim = dim
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        self.U_ = gaussian(np.random.default_rng(self.random_state), unit.shape[1], self.dim_)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.U_)
