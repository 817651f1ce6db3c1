"""Coordinates on the prompts."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, Method, normalise


class CRL(Method):
    """The cosines of an image with each prompt as its vector.

    Conditional Representation Learning (NeurIPS 2025, arXiv 2510.04564), its embedding of the
    criterion's texts without the words of a language model, which are the prompts here. With the
    prompts' mean taken away it is ``soft_subspace`` with g = 1. Not in the paper.

    Args:
        random_state: without effect.

    Attributes:
        prompts_: (n, r), of unit length.
    """

    name = "crl"
    has_dim = False
    deterministic = True
    learned = ("prompts_",)

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        self.prompts_ = unit

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.prompts_.T)
