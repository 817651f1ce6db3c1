"""Principal components of the text embeddings, as many as there are."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, Method
from lanzdml.methods.dim import Dim
from lanzdml.methods.subspace import principal_directions


class PCARank(Method):
    """The paper's PCA with as many components as the centred texts have, r' at most.

    The paper leaves PCA out where there are fewer prompts than dimensions; this one is defined for
    any two prompts. Decomposed exactly, so there is no seed. Not in the paper.

    Args:
        dim: size of the output at most, r'.
        random_state: without effect.

    Attributes:
        mean_: (r,), the mean of the texts of unit length.
        components_: (k, r).
    """

    name = "pca_rank"
    deterministic = True
    learned = ("mean_", "components_")

    def __init__(self, dim: Dim = 128, *, random_state: int = 0) -> None:
        self.dim = dim
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        mean = unit.mean(axis=0, dtype=np.float64)
        self.components_ = principal_directions(unit - mean, self.dim_).astype(np.float32)
        self.mean_ = mean.astype(np.float32)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return (images - self.mean_) @ self.components_.T
