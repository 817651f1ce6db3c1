"""Scoring: images are transformed and compared with their labels, run by run."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lanzdml.embeddings.storage import PROMPTS, WEIGHTS, weights_of
from lanzdml.errors import CannotFitError
from lanzdml.files import Kept, content_of, digest
from lanzdml.methods import METHODS
from lanzdml.methods.needs import AGAINST
from lanzdml.metrics.clusters import SILHOUETTE
from lanzdml.metrics.evidence import write_evidence
from lanzdml.metrics.images import ScoredImages
from lanzdml.metrics.ranked import Scores, put_together
from lanzdml.metrics.runs import (
    CHANCE,
    KMEANS_BATCH_SIZE,
    MACRO,
    SCORED_WITH,
    TRAITS,
    traits_of,
    write_runs,
)
from lanzdml.metrics.scores import RANK_METRICS, macro_scores, mean_scores
from lanzdml.metrics.shards import gather_shards, read_clusters
from lanzdml.metrics.steps import (
    Clustered,
    cluster,
    first_fitted,
    rank,
    told_by,
    vectors_of,
)
from lanzdml.metrics.task import ScoreTask
from lanzdml.transforms.storage import DIM_AUTO, NOT_FITTED, OK, check_weights, made_with

SEVERAL = "images have several values, and metrics of clusters need one each"
NO_HITS = "no query has an image of its class in the gallery"


@dataclass
class _Scores:
    """What came out of a run.

    Attributes:
        row: what its rows have in common, whatever the seed of k-means.
        ranked, clustered: of its vectors; None where they could not be made.
    """

    row: dict[str, Any]
    ranked: Scores | None = None
    clustered: Clustered | None = None


def score_runs(
    tasks: Sequence[ScoreTask],
    *,
    kept: Path | Kept,
    n_threads: int = 1,
    progress: Callable[[int], object] = lambda n: None,
) -> None:
    """Transform the labelled images, score them, and write a row a run.

    The protocol says what is handed to the transforms and by which distance their vectors are
    compared. What was scored before, by the same version, is taken from what is kept.

    Args:
        tasks: the runs; those of one notion one after the other, so that its images are read once.
        kept: what is kept, or its folder.
        n_threads: for the metrics; the values do not depend on it.
        progress: is called with how many more runs are done.

    Raises:
        LanzdmlError: files do not belong together, or cannot be read.
    """
    store = Kept.at(kept)
    for source, of_source in groupby(tasks, lambda task: task.source):
        images = ScoredImages(*source)
        for task in of_source:
            if not task.external:
                check_weights([task.transform], images.weights, task.images)
            first = first_fitted(task.siblings) or task.transform
            of_fits = [content_of(path) for path in dict.fromkeys((task.transform, first))]
            run = (sorted(task.run.items()), list(task.seeds), task.evidence is None, task.external)
            metrics = list(task.metrics), task.kmeans_repeats, task.kmeans_batch_size
            made_of = digest("score", task.version, *run, *of_fits, images.digest, *metrics)
            if not store.take(made_of, task.outputs):
                scores = _score(task, images, first, n_threads)
                _write(task, scores, images)
                # What code of others lacked may be there when it runs again.
                if scores.row["status"] == OK or METHODS.is_ours(task.run["method"]):
                    store.keep(made_of, task.outputs)
            progress(1)


def _score(task: ScoreTask, images: ScoredImages, first: str, n_threads: int) -> _Scores:
    metadata = told_by(task.transform)
    dim = json.loads(metadata["params"]).get("dim")
    told = ("n_prompts", AGAINST, "fit_seconds", "iterations", "loss", PROMPTS)
    row = {
        **task.run,
        **images.facts,
        **{CHANCE + name: images.chance[name] for name in (*RANK_METRICS, *task.recalls)},
        **_traits(task),
        "dim": images.embeddings.shape[1] if dim is None else dim,
        "dim_auto": DIM_AUTO in metadata,
        **{name: metadata.get(name) for name in told},
        "status": metadata["status"],
        "reason": metadata["reason"] or None,
        **dict.fromkeys((*task.metrics, *(MACRO + name for name in task.recalls))),
    }
    if task.kmeans_batch_size is not None:
        row[KMEANS_BATCH_SIZE] = task.kmeans_batch_size
    if metadata["status"] != OK:
        return _Scores(row)
    try:
        ranked, clustered = _steps(task, images, first, n_threads)
    except CannotFitError as error:
        return _Scores(row | {"status": NOT_FITTED, "reason": str(error)})
    if dim is None:  # of a method whose size nobody chooses
        row["dim"] = clustered.size
    macro = macro_scores(ranked.queries, images.labels)
    row |= mean_scores(ranked.queries) | {MACRO + name: value for name, value in macro.items()}
    row["n_queries"] = int(np.count_nonzero(~np.isnan(ranked.queries["map_at_r"])))
    row["tied_queries"] = int(ranked.tied.sum())
    if clustered.silhouette is not None:
        row[SILHOUETTE] = clustered.silhouette
    row["reason"] = _why_undefined(row, images)
    return _Scores(row, ranked, clustered)


def _steps(
    task: ScoreTask, images: ScoredImages, first: str, n_threads: int
) -> tuple[Scores, Clustered]:
    """What ranking and clustering give: made here, or in other jobs."""
    if task.clusters is not None:
        clustered = read_clusters(task, images)
        return gather_shards(task, images), clustered
    # The first fit before, as what was used last stays at hand: each is transformed once.
    vectors_of(task, images, first)
    ranked = rank(task, images, n_threads)
    together = put_together([ranked], len(images.ids), task.recalls)
    return together, cluster(task, images, first)


def _why_undefined(row: Mapping[str, Any], images: ScoredImages) -> str | None:
    """Why some metrics of a run that was made are null."""
    if math.isnan(row["map_at_r"]):
        return "no class has two images" if images.queries is None else NO_HITS
    if not images.is_single:
        return SEVERAL
    return None


def _traits(task: ScoreTask) -> dict[str, Any]:
    """What a row says of its method; of finished vectors with their checksum."""
    if not task.external:
        return traits_of(task.run["method"])
    traits = dict.fromkeys(TRAITS, False) | {"external": True}
    traits |= {"deterministic": len(task.siblings) < 2, **task.external}
    return traits | {WEIGHTS: weights_of(Path(task.transform))}


def _write(task: ScoreTask, scores: _Scores, images: ScoredImages) -> None:
    ranked = scores.ranked or Scores({}, np.zeros(0, bool), {})
    clustered = scores.clustered or Clustered(0, {})
    rows = [scores.row | {"seed": seed} | clustered.clusters.get(seed, {}) for seed in task.seeds]
    scored_with = json.dumps({**made_with(), "code": task.version})
    write_runs(Path(task.output), pd.DataFrame(rows), **{SCORED_WITH: scored_with})
    if task.evidence is None:
        return
    write_evidence(
        task.evidence, scores.row, task.seeds, images.ids, ranked.queries, clustered.pairs,
        ranked.draws,
    )  # fmt: skip
