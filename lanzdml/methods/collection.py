"""What methods share that are fitted to images without labels, beside prompts."""

from collections.abc import Iterator
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import gen_batches

from lanzdml.errors import CannotFitError
from lanzdml.methods.base import (
    EmbeddingError,
    Floats,
    Method,
    as_embeddings,
    check_one_size,
    normalise,
)
from lanzdml.methods.needs import IMAGES, PROMPTS

_SAME = 1e-6  # components of unit vectors that differ by less, some units of float32, are equal
_BLOCK = 4096  # images that are copied to float64 at once


class SeesImages(Method):
    """A method that is fitted to a notion's prompts, and to a collection of images without labels.

    A subclass defines ``_fit_images``, which gets both as unit vectors.
    """

    needs = (PROMPTS, IMAGES)

    def fit(self, X: ArrayLike, y: object = None, *, images: ArrayLike | None = None) -> Self:
        """Learn from text embeddings and images.

        Args:
            X: text embeddings (n, r), of any length.
            y: without effect; for scikit-learn's pipelines.
            images: image embeddings (m, r) of the collection, from the same model. Not optional:
                a keyword, as pipelines hand X alone to ``fit``.

        Raises:
            EmbeddingError: the embeddings or a parameter cannot be used.
            CannotFitError: the method is not defined for these prompts and images.
        """
        if images is None:
            raise EmbeddingError(
                f"{type(self).__name__} requires images to be passed: embeddings of the "
                "collection's images, which need no labels"
            )
        return self._fit_vectors(X, "text_embeddings", partial(self._fit_both, images=images))

    def _fit_both(self, unit: NDArray[np.float32], images: ArrayLike) -> None:
        seen = normalise(as_embeddings(images, "images"))
        check_one_size("images have", seen, unit)
        self._fit_images(unit, seen)

    def _fit_images(self, unit: NDArray[np.float32], images: NDArray[np.float32]) -> None:
        """Set what is learned from prompts (n, r) and images (m, r)."""
        raise NotImplementedError


def mean_of(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean (r,) of a collection (m, r) of unit vectors.

    Raises:
        CannotFitError: all images are the same, so that nothing but rounding is left about it.
    """
    if np.ptp(images, axis=0).max() < _SAME:
        raise CannotFitError("the images do not differ")
    return images.mean(axis=0, dtype=np.float64)


def blocks_about(mean: Floats, images: Floats) -> Iterator[NDArray[np.float64]]:
    """Images (m, r) less a vector (r,), some of them at once: memory is that of a block."""
    return (
        images[some] - np.asarray(mean, np.float64) for some in gen_batches(len(images), _BLOCK)
    )
