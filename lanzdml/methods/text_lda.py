"""The texts' subspace where images are whitened by what varies inside an aspect."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats, normalise
from lanzdml.methods.collection import SeesImages, blocks_about, mean_of
from lanzdml.methods.dim import Dim
from lanzdml.methods.discriminants import check_shrinkage, discriminants
from lanzdml.methods.subspace import principal_directions


class TextLDA(SeesImages):
    """The texts' subspace, after what varies among images of the same prompt is made small.

    Each image of a collection goes to the prompt that is nearest to it by cosine, texts and images
    each about their own mean. The covariance inside these groups says what varies where the aspect
    does not. Shrunk towards a multiple of the identity with the same trace, it whitens images and
    texts; images are projected onto the subspace in which the whitened texts vary. It is Fisher's
    linear discriminant with the prompts as the classes' means and CLIP's guesses for labels. Not in
    the paper.

    It sees the collection, without labels, when it is fitted, and believes the prompts: where these
    do not name what is there, groups are of something else. Where the images inside all groups are
    the same there is nothing to whiten by.

    Args:
        dim: size of the output at most, r'; fewer prompts span fewer dimensions.
        shrinkage: the identity's share, above 0, up to 1, where nothing is whitened.
        random_state: without effect.

    Attributes:
        mean_: (r,), of the images.
        axes_: (k, r), orthonormal once images are whitened.
    """

    name = "text_lda"
    deterministic = True
    learned = ("mean_", "axes_")

    def __init__(self, dim: Dim = 128, *, shrinkage: float = 0.6, random_state: int = 0) -> None:
        self.dim = dim
        self.shrinkage = shrinkage
        self.random_state = random_state

    def _fit_images(self, unit: NDArray[np.float32], images: NDArray[np.float32]) -> None:
        texts = unit - unit.mean(axis=0, dtype=np.float64)
        principal_directions(texts, 1)  # raises where the prompts do not differ
        mean = mean_of(images)
        within = _covariance_within(texts, mean, images)
        directions = discriminants(texts, within, self.shrinkage, self.dim_)
        self.axes_ = directions.astype(np.float32)
        self.mean_ = mean.astype(np.float32)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise((normalise(images) - self.mean_) @ self.axes_.T)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_shrinkage(self.shrinkage)


def _covariance_within(
    texts: Floats, mean: Floats, images: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The covariance (r, r) of images (m, r) about the means of those with the same nearest text.

    Args:
        texts: (n, r), about their mean.
        mean: (r,), of the images.
    """
    n, r = texts.shape
    directions = normalise(texts).T
    total, sums, counts = np.zeros((r, r)), np.zeros((n, r)), np.zeros(n)
    for block in blocks_about(mean, images):
        nearest = (block @ directions).argmax(axis=1)
        total += block.T @ block
        np.add.at(sums, nearest, block)
        counts += np.bincount(nearest, minlength=n)
    means = sums / np.sqrt(np.maximum(counts, 1))[:, None]
    covariance: NDArray[np.float64] = (total - means.T @ means) / len(images)
    return covariance
