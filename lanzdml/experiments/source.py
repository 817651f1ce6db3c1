"""What a measurement fits methods to, and the labelled images that it scores them on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lanzdml.arithmetic.labels import has_several
from lanzdml.datasets.labels import class_sizes
from lanzdml.embeddings.storage import (
    check_one_model,
    labelled_images,
    logit_scale_of,
    read_embeddings,
)
from lanzdml.errors import CannotFitError
from lanzdml.experiments.task import MeasureTask
from lanzdml.methods import METHODS
from lanzdml.methods.base import Method
from lanzdml.methods.dim import Dim
from lanzdml.methods.labelled import check_values
from lanzdml.methods.needs import AGAINST, IMAGES, LABELS, PROMPTS
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.ranked import Scores, scores_and_draws
from lanzdml.metrics.scores import query_scores
from lanzdml.transforms.fitting import NO_SCALE, NOT_TOLD, new_estimator, number_for
from lanzdml.transforms.stacked import Stacked


@dataclass(frozen=True)
class Prompts:
    """Prompts of a notion: texts (m,), the aspects (m,) that they name, and vectors (m, r)."""

    texts: NDArray[np.str_]
    aspects: NDArray[np.str_]
    vectors: NDArray[np.float32]


class Source:
    """What a task's method is fitted to and scored on.

    Args:
        task: with prompts, where it is fitted to these.

    Attributes:
        images: (n, r), those that have a label of the notion.
        labels: (n,) str; or, where images have several values, sets of them.
        several: whether they are sets.
        classes: the values that there are, sorted.
    """

    def __init__(self, task: MeasureTask) -> None:
        self._task = task
        self._protocol = PROTOCOLS[task.run["protocol"]]
        self.images, labels, _ = labelled_images(
            Path(task.images), Path(task.manifest), task.labels[task.run["notion"]]
        )
        self.several = has_several(labels)
        self.labels = labels if self.several else labels.astype(str)
        self.classes = sorted(class_sizes(pd.Series(labels)).index)

    @cached_property
    def prompts(self) -> Prompts:
        """Of the task's wording.

        Raises:
            LanzdmlError: other weights made them than the images' vectors.
        """
        check_one_model(Path(self._task.images), self._prompts_file)
        return _read_prompts(self._prompts_file)

    @cached_property
    def own_prompts(self) -> Prompts:
        """Those of the notion as it is configured, of a task of one wording."""
        assert self._task.own_prompts, "only wordings have others beside them"
        return _read_prompts(Path(self._task.own_prompts))

    def fit(
        self,
        seed: int,
        *,
        prompts: NDArray[Any] | None = None,
        labelled: NDArray[Any] | None = None,
        dim: Dim | None = None,
    ) -> Method:
        """The method, fitted anew.

        What must not matter stays as it is, and so does the collection, for a method that sees it
        without labels.

        Args:
            seed: of the fit.
            prompts: those that it is fitted to: (m,) bool or positions among :attr:`prompts`, or
                vectors (k, r) in their place; all unless given.
            labelled: those images whose labels a method sees that sees labels: (n,) bool or
                positions; all unless given.
            dim: r', or "auto"; the task's unless given.

        Raises:
            CannotFitError: it cannot be fitted.
        """
        method = self._task.run["method"]
        cls = METHODS[method]
        some = slice(None) if labelled is None else labelled
        to_labels = PROMPTS not in cls.needs
        if LABELS in cls.needs:
            check_values(cls, self.labels)
        given = (self.images[some], self.labels[some]) if to_labels else (self._given(prompts),)
        number = number_for(method, self._task.dim if dim is None else dim, given)
        estimator = new_estimator(method, number)
        estimator.set_params(random_state=seed)
        if cls.uses_logit_scale:
            scale = logit_scale_of(self._prompts_file)
            if scale is None:
                raise CannotFitError(NO_SCALE)
            estimator.set_params(logit_scale=scale)
        fit: Callable[..., Method] = estimator.fit
        if to_labels:
            return fit(*given)
        named: dict[str, ArrayLike] = {}
        if AGAINST in cls.needs:
            named[AGAINST] = self._against()
        if LABELS in cls.needs:
            named |= {IMAGES: self.images[some], LABELS: self.labels[some]}
        elif IMAGES in cls.needs:
            named[IMAGES] = self._collection
        return fit(*given, **named)

    def query_scores(
        self, fitted: Method | Stacked, some: NDArray[Any] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """Scores of each image by the rank metrics, as :func:`lanzdml.metrics.scores.query_scores`.

        Args:
            fitted: what makes their vectors.
            some: of the images, (n,) bool or positions: these are transformed and ranked; all
                unless given.
        """
        chosen = slice(None) if some is None else some
        vectors = fitted.transform(self.images[chosen], unit_images=self._protocol.unit_images)
        return query_scores(vectors, self.labels[chosen], distance=self._protocol.distance)

    def scores_and_draws(self, fitted: Method | Stacked, n_draws: int) -> Scores:
        """Those of :meth:`query_scores`, and scores on draws of the images.

        Args:
            fitted: what makes their vectors.
            n_draws: how many, see :mod:`lanzdml.metrics.resampling`.
        """
        vectors = fitted.transform(self.images, unit_images=self._protocol.unit_images)
        distance = self._protocol.distance
        return scores_and_draws(vectors, self.labels, distance=distance, n_draws=n_draws)

    @property
    def _prompts_file(self) -> Path:
        assert self._task.prompts, "fits of its own need prompts"
        return Path(self._task.prompts)

    def _given(self, prompts: NDArray[Any] | None) -> NDArray[Any]:
        if prompts is None:
            return self.prompts.vectors
        return prompts if prompts.ndim == 2 else self.prompts.vectors[prompts]

    @cached_property
    def _collection(self) -> NDArray[np.float32]:
        return read_embeddings(Path(self._task.images))[1]

    def _against(self) -> NDArray[np.float32]:
        if not self._task.against:
            raise CannotFitError(NOT_TOLD)
        files = self._task.against.values()
        return np.concatenate([read_embeddings(Path(path))[1] for path in files])


def _read_prompts(path: Path) -> Prompts:
    rows, vectors, _ = read_embeddings(path)
    return Prompts(rows["prompt"].to_numpy(str), rows["aspect"].to_numpy(str), vectors)
