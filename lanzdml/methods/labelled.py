"""What methods share that are fitted to labelled images, alone or beside prompts."""

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from lanzdml.arithmetic.labels import as_labels
from lanzdml.errors import CannotFitError
from lanzdml.methods.base import (
    EmbeddingError,
    EmbeddingTypeError,
    Floats,
    Method,
    as_embeddings,
    check_one_size,
    normalise,
)
from lanzdml.methods.needs import IMAGES, LABELS, PROMPTS

Codes = NDArray[np.integer]


class SeesLabels(Method):
    """A method that is fitted to labelled images, in place of prompts.

    A subclass defines ``_fit_labelled``, which gets unit vectors and the classes' numbers.
    """

    needs = (IMAGES, LABELS)

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from labelled images.

        Args:
            X: image embeddings (m, r).
            y: their labels (m,), of any type that sorts. Not optional: this is scikit-learn's form.

        Raises:
            EmbeddingError: the embeddings, the labels or a parameter cannot be used.
            CannotFitError: there are fewer than two classes.
        """
        codes = codes_of(y, len(as_embeddings(X, "image_embeddings")), type(self).__name__)
        fit = partial(self._fit_labelled, codes=codes)
        return self._fit_vectors(X, "image_embeddings", fit, codes)

    def _fit_labelled(self, unit: NDArray[np.float32], codes: Codes) -> None:
        """Set what is learned from images (m, r) and their classes (m,), numbers from 0."""
        raise NotImplementedError


class SeesPromptsAndLabels(Method):
    """A method that is fitted to a notion's prompts, and to labelled images.

    What labels say and what prompts say is not matched by name: prompts need not name the classes.
    A subclass defines ``_fit_both``, which gets unit vectors and the classes' numbers.
    """

    needs = (PROMPTS, IMAGES, LABELS)

    def fit(
        self,
        X: ArrayLike,
        y: object = None,
        *,
        images: ArrayLike | None = None,
        labels: Any = None,
    ) -> Self:
        """Learn from text embeddings and labelled images.

        Args:
            X: text embeddings (n, r), of any length.
            y: without effect; for scikit-learn's pipelines.
            images: image embeddings (m, r), from the same model. Not optional: a keyword, as
                pipelines hand X alone to ``fit``.
            labels: of the images (m,), of any type that sorts. Not optional either.

        Raises:
            EmbeddingError: the embeddings, the labels or a parameter cannot be used.
            CannotFitError: the method is not defined for these prompts and images.
        """
        if images is None:
            raise EmbeddingError(
                f"{type(self).__name__} requires images to be passed: embeddings of labelled images"
            )
        seen = normalise(as_embeddings(images, "images"))
        codes = codes_of(labels, len(seen), type(self).__name__, "labels", "images")

        def fit_both(unit: NDArray[np.float32]) -> None:
            check_one_size("images have", seen, unit)
            self._fit_both(unit, seen, codes)

        return self._fit_vectors(X, "text_embeddings", fit_both)

    def _fit_both(
        self, unit: NDArray[np.float32], images: NDArray[np.float32], codes: Codes
    ) -> None:
        """Set what is learned from prompts (n, r), images (m, r) and their classes (m,)."""
        raise NotImplementedError


def codes_of(
    labels: Any, n: int, method: str, name: str = "y", images: str = "image_embeddings"
) -> Codes:
    """The class of each of n images: (n,), the rank of its label.

    Args:
        labels: what a method was given as ``name``, beside ``images``.
        n: how many images.
        method: what is said to need them.

    Raises:
        EmbeddingError: they are no labels of these images.
        CannotFitError: there are fewer than two classes.
    """
    if labels is None:
        raise EmbeddingError(
            f"{method} requires {name} to be passed, but the target {name} is None: labels, one "
            "an image"
        )
    try:
        series = as_labels(labels)
    except (TypeError, ValueError) as error:
        kind = EmbeddingTypeError if isinstance(error, TypeError) else EmbeddingError
        raise kind(str(error)) from None
    if len(series) != n:
        raise EmbeddingError(
            f"labels must be one a row of {images} ({n}), but there are {len(series)}"
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
            f"{method} needs at least two classes, but there is one class: {classes[0]}"
        )
    return codes


def means_of(vectors: Floats, codes: Codes) -> NDArray[np.float64]:
    """The mean (c, d) of each class of vectors (m, d)."""
    shares = 1 / np.bincount(codes)[codes]
    of_class = csr_array((shares, (codes, np.arange(len(codes)))))
    means: NDArray[np.float64] = of_class @ vectors
    return means
