"""Fits without the prompts of some classes, scored on the images of these classes."""

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.experiments.source import Source
from lanzdml.experiments.task import METRICS, MeasureTask
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.metrics.scores import mean_scores
from lanzdml.transforms.storage import load_transform

UNSEEN, NAMED = "unseen", "named"
LEAST = 2  # classes on either side
SEVERAL = (
    "its images have several values, so that leaving some of these out leaves no images aside that "
    "are theirs alone"
)


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
        among the aspects, or images have several values.
    """
    source = Source(task)
    aspects = source.prompts.aspects
    # Of several values an image can have one on either side.
    splits = [] if source.several else draw_splits(source.labels, aspects, **task.settings)
    rows: list[dict[str, Any]] = []
    for number, split in enumerate(splits):
        turn = number % len(task.seeds)
        facts = {
            "n_images": int(split.images.sum()),
            "n_classes": split.n_classes,
            "share": split.share,
        }
        for case in (UNSEEN, NAMED):
            row: dict[str, Any] = {"split": number, "case": case, "seed": task.seeds[turn], **facts}
            try:
                with reasons_of(task.run["method"]):
                    fitted = (
                        source.fit(task.seeds[turn], prompts=split.prompts, labelled=~split.images)
                        if case == UNSEEN
                        else load_transform(task.transforms[turn])
                    )
                    scores = mean_scores(source.query_scores(fitted, split.images))
            except CannotFitError as error:
                row["reason"] = str(error)
            else:
                row |= {metric: scores[metric] for metric in METRICS}
            rows.append(row)
    if not rows:
        if source.several:
            reason = SEVERAL
        else:
            n_named = len(named_classes(source.labels, aspects))
            fewest = f"and {2 * LEAST} are the fewest"
            reason = f"{n_named} of its classes are among the aspects, {fewest}"
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
