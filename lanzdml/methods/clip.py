"""The images' own vectors."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, Method


class CLIP(Method):
    """The model's image vectors at their own size (section 4.2, "CLIP").

    At unit length, neighbours by distance are those by cosine, the similarity that CLIP is trained
    for. Nothing is learned from the texts.

    Args:
        random_state: without effect; every method has it.
    """

    name = "clip"
    has_dim = False
    deterministic = True

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return images
