"""InDiReCT, the paper's method."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, normalise
from lanzdml.methods.initial import gaussian
from lanzdml.methods.optimise import Optimised

if TYPE_CHECKING:
    from torch import Tensor

    from lanzdml.methods.optimise import Objective


class InDiReCT(Optimised):
    """The directions in which the text embeddings vary (section 3).

    A matrix U (r, r') starts from N(0, 0.1) and is trained so that texts, projected with U to the
    unit sphere in r' dimensions and carried back with its transpose, keep their direction
    (equations 1 to 4). Images are projected with the same U and normalised (equations 5 and 6).

    Attributes:
        U_: (r, dim).
    """

    name = "indirect"
    learned = ("U_",)

    def _fit(self, unit: NDArray[np.float32]) -> None:
        start = gaussian(np.random.default_rng(self.random_state), unit.shape[1], self.dim_)
        (self.U_,) = self._minimise(mean_angle(unit, self.dim_), [start])

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.U_)


def mean_angle(unit_text: NDArray[np.float32], dim: int) -> "Objective":
    """Mean angle between texts (n, r) of unit length and their reconstructions (equation 4).

    With z = t U, the cosine of a text and its reconstruction z U^T is c = |z|^2 / |z U^T|: the
    lengths divided out in equations 2 and 3 cancel. The gradient is written out by hand:
    automatic differentiation would cost a small fit more time than the products do.
    """
    import torch

    from lanzdml.arithmetic.products import product

    text = torch.tensor(unit_text)
    n, r = text.shape
    dz_and_sz = text.new_empty(2 * n, dim)
    dz, sz = dz_and_sz[:n], dz_and_sz[n:]
    # With w = z U^T and dL/dw = s w, s a factor a row, what is wanted is w U and the gradient
    # text^T dL/dz + w^T (s z). If U is narrow, z (U^T U) and U (z^T s z) take fewer operations than
    # going through w does, 4 dim (n + r) in place of 6 n r, here with a margin for more calls.
    narrow = dim * (n + r) < n * r
    if narrow:
        transposed_text = text.mT.contiguous()
    else:
        # The gradient is one product of two stacks, where w and dL/dz are computed in their place.
        text_and_w = torch.cat([text, torch.empty_like(text)])
        w = text_and_w[n:]

    def objective(parameters: "list[Tensor]") -> "tuple[Tensor, list[Tensor]]":
        (U,) = parameters
        z = product(text, U)
        wU = product(z, product(U.mT, U)) if narrow else product(w.copy_(product(z, U.mT)), U)
        w_length = torch.linalg.vecdot(z, wU).sqrt_()
        cosine = torch.linalg.vecdot(z, z) / w_length
        angle, slope = arccos(cosine)
        g = slope / (n * w_length)  # dL/d(|z|^2)
        s = -g * cosine / w_length
        torch.mul(z, s[:, None], out=sz)
        torch.mul(z, 2 * g[:, None], out=dz).addcmul_(wU, s[:, None])
        if narrow:
            dU = product(transposed_text, dz).add_(product(U, product(z.mT, sz)))
        else:
            dU = product(text_and_w.mT, dz_and_sz)
        return angle.mean(), [dU]

    return objective


def arccos(cosine: "Tensor") -> "tuple[Tensor, Tensor]":
    """The arc cosine and its slope, both finite everywhere.

    Where the slope goes to infinity, at |x| > 1 - 1e-7, the curve goes on as its tangent: rounding
    takes cosines of near-identical directions there, even beyond 1.
    """
    import torch

    inside = cosine.clamp(-(1 - 1e-7), 1 - 1e-7)
    slope = -torch.rsqrt((1 - inside) * (1 + inside))
    return torch.arccos(inside) + slope * (cosine - inside), slope
