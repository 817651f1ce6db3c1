"""Fisher's linear discriminant of labelled classes, with a shrunk covariance."""

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from lanzdml.methods.base import Floats, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.discriminants import check_shrinkage, discriminants
from lanzdml.methods.labelled import Codes, SeesLabels, means_of

_BLOCK = 4096  # images that are copied to float64 at once


class LDA(SeesLabels):
    """Images projected onto the linear discriminants of labelled classes.

    The covariance inside the classes, shrunk towards a multiple of the identity with the same
    trace, whitens images, which are projected onto what the class means then span. With a share of
    one half these are the discriminants of scikit-learn's ``LinearDiscriminantAnalysis`` with
    ``shrinkage=0.5`` for classes of equal size, a test compares; its automatic shrinkage, which is
    estimated class by class, is not defined for two images a class, and none of it is for one,
    where nothing is whitened here. Not in the paper.

    Args:
        dim: size of the output at most, r'; c classes have c - 1 discriminants.
        shrinkage: the identity's share, above 0, up to 1, where nothing is whitened.
        random_state: without effect.

    Attributes:
        mean_: (r,), of the class means, so that all classes count alike.
        axes_: (k, r), orthonormal once images are whitened.
    """

    name = "lda"
    deterministic = True
    learned = ("mean_", "axes_")

    def __init__(self, dim: Dim = 128, *, shrinkage: float = 0.5, random_state: int = 0) -> None:
        self.dim = dim
        self.shrinkage = shrinkage
        self.random_state = random_state

    def _fit_labelled(self, unit: NDArray[np.float32], codes: Codes) -> None:
        self.mean_, self.axes_ = linear_discriminants(unit, codes, self.shrinkage, self.dim_)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise((normalise(images) - self.mean_) @ self.axes_.T)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_shrinkage(self.shrinkage)


def linear_discriminants(
    unit: NDArray[np.float32], codes: Codes, shrinkage: float, most: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean (r,) of the class means, and the discriminants (k, r), of :class:`LDA`.

    Raises:
        CannotFitError: the class means do not differ.
    """
    means = means_of(unit, codes)
    within = np.zeros((unit.shape[1],) * 2)
    for some in gen_batches(len(unit), _BLOCK):
        rest = unit[some] - means[codes[some]]
        within += rest.T @ rest
    within /= len(unit)
    mean = means.mean(axis=0)
    axes = discriminants(means - mean, within, shrinkage, most, "class means")
    return mean.astype(np.float32), axes.astype(np.float32)
