"""The subspace of the text embeddings."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, Method, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.subspace import principal_directions


class TextSubspace(Method):
    """Images projected onto the subspace in which the texts vary, and normalised.

    Its basis are the directions of the largest singular values of the centred texts of unit length,
    as many as r' at most. Nothing is trained, and there is no seed. Not in the paper.

    Args:
        dim: size of the output at most, r'; fewer prompts span fewer dimensions.
        random_state: without effect.

    Attributes:
        components_: (k, r), orthonormal.
    """

    name = "text_subspace"
    deterministic = True
    learned = ("components_",)

    def __init__(self, dim: Dim = 128, *, random_state: int = 0) -> None:
        self.dim = dim
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        centred = unit - unit.mean(axis=0, dtype=np.float64)
        self.components_ = principal_directions(centred, self.dim_).astype(np.float32)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.components_.T)
