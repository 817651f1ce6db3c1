"""What every method shares: the estimator's frame and its input checks."""

import numbers
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from lanzdml.arithmetic.arrays import as_array
from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.errors import LanzdmlError
from lanzdml.methods.dim import AUTO, Dim, is_auto
from lanzdml.methods.effective_rank import number_of
from lanzdml.methods.needs import IMAGES, LABELS, PROMPTS

Floats = NDArray[np.floating]
_WORDS = {"title": "", "explanation": "", "color": ""}


class EmbeddingError(LanzdmlError, ValueError):
    """Embeddings, labels or parameters that a method cannot use; the message says which and why."""


class EmbeddingTypeError(EmbeddingError, TypeError):
    """What was given as embeddings or labels is of a type that holds none."""


class Method(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A method: ``fit`` on text embeddings, ``transform`` image embeddings.

    A transformer of scikit-learn, for its pipelines and with its ``set_output``, of two kinds of
    rows: ``fit_transform`` gives those vectors that it is fitted to.

    A subclass says what it is in the class attributes, stores its hyperparameters in ``__init__``
    (``random_state``, the seed, is one of them), and defines ``_fit`` and ``_transform``. These get
    texts scaled to unit length (equation 1) and images, too (equation 5), except in the released
    protocol: a method that needs unit vectors at the end scales its output.

    ``dim``, of those that have one, may be "auto": then r' is what the texts say
    (:mod:`lanzdml.methods.effective_rank`). Of a method that is fitted to labelled images alone the
    mean directions of the classes take the texts' place.

    Attributes of a fitted method: ``n_features_in_`` (r, the size of the embeddings),
    ``feature_names_in_`` if these were a data frame with names, ``dim_`` (r', a number also where
    ``dim`` is none), ``fit_seconds_``, the arrays named in ``learned``, and ``loss_`` and
    ``n_iter_`` if it is trained.
    """

    name: ClassVar[str]
    """The name in configurations, files and columns; unless a class says it, ``prompt_span`` of
    ``PromptSpan``."""
    title: ClassVar[str]
    """Its name on paper, where that is another one. Ours are in :mod:`lanzdml.names`."""
    explanation: ClassVar[str]
    """What the report says of it; unless given, the first line of the docstring."""
    color: ClassVar[str]
    """Of its curves, ``#rrggbb``; unless given, one that is free."""
    has_dim: ClassVar[bool] = True
    """Whether the size of the output is chosen, by ``dim``, an upper bound for some. What a class
    computes with is ``dim_``."""
    needs: ClassVar[tuple[str, ...]] = (PROMPTS,)
    """What ``fit`` takes, of :mod:`lanzdml.methods.needs`."""
    supervised: ClassVar[bool] = False
    """Whether it sees labels; follows from ``needs``."""
    takes_several_values: ClassVar[bool] = False
    """Of those that see labels, whether an image may have several values: its labels are then sets,
    which a method that sorts them would put into classes of no meaning."""
    sees_images: ClassVar[bool] = False
    """Whether it is fitted to images without labels, too; follows from ``needs``. What it then
    makes of an image does not depend on others, unless it is ``transductive``."""
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
    dim: Dim
    """Of those methods that have one."""
    dim_: int
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    fit_seconds_: float

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # What a class is called, and not what one is that it extends.
        own_name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.supervised = LABELS in cls.needs
        cls.sees_images = IMAGES in cls.needs and not cls.supervised
        for attribute, default in {"name": own_name, **_WORDS}.items():
            if attribute not in vars(cls):
                setattr(cls, attribute, default)

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn from text embeddings.

        Args:
            X: text embeddings (n, r), of any length: they are scaled to unit length. An array, a
                tensor on any device, a data frame, or a list of rows, as for ``transform``.
            y: without effect; for scikit-learn's pipelines.

        Raises:
            EmbeddingError: the embeddings or a parameter cannot be used.
            CannotFitError: the method is not defined for these prompts.
        """
        return self._fit_vectors(X, "text_embeddings", self._fit)

    def transform(self, X: ArrayLike, *, unit_images: bool = True) -> NDArray[np.float32]:
        """Image embeddings (m, r), of any length, as the method's vectors (m, dim).

        An image in which a method finds nothing of what it learned, as one at right angles to all
        that the texts vary in, gets a vector of zeros: the metrics take it as equally far from all.
        Equal images get equal vectors, which the metrics see as a tie. Vectors of a part of the
        images are the same but for rounding, which goes by the shape of a product.

        Args:
            X: image embeddings, from the same model as the text embeddings. Of data frames the
                columns must have the same names in the same order.
            unit_images: scale the images to unit length first, as the paper says (equation 5). The
                authors' code does not, see :mod:`lanzdml.metrics.protocols`; methods that scale
                their output give the same either way.

        Raises:
            sklearn.exceptions.NotFittedError: ``fit`` comes first.
            EmbeddingError: the embeddings cannot be used, are not of the size seen in ``fit``, or
                make a vector that is not finite, or another number of them.
        """
        check_is_fitted(self)
        images = as_embeddings(X, "image_embeddings")
        if images.shape[1] != self.n_features_in_:
            raise EmbeddingError(
                f"X has {images.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input: image_embeddings must come from the "
                "model of the vectors that it was fitted on"
            )
        self._check_names(X)
        given = normalise(images) if unit_images else images
        with one_blas_thread(), self._reading_dim():
            vectors = np.ascontiguousarray(self._transform(given), np.float32)
        if vectors.ndim != 2 or len(vectors) != len(given):
            raise EmbeddingError(
                f"vectors of {self.name} must be a row for each of the {len(given)} images; their "
                f"shape is {vectors.shape}"
            )
        finite(vectors, f"vectors of {self.name}")
        return vectors if self.by_position else vectors[_first_equal(given)]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.supervised and PROMPTS not in self.needs
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """The same for scikit-learn before 1.6."""
        requires_y = self.supervised and PROMPTS not in self.needs
        return {"requires_y": requires_y, "preserves_dtype": ["float32"]}

    @property
    def _n_features_out(self) -> int:
        """How many components a vector has, for scikit-learn to name them."""
        return self._transform(np.ones((1, self.n_features_in_), np.float32)).shape[1]

    def _fit_vectors(
        self,
        vectors: ArrayLike,
        what: str,
        fit: Callable[[NDArray[np.float32]], None],
        labels: NDArray[Any] | None = None,
    ) -> Self:
        """Fit to vectors, which have labels where there are no texts."""
        self._check_parameters()
        unit = normalise(as_embeddings(vectors, what))
        if self.has_dim:
            if labels is None and PROMPTS not in self.needs and is_auto(self.dim):
                raise EmbeddingError(f"{self.name} takes a number as dim, and not {AUTO!r}")
            self.dim_ = number_of(self.dim, unit, labels)
        with self.single_threaded(), self._reading_dim():
            start = time.perf_counter()
            fit(unit)
            self.fit_seconds_ = time.perf_counter() - start
        self.n_features_in_ = unit.shape[1]
        names = _column_names(vectors)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):  # of another fit
            del self.feature_names_in_
        return self

    @contextmanager
    def _reading_dim(self) -> Iterator[None]:
        """Says what to do where a class computes with ``dim``, which is no number."""
        try:
            yield
        except (TypeError, ValueError) as error:
            if isinstance(error, LanzdmlError) or not is_auto(getattr(self, "dim", None)):
                raise
            raise EmbeddingError(
                f"{self.name} cannot take dim={AUTO!r}: {error}; give a number, or have its class "
                "compute with self.dim_ in place of self.dim"
            ) from error

    def _check_names(self, images: ArrayLike) -> None:
        names, fitted = _column_names(images), getattr(self, "feature_names_in_", None)
        if names is None or fitted is None:
            return
        for column, (name, expected) in enumerate(zip(names, fitted, strict=True)):
            if name != expected:
                raise EmbeddingError(
                    f"image_embeddings must have the columns that {self.name} was fitted on, in "
                    f"their order; column {column} is {name!r}, not {expected!r}"
                )

    def _fit(self, unit: NDArray[np.float32]) -> None:
        """Set what is learned from unit vectors (n, r); nothing unless a method overrides it."""

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        """Image vectors (m, r) as the method's vectors (m, dim)."""
        raise NotImplementedError

    def _check_parameters(self) -> None:
        check_integer("random_state", self.random_state, 0)
        if self.has_dim and not is_auto(self.dim):
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
    """Vectors as a float32 array (n, r), see :func:`lanzdml.arithmetic.arrays.as_array`.

    Raises:
        EmbeddingError: not a matrix of finite numbers, or empty.
    """
    try:
        array = as_array(vectors)
    except (TypeError, ValueError) as error:
        kind = EmbeddingTypeError if isinstance(error, TypeError) else EmbeddingError
        raise kind(f"{what} must be a matrix of numbers: {error}") from None
    if array.ndim != 2:
        raise EmbeddingError(
            f"{what} must be a matrix, a row each; its shape is {array.shape}. "
            "Reshape your data with reshape(1, -1) if it is a single one"
        )
    for count, unit in zip(array.shape, ("sample", "feature"), strict=True):
        if not count:
            raise EmbeddingError(
                f"{what} have 0 {unit}(s) (shape={array.shape}) while a minimum of 1 is required."
            )
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite and is reported
        # One layout, as sums over another may be rounded otherwise.
        array = np.ascontiguousarray(array, dtype=np.float32)
    return finite(array, what)


def check_one_size(what: str, vectors: Floats, texts: Floats) -> None:
    """Raises EmbeddingError unless vectors, named with their verb, have the size of the texts."""
    if vectors.shape[1] != texts.shape[1]:
        raise EmbeddingError(
            f"{what} {vectors.shape[1]} features, but text_embeddings have {texts.shape[1]}: both "
            "must come from one model"
        )


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


def _column_names(vectors: ArrayLike) -> list[str] | None:
    """Of a data frame whose columns have names; numbers are no names."""
    columns = list(getattr(vectors, "columns", ()))
    return columns if columns and all(isinstance(name, str) for name in columns) else None


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


def check_number(name: str, value: object, least: float) -> None:
    """Raises EmbeddingError unless the value is a finite number of at least ``least``."""
    if (
        isinstance(value, bool)
        or not isinstance(value, numbers.Real)
        or not least <= float(value) < np.inf
    ):
        raise EmbeddingError(f"{name} must be a number of at least {least:g}, not {value!r}")
