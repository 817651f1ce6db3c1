"""The texts' subspace with its axes weighted in place of cut off."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, Method, check_number, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.subspace import principal_axes


class SoftSubspace(Method):
    """Images on the axes in which the texts vary, each weighted by how much they vary in it.

    With Tc the centred texts of unit length, images are compared by the cosine of v (Tc' Tc)^(g/2):
    g = 0 is the texts' subspace (``text_subspace``), and g = 1 coordinates on the texts, as in CRL
    (arXiv 2510.04564) with centred texts. Axes of little weight hardly count, so that it does not
    matter where they are cut off. Nothing is trained, and there is no seed. Not in the paper.

    Args:
        dim: size of the output at most, r'.
        power: g, of the axes' singular values.
        random_state: without effect.

    Attributes:
        axes_: (k, r), orthogonal; the first has length one.
    """

    name = "soft_subspace"
    deterministic = True
    learned = ("axes_",)

    def __init__(self, dim: Dim = 128, *, power: float = 0.5, random_state: int = 0) -> None:
        self.dim = dim
        self.power = power
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        directions, values = principal_axes(unit - unit.mean(axis=0, dtype=np.float64), self.dim_)
        weights = (values / values[0]) ** self.power
        self.axes_ = (directions * weights[:, None]).astype(np.float32)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.axes_.T)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number("power", self.power, 0)
