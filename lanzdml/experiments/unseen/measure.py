"""Fits without the prompts of some classes, scored on the images of these classes."""

from dataclasses import dataclass
from functools import cached_property
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.embeddings.storage import labelled_images, logit_scale_of, read_embeddings
from lanzdml.errors import CannotFitError
from lanzdml.experiments.task import METRICS, MeasureTask
from lanzdml.methods import METHODS
from lanzdml.methods.base import Method
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.methods.needs import AGAINST, IMAGES, LABELS
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.scores import rank_metrics
from lanzdml.transforms.fitting import NO_SCALE, NOT_TOLD, new_estimator
from lanzdml.transforms.storage import load_transform

UNSEEN, NAMED = "unseen", "named"
LEAST = 2  # classes on either side


@dataclass(frozen=True)
class Split:
    """Classes that are left out.

    Attributes:
        images: (n,) bool, theirs.
        prompts: (m,) bool, those that stay.
        n_classes: how many are left out.
        share: of all named ones.
    """

    images: NDArray[np.bool_]
    prompts: NDArray[np.bool_]
    n_classes: int
    share: float


def measure(task: MeasureTask) -> pd.DataFrame:
    """Two rows a split: fitted without the prompts of its classes, and with all prompts.

    Both are scored on the images of these classes alone, so that nothing but the prompts differs.
    A split is the same for every method; the seeds of fits take turns. What is to be told against
    stays as it is, and so does the collection, for a method that sees it without labels; one that
    sees labels is fitted to the images of the other classes.

    Returns:
        columns split, case (:data:`UNSEEN` or :data:`NAMED`), seed, ``map_at_r``,
        ``precision_at_1``, n_images, n_classes, share (of the classes, how many are left out), and
        a ``reason`` where there is no value; two rows without a split where too few classes are
        among the aspects.
    """
    source = _Source(task)
    distance = PROTOCOLS[task.run["protocol"]].distance
    splits = draw_splits(source.labels, source.aspects, **task.settings)
    rows: list[dict[str, Any]] = []
    for number, split in enumerate(splits):
        turn = number % len(task.seeds)
        images, labels = source.images[split.images], source.labels[split.images]
        facts = {"n_images": len(labels), "n_classes": split.n_classes, "share": split.share}
        for case in (UNSEEN, NAMED):
            row: dict[str, Any] = {"split": number, "case": case, "seed": task.seeds[turn], **facts}
            try:
                with reasons_of(task.run["method"]):
                    fitted = (
                        source.fit(split, task.seeds[turn])
                        if case == UNSEEN
                        else load_transform(task.transforms[turn])
                    )
                    vectors = fitted.transform(images, unit_images=source.unit_images)
            except CannotFitError as error:
                row["reason"] = str(error)
            else:
                scores = rank_metrics(vectors, labels, distance=distance)
                row |= {metric: scores[metric] for metric in METRICS}
            rows.append(row)
    if not rows:
        n_named = len(named_classes(source.labels, source.aspects))
        reason = f"{n_named} of its classes are among the aspects, and {2 * LEAST} are the fewest"
        rows = [{"case": case, "reason": reason} for case in (UNSEEN, NAMED)]
    columns = ["split", "case", "seed", *METRICS, "n_images", "n_classes", "share", "reason"]
    return pd.DataFrame(rows).reindex(columns=columns)


def named_classes(labels: NDArray[Any], aspects: NDArray[Any]) -> list[str]:
    """The classes that an aspect names, whatever its case, and that have two images or more."""
    sizes = pd.Series(labels).value_counts()
    known = {aspect.casefold() for aspect in aspects}
    return sorted(name for name in sizes.index[sizes > 1] if name.casefold() in known)


def draw_splits(
    labels: NDArray[Any], aspects: NDArray[Any], *, splits: int, share: float
) -> list[Split]:
    """Classes to leave out, drawn anew for each split; none where there are too few.

    No two splits leave out the same, so that of few classes there are fewer splits.

    Args:
        labels: (n,) of the images.
        aspects: (m,) of the prompts.
        splits: how many.
        share: of the classes that an aspect names, how many are left out; two at least stay.
    """
    named = named_classes(labels, aspects)
    if len(named) < 2 * LEAST:
        return []
    n_left_out = int(np.clip(round(share * len(named)), LEAST, len(named) - LEAST))
    folded = np.array([aspect.casefold() for aspect in aspects])
    rng = np.random.default_rng(len(named))
    drawn: dict[tuple[int, ...], Split] = {}
    while len(drawn) < min(splits, comb(len(named), n_left_out)):
        chosen = tuple(sorted(rng.choice(len(named), n_left_out, replace=False)))
        left_out = [named[number] for number in chosen]
        stays = ~np.isin(folded, [name.casefold() for name in left_out])
        images = np.isin(labels, left_out)
        drawn[chosen] = Split(images, stays, n_left_out, n_left_out / len(named))
    return [*drawn.values()]


class _Source:
    """What a method is fitted to and scored on."""

    def __init__(self, task: MeasureTask) -> None:
        notion = task.run["notion"]
        self._task = task
        self.images, labels, _ = labelled_images(
            Path(task.images), Path(task.manifest), task.labels[notion]
        )
        self.labels = labels.astype(str)
        self.unit_images = PROTOCOLS[task.run["protocol"]].unit_images
        assert task.prompts, "fits of its own need prompts"
        self._prompts_file = Path(task.prompts)
        prompts, self._prompts, _ = read_embeddings(self._prompts_file)
        self.aspects = prompts["aspect"].to_numpy(str)

    def fit(self, split: Split, seed: int) -> Method:
        """The method, fitted without the classes of a split.

        Raises:
            CannotFitError: it cannot be fitted.
        """
        cls = METHODS[self._task.run["method"]]
        estimator = new_estimator(self._task.run["method"], self._task.dim)
        estimator.set_params(random_state=seed)
        if cls.uses_logit_scale:
            scale = logit_scale_of(self._prompts_file)
            if scale is None:
                raise CannotFitError(NO_SCALE)
            estimator.set_params(logit_scale=scale)
        if LABELS in cls.needs:
            seen = ~split.images
            return estimator.fit(self.images[seen], self.labels[seen])
        named: dict[str, Any] = {}
        if AGAINST in cls.needs:
            named[AGAINST] = self._against()
        if IMAGES in cls.needs:
            named[IMAGES] = self._collection
        return estimator.fit(self._prompts[split.prompts], **named)

    @cached_property
    def _collection(self) -> NDArray[np.float32]:
        return read_embeddings(Path(self._task.images))[1]

    def _against(self) -> NDArray[np.float32]:
        if not self._task.against:
            raise CannotFitError(NOT_TOLD)
        files = self._task.against.values()
        return np.concatenate([read_embeddings(Path(path))[1] for path in files])
