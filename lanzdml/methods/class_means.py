"""The subspace that the means of labelled classes span."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.labelled import Codes, SeesLabels, means_of
from lanzdml.methods.subspace import principal_directions


class ClassMeans(SeesLabels):
    """The span of the differences between class means: what ``text_subspace`` is to prompts.

    Images about the mean of the class means are projected onto it. An image of several values is in
    the mean of each. Not in the paper.

    Args:
        dim: size of the output at most, r'; c classes span c - 1 dimensions.
        random_state: without effect.

    Attributes:
        mean_: (r,), of the class means, so that all classes count alike.
        directions_: (k, r), orthonormal.
    """

    name = "class_means"
    deterministic = True
    takes_several_values = True
    learned = ("mean_", "directions_")

    def __init__(self, dim: Dim = 128, *, random_state: int = 0) -> None:
        self.dim = dim
        self.random_state = random_state

    def _fit_labelled(self, unit: NDArray[np.float32], codes: Codes) -> None:
        means = means_of(unit, codes)
        mean = means.mean(axis=0)
        directions = principal_directions(means - mean, self.dim_, "class means")
        self.mean_, self.directions_ = mean.astype(np.float32), directions.astype(np.float32)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise((normalise(images) - self.mean_) @ self.directions_.T)
