"""What methods share that are fitted to labelled images, alone or beside prompts."""

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from lanzdml.arithmetic.labels import as_codes, as_labels, has_several
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
from lanzdml.methods.needs import IMAGES, LABELS, PROMPTS, SEVERAL_VALUES

Codes = NDArray[Any]
"""Of each image the number of its class (m,), from 0; or, where images have several values and the
method says that it takes these, whether each has each of them (m, c), bool."""


class SeesLabels(Method):
    """A method that is fitted to labelled images, in place of prompts.

    A subclass defines ``_fit_labelled``, which gets unit vectors and :data:`Codes`.
    """

    needs = (IMAGES, LABELS)

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from labelled images.

        Args:
            X: image embeddings (m, r).
            y: their labels (m,), of any type that sorts; sets of values for a class that takes
                several. Not optional: this is scikit-learn's form.

        Raises:
            EmbeddingError: the embeddings, the labels or a parameter cannot be used.
            CannotFitError: there are fewer than two classes, or images have several values and the
                method is not defined for these.
        """
        codes = codes_of(y, len(as_embeddings(X, "image_embeddings")), type(self))
        fit = partial(self._fit_labelled, codes=codes)
        return self._fit_vectors(X, "image_embeddings", fit, codes)

    def _fit_labelled(self, unit: NDArray[np.float32], codes: Codes) -> None:
        """Set what is learned from images (m, r) and :data:`Codes` of their classes."""
        raise NotImplementedError


class SeesPromptsAndLabels(Method):
    """A method that is fitted to a notion's prompts, and to labelled images.

    What labels say and what prompts say is not matched by name: prompts need not name the classes.
    A subclass defines ``_fit_both``, which gets unit vectors and :data:`Codes`.
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
            labels: of the images (m,), of any type that sorts; sets of values for a class that
                takes several. Not optional either.

        Raises:
            EmbeddingError: the embeddings, the labels or a parameter cannot be used.
            CannotFitError: the method is not defined for these prompts and images.
        """
        if images is None:
            raise EmbeddingError(
                f"{type(self).__name__} requires images to be passed: embeddings of labelled images"
            )
        seen = normalise(as_embeddings(images, "images"))
        codes = codes_of(labels, len(seen), type(self), "labels", "images")

        def fit_both(unit: NDArray[np.float32]) -> None:
            check_one_size("images have", seen, unit)
            self._fit_both(unit, seen, codes)

        return self._fit_vectors(X, "text_embeddings", fit_both)

    def _fit_both(
        self, unit: NDArray[np.float32], images: NDArray[np.float32], codes: Codes
    ) -> None:
        """Set what is learned from prompts (n, r), images (m, r) and their :data:`Codes`."""
        raise NotImplementedError


def codes_of(
    labels: Any, n: int, method: type[Method], name: str = "y", images: str = "image_embeddings"
) -> Codes:
    """The classes of n images, numbered in the order of their labels.

    Args:
        labels: what a method was given as ``name``, beside ``images``.
        n: how many images.
        method: what needs them.

    Raises:
        EmbeddingError: they are no labels of these images.
        CannotFitError: there are fewer than two classes, or several values of an image and the
            method does not take these.
    """
    needed_by = method.__name__
    if labels is None:
        raise EmbeddingError(
            f"{needed_by} requires {name} to be passed, but the target {name} is None: labels, one "
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
    check_values(method, series)
    try:
        codes = as_codes(series)
    except TypeError as error:
        raise EmbeddingTypeError(f"labels must be of one type, to be sorted: {error}") from None
    if (codes.shape[1] if codes.ndim == 2 else codes.max() + 1) < 2:
        raise CannotFitError(
            f"{needed_by} needs at least two classes, but there is one class: {series.iloc[0]}"
        )
    return codes


def check_values(method: type[Method], labels: Any) -> None:
    """Check that a method is defined for labels.

    Raises:
        CannotFitError: they are sets of several values, and it does not take these.
    """
    if not method.takes_several_values and has_several(as_labels(labels)):
        raise CannotFitError(SEVERAL_VALUES)


def means_of(vectors: Floats, codes: Codes) -> NDArray[np.float64]:
    """The mean (c, d) of each class of vectors (m, d); those of several values are in several."""
    if codes.ndim == 2:
        of_values: NDArray[np.float64] = csr_array(codes.T / codes.sum(axis=0)[:, None]) @ vectors
        return of_values
    shares = 1 / np.bincount(codes)[codes]
    of_class = csr_array((shares, (codes, np.arange(len(codes)))))
    means: NDArray[np.float64] = of_class @ vectors
    return means
