"""A class under examination: small data for it, and what it does with them in words."""

import inspect
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import LanzdmlError, in_one_line
from lanzdml.methods.base import EmbeddingError, Method
from lanzdml.methods.needs import AGAINST, PROMPTS
from lanzdml.methods.needs import IMAGES as COLLECTION
from lanzdml.methods.needs import LABELS as LABELLED

R, DIM = 24, 4
SMALL = {"dim": DIM, "hidden": 16, "max_iter": 40}
"""Parameters, where a method has them: fits are cut short where only their form is looked at."""

Vectors = NDArray[np.float32]


class BrokenPromise(LanzdmlError):
    """What a method does not keep, in words for its author."""


def vectors(n: int, r: int = R, seed: int = 0) -> Vectors:
    """Vectors (n, r) around a common direction, as CLIP's are, of uneven length."""
    rng = np.random.default_rng(seed)
    around = rng.standard_normal(r) + rng.standard_normal((n, r))
    return (around * rng.uniform(0.5, 2, (n, 1))).astype(np.float32)


@dataclass(frozen=True)
class Data:
    """What a method is fitted to: text embeddings (n, r), images (m, r) and their labels (m,)."""

    text: Any
    images: Any
    labels: Any


IMAGES = vectors(30, seed=2)
LABELS = np.array(["red", "green", "blue"])[np.arange(len(IMAGES)) % 3]
DATA = Data(vectors(12, seed=1), IMAGES, LABELS)
OTHER = Data(vectors(10, seed=3), vectors(30, seed=4), LABELS)


class Subject:
    """A class of methods, which is made small, fitted and used; what goes wrong has words.

    Args:
        cls: the class.
    """

    def __init__(self, cls: type[Method]) -> None:
        self.cls = cls
        self._start = os.getcwd()

    def make(self, **params: Any) -> Method:
        """A small estimator; what it has no parameter for is left out."""
        wanted, names = SMALL | params, inspect.signature(self.cls).parameters
        return self.cls(**{name: wanted[name] for name in names if name in wanted})

    def fit(self, estimator: Method, data: Data = DATA) -> Method:
        """Fit an estimator.

        Raises:
            BrokenPromise: it raises anything.
        """
        with self.calling("fit"):
            self.call_fit(estimator, data)
        return estimator

    def call_fit(self, estimator: Method, data: Data) -> object:
        """Fit an estimator to what it needs of some data."""
        fit: Callable[..., object] = estimator.fit
        if PROMPTS not in self.cls.needs:
            return fit(data.images, data.labels)
        named: dict[str, Any] = {}
        if AGAINST in self.cls.needs:
            shape = np.shape(data.text) if isinstance(data.text, np.ndarray) else ()
            named[AGAINST] = vectors(8, shape[1] if len(shape) == 2 else R, seed=5)
        if COLLECTION in self.cls.needs:
            named[COLLECTION] = data.images
        if self.cls.supervised:
            named[LABELLED] = data.labels
        return fit(data.text, **named)

    def fitted(self, **params: Any) -> Method:
        """A small estimator that is fitted."""
        return self.fit(self.make(**params))

    def transform(self, estimator: Method, images: Any = IMAGES) -> Vectors:
        """Vectors of images.

        Raises:
            BrokenPromise: it raises anything.
        """
        with self.calling("transform"):
            return estimator.transform(images)

    def result(self, estimator: Method, images: Any = IMAGES) -> dict[str, Any]:
        """What a fit comes to: vectors of images, and what was learned, by name."""
        learned = {name: getattr(estimator, name, None) for name in self.cls.learned}
        return {"vectors": self.transform(estimator, images), **learned}

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """What is raised inside becomes a BrokenPromise that says so, and where.

        Raises:
            ModuleNotFoundError: torch is not installed, of which the caller knows more.
        """
        try:
            yield
        except BrokenPromise:
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, ModuleNotFoundError) and error.name == "torch":
                raise
            raise BrokenPromise(f"{what} raises {self._described(error)}") from error

    def refuses(
        self, what: str, call: Callable[[], object], kind: type[Exception] = EmbeddingError
    ) -> None:
        """Check that a call raises an error of this kind, and no other.

        Raises:
            BrokenPromise: it does not; it names ``what`` was to be refused.
        """
        try:
            call()
        except kind:
            return
        except (Exception, SystemExit) as error:
            said = f"raises {self._described(error)}"
        else:
            said = "is accepted"
        raise BrokenPromise(
            f"{what} {said}, in place of an {kind.__name__}: fit and transform of Method see to it "
            "where a class defines _fit and _transform only, and a _check_parameters that calls "
            "that of super()"
        )

    def _described(self, error: BaseException) -> str:
        """An error's kind and words, and the line of the class's file that it comes from."""
        methods = self.cls.__mro__[: self.cls.__mro__.index(Method)]
        codes = [getattr(part, "__code__", None) for cls in methods for part in vars(cls).values()]
        files = {code.co_filename for code in codes if code is not None}
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{self._shown(f.filename)}:{f.lineno}" for f in frames if f.filename in files]
        words = in_one_line(error)
        kind = type(error).__name__
        return f"{kind}{f': {words}' * (words != kind)}{f' ({places[-1]})' if places else ''}"

    def _shown(self, file: str) -> str:
        path = os.path.join(self._start, file)
        return os.path.relpath(path, self._start) if path.startswith(self._start) else path


def difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """How two of :meth:`Subject.result` differ, in a few words; empty where they are the same."""
    return next(filter(None, (differ(name, one[name], other[name]) for name in one)), "")


def differ(what: str, one: Any, other: Any) -> str:
    """``other <what>, ...`` where arrays are not bit for bit the same; empty where they are."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape:
        return f"other {what}, of shape {other.shape} and not {one.shape}"
    if np.array_equal(one, other, equal_nan=one.dtype.kind == other.dtype.kind == "f"):
        return ""
    if one.dtype.kind not in "biuf" or other.dtype.kind not in "biuf":
        return f"other {what}"
    largest = np.abs(one.astype(float) - other.astype(float)).max()
    return f"other {what}: the largest difference is {largest:.2g}"
