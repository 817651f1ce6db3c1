"""Principal components of the text embeddings."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.methods.base import Floats, Method
from lanzdml.methods.dim import Dim


class PCA(Method):
    """Images centred and projected by the principal components of the texts (section 4.2, "PCA").

    Defined only for more prompts than dimensions. scikit-learn's PCA, as in the paper's code: for
    many prompts its solver is a randomised one, so seeds differ slightly.

    Args:
        dim: size of the output, r' in the paper.
        random_state: seed of the randomised solver.

    Attributes:
        mean_: (r,), the mean of the texts of unit length.
        components_: (dim, r).
    """

    name = "pca"
    learned = ("mean_", "components_")

    def __init__(self, dim: Dim = 128, *, random_state: int = 0) -> None:
        self.dim = dim
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        from sklearn.decomposition import PCA as Decomposition

        n_distinct = len(np.unique(unit, axis=0))
        if n_distinct <= self.dim_:
            raise CannotFitError(
                f"PCA to {self.dim_} dimensions needs more than {self.dim_} distinct prompts, "
                f"but there are {n_distinct}"
            )
        if self.dim_ > unit.shape[1]:
            raise CannotFitError(
                f"PCA to {self.dim_} dimensions needs vectors of at least {self.dim_} components, "
                f"but they have {unit.shape[1]}"
            )
        pca = Decomposition(n_components=self.dim_, random_state=self.random_state).fit(unit)
        self.mean_, self.components_ = pca.mean_, pca.components_

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return (images - self.mean_) @ self.components_.T
