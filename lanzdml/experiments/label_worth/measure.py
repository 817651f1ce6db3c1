"""Maps fitted to some labelled images of each class, and methods, on the same other images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.experiments.source import Source
from lanzdml.experiments.task import METRICS, MeasureTask
from lanzdml.methods import METHODS
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.methods.needs import PROMPTS
from lanzdml.metrics.images import vectors_of
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.scores import mean_scores, rank_metrics

SEVERAL = "its images have several values, so that labels are not so many of each class"
LEAST = 2  # images of a class that are scored, and classes

Scores = Callable[[int, NDArray[np.intp], NDArray[np.intp]], dict[str, float]]
"""From a seed's position, and the positions of labelled and scored images."""


@dataclass(frozen=True)
class Labelled:
    """Images of which some are labelled.

    Attributes:
        k: how many of each class; of small classes half.
        labelled, scored: positions of images, ascending.
        n_classes: how many take part.
        n_left: how many are too small for this k.
    """

    k: int
    labelled: NDArray[np.intp]
    scored: NDArray[np.intp]
    n_classes: int
    n_left: int


def measure(task: MeasureTask) -> pd.DataFrame:
    """A row a draw and number of labels, of a map that is fitted to these, or of a method.

    A method does not see them, but is scored on the same images. Draws are the same for all maps
    and methods; the seeds of fits take turns. A map that sees prompts, too, sees all of the
    notion's; methods are those of the tables.

    Returns:
        columns draw, k, seed, ``map_at_r``, ``precision_at_1``, n_labelled, n_images (that are
        scored), n_classes, n_left (classes that are too small), is_map, sees_prompts, and a
        ``reason`` where there is no value; one row of a k for which fewer than two classes are
        large enough, or where images have several values.
    """
    source, is_map = Source(task), not task.transforms
    rows: list[dict[str, Any]] = []
    ks, draws = task.settings["labels"], task.settings["draws"]
    scores = _of_map(task, source) if is_map else _of_method(task, source)
    for draw in range(draws):
        turn = draw % len(task.seeds)
        if source.several:
            rows += [
                {"draw": draw, "k": k, "seed": task.seeds[turn], "reason": SEVERAL} for k in ks
            ]
            continue
        for drawn in draw_labelled(source.labels, ks, draw):
            row: dict[str, Any] = {
                "draw": draw, "k": drawn.k, "seed": task.seeds[turn],
                "n_labelled": len(drawn.labelled), "n_images": len(drawn.scored),
                "n_classes": drawn.n_classes, "n_left": drawn.n_left,
            }  # fmt: skip
            if drawn.n_classes < LEAST:
                row["reason"] = (
                    f"with {drawn.k} labelled, {drawn.n_classes} of its classes have the "
                    f"{drawn.k + LEAST} images that it takes, and {LEAST} classes are the fewest"
                )
            elif task.supervised and not is_map:
                row["reason"] = "it saw labels of the images that are scored"
            else:
                try:
                    with reasons_of(task.run["method"]):
                        row |= scores(turn, drawn.labelled, drawn.scored)
                except CannotFitError as error:
                    row["reason"] = str(error)
            rows.append(row)
    columns = ["draw", "k", "seed", *METRICS, "n_labelled", "n_images", "n_classes", "n_left",
               "reason"]  # fmt: skip
    sees_prompts = not is_map or PROMPTS in METHODS[task.run["method"]].needs
    return pd.DataFrame(rows, columns=columns).assign(is_map=is_map, sees_prompts=sees_prompts)


def draw_labelled(labels: NDArray[Any], ks: list[int], draw: int) -> list[Labelled]:
    """Which images are labelled and which are scored, for each number of labelled images a class.

    Of a random order of each class the first k are labelled, and half of it at most; those after
    the largest k, or half, are scored, whatever k is. A class of fewer than k + 2 images takes no
    part for that k.

    Args:
        labels: (n,) of the images.
        ks: ascending.
        draw: its number, which seeds it.
    """
    rng = np.random.default_rng(draw)
    classes = [rng.permutation(np.flatnonzero(labels == name)) for name in np.unique(labels)]
    drawn = []
    for k in ks:
        some = [order for order in classes if len(order) >= k + LEAST]
        labelled = [order[: min(k, len(order) // 2)] for order in some]
        scored = [order[min(ks[-1], len(order) // 2) :] for order in some]
        none = [np.empty(0, np.intp)]
        drawn.append(
            Labelled(
                k,
                np.sort(np.concatenate(labelled or none)),
                np.sort(np.concatenate(scored or none)),
                len(some),
                len(classes) - len(some),
            )
        )
    return drawn


def _of_map(task: MeasureTask, source: Source) -> Scores:
    def scores(turn: int, labelled: NDArray[np.intp], scored: NDArray[np.intp]) -> dict[str, float]:
        fitted = source.fit(task.seeds[turn], labelled=labelled)
        means = mean_scores(source.query_scores(fitted, scored))
        return {metric: means[metric] for metric in METRICS}

    return scores


def _of_method(task: MeasureTask, source: Source) -> Scores:
    """Of the vectors that the tables have, of all images with a label of the notion."""
    protocol = PROTOCOLS[task.run["protocol"]]

    @cache
    def vectors(turn: int) -> NDArray[np.float32]:
        own = task.labels[task.run["notion"]]
        manifest = Path(task.manifest)
        return vectors_of(
            task.transforms[turn], source.images, manifest, own, unit_images=protocol.unit_images
        )

    @cache
    def means(turn: int, scored: bytes) -> dict[str, float]:
        # The same images as for the last k, unless a class left.
        chosen = np.frombuffer(scored, np.intp)
        return rank_metrics(
            vectors(turn)[chosen], source.labels[chosen], distance=protocol.distance
        )

    def scores(turn: int, labelled: NDArray[np.intp], scored: NDArray[np.intp]) -> dict[str, float]:
        found = means(turn, scored.tobytes())
        return {metric: found[metric] for metric in METRICS}

    return scores
