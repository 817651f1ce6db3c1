"""The upper bound: InDiReCT's transform trained on the test images' own labels."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, normalise
from lanzdml.methods.initial import gaussian
from lanzdml.methods.labelled import Codes, SeesLabels
from lanzdml.methods.optimise import Optimised

if TYPE_CHECKING:
    from torch import Tensor

    from lanzdml.methods.optimise import Objective


class Oracle(SeesLabels, Optimised):
    """U trained with the Normalized Softmax loss on labelled images (section 4.2, "Oracle").

    U (r, r') and a prototype a class start from N(0, 0.1). Each image's vector (equations 5 and 6)
    is classified by its cosine with the prototypes, without a temperature. Of an image of several
    values, of which the paper has none, each is as right as the others: the target is a share of
    one for each.

    Attributes:
        U_: (r, dim).
    """

    name = "oracle"
    cost = 2
    takes_several_values = True
    learned = ("U_",)

    def _fit_labelled(self, unit: NDArray[np.float32], codes: Codes) -> None:
        rng = np.random.default_rng(self.random_state)
        start = [
            gaussian(rng, unit.shape[1], self.dim_),
            gaussian(rng, codes.shape[1] if codes.ndim == 2 else codes.max() + 1, self.dim_),
        ]
        self.U_, _ = self._minimise(normalized_softmax(unit, codes), start)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.U_)


def normalized_softmax(unit_images: NDArray[np.float32], codes: Codes) -> "Objective":
    """Mean cross-entropy of the cosines of images and prototypes (section 4.2, L_Oracle).

    The parameters are U (r, dim) and prototypes (classes, dim) of any length; gradients are written
    out for speed, see ``indirect.mean_angle``.

    Args:
        unit_images: (m, r), of unit length.
        codes: (m,), each image's row of the prototypes; or (m, classes), which of them are its.
    """
    import torch

    from lanzdml.arithmetic.products import product

    images = torch.tensor(unit_images)
    transposed_images = images.mT.contiguous()
    m = len(images)
    places, parts = _targets(codes)
    target, shares = torch.tensor(places), torch.tensor(parts, dtype=images.dtype)

    def objective(parameters: "list[Tensor]") -> "tuple[Tensor, list[Tensor]]":
        U, prototypes = parameters
        rows = product(images, U)
        # The lengths divide the cosines, not the rows: there are mostly fewer classes than dims.
        lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        centre_lengths = torch.linalg.vector_norm(prototypes, dim=1, keepdim=True)
        centres = prototypes / centre_lengths
        cosines = product(rows, centres.mT).div_(lengths)
        log_probabilities = cosines.log_softmax(1)
        loss = -log_probabilities.gather(1, target).mul_(shares).sum(1).mean()

        d_cosines = log_probabilities.exp_()
        d_cosines.scatter_add_(1, target, -shares).div_(m)
        along = torch.linalg.vecdot(d_cosines, cosines)[:, None]
        d_products = d_cosines.div_(lengths)
        d_rows = product(d_products, centres).addcmul_(rows, along / lengths.square(), value=-1)
        d_centres = product(d_products.mT, rows)
        along = torch.linalg.vecdot(d_centres, centres)[:, None]
        d_prototypes = d_centres.addcmul_(centres, along, value=-1).div_(centre_lengths)
        return loss, [product(transposed_images, d_rows), d_prototypes]

    return objective


def _targets(codes: Codes) -> tuple[Codes, NDArray[np.float64]]:
    """The prototypes of each image, and the share of the target that each has: (m, k) both.

    k is the largest number of values; of an image with fewer the last have a share of 0.
    """
    if codes.ndim == 1:
        return codes[:, None], np.ones((len(codes), 1))
    n_values = codes.sum(axis=1, keepdims=True)
    target = np.argsort(~codes, axis=1, kind="stable")[:, : n_values.max()]
    return target, np.take_along_axis(codes, target, axis=1) / n_values
