"""The directions in which a notion's prompts vary, and those of what must not matter do not."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.methods.against import ToldAgainst
from lanzdml.methods.base import EmbeddingError, Floats, check_number, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.subspace import principal_axes, with_signs


class ContrastSubspace(ToldAgainst):
    """Images on the directions in which the notion's prompts vary more than the others do.

    With C and D the covariances of the notion's and of the others' unit texts, each about its own
    mean, these are the eigenvectors of (1 - w) C - w D with positive eigenvalues, weighted by these
    to the power g/2 (for the weights see ``soft_subspace``). One subspace against others is the
    idea of PoS subspaces (NeurIPS 2023, arXiv 2305.14053), which take both about a joint mean in
    its tangent space. Nothing is trained, and there is no seed. Not in the paper.

    Without prompts of what must not matter D is zero.

    Args:
        dim: size of the output at most, r'.
        weight: w, from 0 to 1, of what must not matter.
        power: g, of the eigenvalues.
        random_state: without effect.

    Attributes:
        axes_: (k, r), orthogonal; the first has length one.
    """

    name = "contrast_subspace"
    deterministic = True
    learned = ("axes_",)

    def __init__(
        self, dim: Dim = 128, *, weight: float = 0.5, power: float = 0.125, random_state: int = 0
    ) -> None:
        self.dim = dim
        self.weight = weight
        self.power = power
        self.random_state = random_state

    def _fit_against(self, unit: NDArray[np.float32], other: NDArray[np.float32] | None) -> None:
        own = _deviations(unit)
        _, (largest,) = principal_axes(own * len(own) ** 0.5, 1)  # raises where they do not differ
        others = _deviations(unit[:0] if other is None else other)
        # What the prompts span holds all eigenvectors, and is smaller than the model's space.
        basis, _ = np.linalg.qr(np.concatenate([own, others]).T)
        own, others = own @ basis, others @ basis
        difference = (1 - self.weight) * own.T @ own - self.weight * others.T @ others
        values, directions = np.linalg.eigh(difference)
        values, directions = values[::-1][: self.dim_], (basis @ directions[:, ::-1]).T[: self.dim_]
        # What rounding to float32 leaves of vectors of unit length, as of their singular values.
        kept = values > (max(unit.shape) * np.finfo(np.float32).eps) ** 2
        if not kept.any() or values[0] < _NOTHING * largest**2 / len(own):
            raise CannotFitError(
                "those of what must not matter vary at least as much in all that the prompts vary "
                "in"
            )
        weights = (values[kept] / values[0]) ** (self.power / 2)
        self.axes_ = (with_signs(directions[kept]) * weights[:, None]).astype(np.float32)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.axes_.T)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number("power", self.power, 0)
        if not 0 <= self.weight <= 1:
            raise EmbeddingError(f"weight must be from 0 to 1, not {self.weight!r}")


_NOTHING = 1e-6  # of the notion's own spread: what rounding leaves of two that are the same


def _deviations(unit: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vectors (n, r) about their mean; their products with each other sum to the covariance."""
    if not len(unit):
        return unit.astype(np.float64)
    deviations: NDArray[np.float64] = unit - unit.mean(axis=0, dtype=np.float64)
    return deviations / np.sqrt(len(unit))
