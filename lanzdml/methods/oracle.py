"""The upper bound: InDiReCT's transform trained on the test images' own labels."""

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lanzdml.arithmetic.labels import as_labels
from lanzdml.errors import CannotFitError
from lanzdml.methods.base import (
    EmbeddingError,
    EmbeddingTypeError,
    Floats,
    as_embeddings,
    normalise,
)
from lanzdml.methods.initial import gaussian
from lanzdml.methods.needs import IMAGES, LABELS
from lanzdml.methods.optimise import Optimised

if TYPE_CHECKING:
    from torch import Tensor

    from lanzdml.methods.optimise import Objective


class Oracle(Optimised):
    """U trained with the Normalized Softmax loss on labelled images (section 4.2, "Oracle").

    U (r, r') and a prototype a class start from N(0, 0.1). Each image's vector (equations 5 and 6)
    is classified by its cosine with the prototypes, without a temperature.

    Attributes:
        U_: (r, dim).
    """

    name = "oracle"
    cost = 2
    needs = (IMAGES, LABELS)
    learned = ("U_",)

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from labelled images.

        Args:
            X: image embeddings (m, r).
            y: their labels (m,), of any type that sorts. Not optional: this is scikit-learn's form.

        Raises:
            EmbeddingError: the embeddings, the labels or a parameter cannot be used.
            CannotFitError: there are fewer than two classes.
        """
        codes = _codes(y, len(as_embeddings(X, "image_embeddings")))
        fit = partial(self._fit_codes, codes=codes)
        return self._fit_vectors(X, "image_embeddings", fit, codes)

    def _fit_codes(self, unit: NDArray[np.float32], codes: NDArray[np.integer]) -> None:
        rng = np.random.default_rng(self.random_state)
        start = [
            gaussian(rng, unit.shape[1], self.dim_),
            gaussian(rng, codes.max() + 1, self.dim_),
        ]
        self.U_, _ = self._minimise(normalized_softmax(unit, codes), start)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(images @ self.U_)


def _codes(labels: Any, n: int) -> NDArray[np.integer]:
    """The class of each of n images: (n,), the rank of its label."""
    if labels is None:
        raise EmbeddingError(
            "Oracle requires y to be passed, but the target y is None: labels, one an image"
        )
    try:
        series = as_labels(labels)
    except (TypeError, ValueError) as error:
        kind = EmbeddingTypeError if isinstance(error, TypeError) else EmbeddingError
        raise kind(str(error)) from None
    if len(series) != n:
        raise EmbeddingError(
            f"labels must be one a row of image_embeddings ({n}), but there are {len(series)}"
        )
    if series.isna().any():
        raise EmbeddingError(
            f"labels must not be missing, as that of row {series.isna().argmax()}: leave such "
            "images out"
        )
    try:
        classes, codes = np.unique(series.to_numpy(), return_inverse=True)
    except TypeError as error:
        raise EmbeddingTypeError(f"labels must be of one type, to be sorted: {error}") from None
    if len(classes) < 2:
        raise CannotFitError(
            f"Oracle needs at least two classes, but there is one class: {classes[0]}"
        )
    return codes


def normalized_softmax(unit_images: NDArray[np.float32], codes: NDArray[np.integer]) -> "Objective":
    """Mean cross-entropy of the cosines of images and prototypes (section 4.2, L_Oracle).

    The parameters are U (r, dim) and prototypes (classes, dim) of any length; gradients are written
    out for speed, see ``indirect.mean_angle``.

    Args:
        unit_images: (m, r), of unit length.
        codes: (m,), each image's row of the prototypes.
    """
    import torch

    from lanzdml.arithmetic.products import product

    images = torch.tensor(unit_images)
    transposed_images = images.mT.contiguous()
    target = torch.tensor(codes)[:, None]
    m = len(images)
    minus_one = images.new_full((m, 1), -1)

    def objective(parameters: "list[Tensor]") -> "tuple[Tensor, list[Tensor]]":
        U, prototypes = parameters
        rows = product(images, U)
        # The lengths divide the cosines, not the rows: there are mostly fewer classes than dims.
        lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        centre_lengths = torch.linalg.vector_norm(prototypes, dim=1, keepdim=True)
        centres = prototypes / centre_lengths
        cosines = product(rows, centres.mT).div_(lengths)
        log_probabilities = cosines.log_softmax(1)
        loss = -log_probabilities.gather(1, target).mean()

        d_cosines = log_probabilities.exp_()
        d_cosines.scatter_add_(1, target, minus_one).div_(m)
        along = torch.linalg.vecdot(d_cosines, cosines)[:, None]
        d_products = d_cosines.div_(lengths)
        d_rows = product(d_products, centres).addcmul_(rows, along / lengths.square(), value=-1)
        d_centres = product(d_products.mT, rows)
        along = torch.linalg.vecdot(d_centres, centres)[:, None]
        d_prototypes = d_centres.addcmul_(centres, along, value=-1).div_(centre_lengths)
        return loss, [product(transposed_images, d_rows), d_prototypes]

    return objective
