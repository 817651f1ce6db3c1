"""Fits at many r', and at those that rules choose."""

from typing import Any

import pandas as pd

from lanzdml.errors import CannotFitError
from lanzdml.experiments.dim_choice.rules import choices
from lanzdml.experiments.source import Source
from lanzdml.experiments.task import METRICS, MeasureTask
from lanzdml.methods.base import normalise
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.metrics.scores import mean_scores

GRID, RULE, UNCUT = "grid", "rule", "uncut"
WEIGHS = ("soft_subspace",)
"""Methods that weigh the directions in which texts vary, so that none need be cut off."""


def measure(task: MeasureTask) -> pd.DataFrame:
    """A row an r' and seed, and one a rule and seed with the r' that it chooses.

    A method of :data:`WEIGHS` has all directions instead: a row a seed.

    Returns:
        columns part (:data:`GRID`, :data:`RULE` or :data:`UNCUT`), rule, size (r'), seed,
        ``map_at_r``, ``precision_at_1``, n_prompts, n_images, n_classes, and a ``reason`` where
        there is no value.
    """
    source = Source(task)
    texts = normalise(source.prompts.vectors)
    most = texts.shape[1]
    asked: list[tuple[str, str | None, int]]
    if task.run["method"] in WEIGHS:
        asked = [(UNCUT, None, most)]
    else:
        configured = task.dim if isinstance(task.dim, int) else None
        asked = [(GRID, None, dim) for dim in task.settings["dims"] if dim <= most]
        asked += [(RULE, name, dim) for name, dim in choices(texts, configured).items()]
    scores: dict[tuple[int, int], dict[str, Any]] = {}
    rows = []
    for part, rule, size in asked:
        for seed in task.seeds:
            if (size, seed) not in scores:
                scores[size, seed] = _scores(task, source, size, seed)
            rows.append(
                {"part": part, "rule": rule, "size": size, "seed": seed} | scores[size, seed]
            )
    facts = {
        "n_prompts": len(texts),
        "n_images": len(source.labels),
        "n_classes": len(source.classes),
    }
    columns = ["part", "rule", "size", "seed", *METRICS, *facts, "reason"]
    return pd.DataFrame(rows).assign(**facts).reindex(columns=columns)


def _scores(task: MeasureTask, source: Source, size: int, seed: int) -> dict[str, Any]:
    try:
        with reasons_of(task.run["method"]):
            scores = mean_scores(source.query_scores(source.fit(seed, dim=size)))
    except CannotFitError as error:
        return {"reason": str(error)}
    return {metric: scores[metric] for metric in METRICS}
