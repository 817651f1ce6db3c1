"""The texts' subspace, after what must not matter has been taken away."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.methods.against import ToldAgainst
from lanzdml.methods.base import Floats, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.ignore import check_share, span, without
from lanzdml.methods.subspace import principal_directions

_ROUNDING = 1e-6


class NullSpace(ToldAgainst):
    """Images on the directions in which the prompts vary, none of them one of what must not matter.

    The directions that hold most of the variance of the prompts of what must not matter are
    projected out of the notion's prompts first, then their subspace is taken (OD-CRL, arXiv
    2602.05464, which cuts where the spectrum bends). It takes away all that both have in common:
    what it loses, ``contrast_subspace`` weighs. Not in the paper.

    Args:
        dim: size of the output at most, r'.
        share: of the others' variance that is taken away, above 0, up to 1.
        random_state: without effect.

    Attributes:
        components_: (k, r), orthonormal.
    """

    name = "null_space"
    deterministic = True
    learned = ("components_",)

    def __init__(self, dim: Dim = 128, *, share: float = 0.99, random_state: int = 0) -> None:
        self.dim = dim
        self.share = share
        self.random_state = random_state

    def _fit_against(self, unit: NDArray[np.float32], other: NDArray[np.float32] | None) -> None:
        centred = unit - unit.mean(axis=0, dtype=np.float64)
        principal_directions(centred, 1)  # raises where the prompts do not differ
        left = without(centred, span(other, self.share, unit.shape[1]))
        # What is left of prompts that are those of what must not matter themselves.
        if np.sum(left**2) <= (1 - self.share + _ROUNDING) * np.sum(centred**2):
            raise CannotFitError(
                "the prompts vary in nothing in which those of what must not matter do not"
            )
        self.components_ = principal_directions(left, self.dim_).astype(np.float32)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_share(self.share)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.components_.T)
