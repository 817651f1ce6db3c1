"""What every method shares: the estimator's frame and its input checks."""

import numbers
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.errors import LanzdmlError

Floats = NDArray[np.floating]


class EmbeddingError(LanzdmlError, ValueError):
    """Embeddings, labels or parameters that a method cannot use; the message says which and why."""


class Method(BaseEstimator):
    """A method: ``fit`` on text embeddings, ``transform`` image embeddings.

    A subclass says what it is in the class attributes, stores its hyperparameters in ``__init__``
    (``random_state``, the seed, is one of them), and defines ``_fit`` and ``_transform``. These get
    texts scaled to unit length (equation 1) and images, too (equation 5), except in the released
    protocol: a method that needs unit vectors at the end scales its output.

    Attributes of a fitted method: ``n_features_in_`` (r, the size of the embeddings),
    ``fit_seconds_``, the arrays named in ``learned``, and ``loss_`` and ``n_iter_`` if it is
    trained.
    """

    name: ClassVar[str]
    """The name in the registry, in files and in columns."""
    has_dim: ClassVar[bool] = True
    """Whether the size of the output is chosen, by ``dim``, an upper bound for some."""
    supervised: ClassVar[bool] = False
    """Whether ``fit`` takes image embeddings and their labels in place of text embeddings."""
    deterministic: ClassVar[bool] = False
    """Whether the result is the same for every seed."""
    cost: ClassVar[int] = 0
    """How long a fit takes beside other methods', by which jobs are made and the longest begin
    first; 0 where it is shorter than the start of a process."""
    transductive: ClassVar[bool] = False
    """Whether a vector depends on the other images that are transformed with it, unlabelled."""
    by_position: ClassVar[bool] = False
    """Whether a vector goes by the position of its image, so that equal images have other ones."""
    uses_logit_scale: ClassVar[bool] = False
    """Whether it has a parameter ``logit_scale``, for the CLIP model's own inverse temperature."""
    learned: ClassVar[tuple[str, ...]] = ()
    """The arrays that ``transform`` needs: what is stored of a fitted method."""

    random_state: int
    dim: int
    """Of those methods that have one."""
    n_features_in_: int
    fit_seconds_: float

    def fit(self, text_embeddings: ArrayLike) -> Self:
        """Learn from text embeddings (n, r), of any length: they are scaled to unit length.

        Raises:
            EmbeddingError: the embeddings or a parameter cannot be used.
            CannotFitError: the method is not defined for these prompts.
        """
        return self._fit_vectors(text_embeddings, "text_embeddings", self._fit)

    def transform(
        self, image_embeddings: ArrayLike, *, unit_images: bool = True
    ) -> NDArray[np.float32]:
        """Image embeddings (m, r), of any length, as the method's vectors (m, dim).

        An image in which a method finds nothing of what it learned, as one at right angles to all
        that the texts vary in, gets a vector of zeros: the metrics take it as equally far from all.
        Equal images get equal vectors, which the metrics see as a tie. Vectors of a part of the
        images are the same but for rounding, which goes by the shape of a product.

        Args:
            image_embeddings: from the same model as the text embeddings.
            unit_images: scale the images to unit length first, as the paper says (equation 5). The
                authors' code does not, see :mod:`lanzdml.metrics.protocols`; methods that scale
                their output give the same either way.

        Raises:
            sklearn.exceptions.NotFittedError: ``fit`` comes first.
            EmbeddingError: the embeddings cannot be used, are not of the size seen in ``fit``, or
                make a vector that is not finite.
        """
        check_is_fitted(self, "n_features_in_")
        images = as_embeddings(image_embeddings, "image_embeddings")
        if images.shape[1] != self.n_features_in_:
            raise EmbeddingError(
                f"image_embeddings have {images.shape[1]} components, but this {self.name} was "
                f"fitted on vectors of {self.n_features_in_}: both must come from the same model"
            )
        given = normalise(images) if unit_images else images
        with one_blas_thread():
            vectors = np.ascontiguousarray(self._transform(given), np.float32)
        finite(vectors, f"vectors of {self.name}")
        return vectors if self.by_position else vectors[_first_equal(given)]

    def _fit_vectors(
        self, vectors: ArrayLike, what: str, fit: Callable[[NDArray[np.float32]], None]
    ) -> Self:
        self._check_parameters()
        unit = normalise(as_embeddings(vectors, what))
        with self.single_threaded():
            start = time.perf_counter()
            fit(unit)
            self.fit_seconds_ = time.perf_counter() - start
        self.n_features_in_ = unit.shape[1]
        return self

    def _fit(self, unit: NDArray[np.float32]) -> None:
        """Set what is learned from unit vectors (n, r); nothing unless a method overrides it."""

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        """Image vectors (m, r) as the method's vectors (m, dim)."""
        raise NotImplementedError

    def _check_parameters(self) -> None:
        check_integer("random_state", self.random_state, 0)
        if self.has_dim:
            check_integer("dim", self.dim, 1)

    def single_threaded(self) -> AbstractContextManager[Any]:
        """Keeps the numerical library that ``_fit`` uses to one thread: NumPy's, or torch's."""
        return one_blas_thread()


def as_embeddings(vectors: ArrayLike, what: str) -> NDArray[np.float32]:
    """Vectors with a direction, of a model, as a float32 array (n, r); see :func:`as_matrix`.

    Raises:
        EmbeddingError: not a matrix of finite numbers, empty, or with a row of zeros.
    """
    array = as_matrix(vectors, what)
    if not array.any(axis=1).all():
        row = int(np.argmin(array.any(axis=1)))
        raise EmbeddingError(f"{what} must have a direction; row {row} is all zeros")
    return array


def as_matrix(vectors: ArrayLike, what: str) -> NDArray[np.float32]:
    """Vectors as a float32 array (n, r), from an array or a torch tensor on any device.

    Raises:
        EmbeddingError: not a matrix of finite numbers, or empty.
    """
    if hasattr(vectors, "detach"):  # a torch tensor, recognised without importing torch
        vectors = vectors.detach().cpu().float().numpy()
    try:
        array = np.asarray(vectors)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"their type is {array.dtype}")
    except (TypeError, ValueError) as error:
        raise EmbeddingError(f"{what} must be a matrix of numbers: {error}") from None
    if array.ndim != 2 or 0 in array.shape:
        raise EmbeddingError(
            f"{what} must be a matrix of at least one row and one column; "
            f"its shape is {array.shape}"
        )
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite and is reported
        # One layout, as sums over another may be rounded otherwise.
        array = np.ascontiguousarray(array, dtype=np.float32)
    return finite(array, what)


def finite(vectors: Floats, what: str) -> Floats:
    """Vectors (n, d) as they are.

    Raises:
        EmbeddingError: one is not finite.
    """
    if not np.isfinite(vectors).all():
        row = int(np.argmin(np.isfinite(vectors).all(axis=1)))
        raise EmbeddingError(f"{what} must be finite; row {row} has NaN or infinite values")
    return vectors


def normalise(vectors: Floats) -> NDArray[np.float32]:
    """Each row (n, d) divided by its length, which is summed in float64 (equations 1, 2, 5, 6).

    A row of zeros, which has no direction, stays one.
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1
    # Divided in float64 too, piece by piece: without a copy in float64 of a large collection.
    unit = np.empty(vectors.shape, np.float32)
    return np.divide(vectors, lengths[:, None], out=unit, casting="same_kind")


def _first_equal(vectors: NDArray[np.float32]) -> NDArray[np.intp]:
    """For each row (n, d) the first that is equal to it; BLAS rounds them differently in places."""
    # Comparing rows as bytes is many times faster than np.unique(axis=0).
    vectors = np.ascontiguousarray(vectors) + 0.0  # -0.0 becomes 0.0
    as_bytes = vectors.view(np.dtype((np.void, vectors[0].nbytes))).ravel()
    _, first, which = np.unique(as_bytes, return_index=True, return_inverse=True)
    return first[which]


def check_integer(name: str, value: object, least: int) -> None:
    """Raises EmbeddingError unless the value is an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise EmbeddingError(f"{name} must be an integer of at least {least}, not {value!r}")
