"""Scoring: images are transformed and compared with their labels, run by run."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.datasets.labels import LabelColumns
from lanzdml.datasets.queries import Queries
from lanzdml.embeddings.storage import (
    PROMPTS,
    SEED,
    WEIGHTS,
    weights_of,
)
from lanzdml.embeddings.storage import read_metadata as read_facts
from lanzdml.errors import CannotFitError
from lanzdml.files import Kept, content_of, digest
from lanzdml.methods import METHODS
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.methods.needs import AGAINST
from lanzdml.metrics.clusters import CLUSTER_METRICS, SILHOUETTE, cluster_metrics, silhouette
from lanzdml.metrics.evidence import Evidence, write_evidence
from lanzdml.metrics.images import ScoredImages, is_finished
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.recalls import RECALLS
from lanzdml.metrics.resampling import scores_and_draws
from lanzdml.metrics.runs import (
    CHANCE,
    MACRO,
    SCORED_WITH,
    TRAITS,
    traits_of,
    write_runs,
)
from lanzdml.metrics.scores import (
    RANK_METRICS,
    macro_scores,
    mean_scores,
    query_scores_and_ties,
)
from lanzdml.transforms.storage import (
    DIM_AUTO,
    NOT_FITTED,
    OK,
    check_weights,
    made_with,
    read_metadata,
)

SEVERAL = "images have several values, and metrics of clusters need one each"
NO_HITS = "no query has an image of its class in the gallery"


@dataclass(frozen=True)
class ScoreTask:
    """A transform that is to be scored.

    Attributes:
        output: parquet with :data:`lanzdml.metrics.runs.COLUMNS`: a row, or one a seed.
        run: dataset, notion, model, protocol and method.
        transform: what is scored; or finished vectors of others, a Parquet file of embeddings.
        seeds: of k-means; that of the fit, or several where each seed gives the same fit.
        version: of the code that transforms and scores; other scores are made anew.
        images, manifest: the images' embeddings and labels. Beside finished vectors those of the
            first seed.
        labels: where the labels are in the manifest.
        queries: which images are queries to the others; each to all others unless given.
        external: of finished vectors what the row says of them, ``source`` and ``supervised``.
        siblings: the transforms of all seeds of the run, where there is evidence.
        evidence: what is kept beside the metrics; nothing unless the run is one of the tables'.
        metrics: those of :data:`lanzdml.metrics.scores.MORE_METRICS` that are asked for.
        kmeans_repeats: how many starts of k-means are averaged for each of its seeds.
    """

    output: str
    run: Mapping[str, str]
    transform: str
    seeds: Sequence[int]
    version: str
    images: str
    manifest: str
    labels: LabelColumns
    queries: Queries | None = None
    siblings: Sequence[str] = ()
    external: Mapping[str, Any] | None = None
    evidence: Evidence | None = None
    metrics: Sequence[str] = ()
    kmeans_repeats: int = 1

    @property
    def source(self) -> tuple[str, str, LabelColumns, Queries | None]:
        """What tells the images that it is scored on."""
        return self.images, self.manifest, self.labels, self.queries

    @property
    def inputs(self) -> list[str]:
        """All files that are read, but for the siblings."""
        of_queries = self.queries.files if self.queries else ()
        return [self.transform, self.images, self.manifest, *of_queries]

    @property
    def outputs(self) -> list[str]:
        """All files that are written."""
        return [self.output, *(vars(self.evidence).values() if self.evidence else ())]


@dataclass
class _Scores:
    """What came out of a run.

    Attributes:
        row: what its rows have in common, whatever the seed of k-means.
        clusters: AMI and NMI by that seed.
        queries: (n,) scores by metric; nothing of what could not be made.
        draws: (n_draws,) scores by metric.
        pairs: AMI and NMI by the seeds of fit and k-means.
    """

    row: dict[str, Any]
    clusters: dict[int, dict[str, float]] = field(default_factory=dict)
    queries: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    draws: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    pairs: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)


def score_runs(
    tasks: Sequence[ScoreTask],
    *,
    kept: Path,
    n_threads: int = 1,
    progress: Callable[[int], object] = lambda n: None,
) -> None:
    """Transform the labelled images, score them, and write a row a run.

    The protocol says what is handed to the transforms and by which distance their vectors are
    compared. What was scored before, by the same version, is taken from what is kept.

    Args:
        tasks: the runs; those of one notion one after the other, so that its images are read once.
        kept: folder of :class:`lanzdml.files.Kept`.
        n_threads: for the metrics; the values do not depend on it.
        progress: is called with how many more runs are done.

    Raises:
        LanzdmlError: files do not belong together, or cannot be read.
    """
    store = Kept(kept)
    for source, of_source in groupby(tasks, lambda task: task.source):
        images = ScoredImages(*source)
        for task in of_source:
            if not task.external:
                check_weights([task.transform], images.weights, task.images)
            first = _first_fitted(task.siblings) or task.transform
            of_fits = [content_of(path) for path in dict.fromkeys((task.transform, first))]
            run = (sorted(task.run.items()), list(task.seeds), task.evidence is None, task.external)
            metrics = list(task.metrics), task.kmeans_repeats
            made_of = digest("score", task.version, *run, *of_fits, images.digest, *metrics)
            if not store.take(made_of, task.outputs):
                scores = _score(task, images, first, n_threads)
                _write(task, scores, images)
                # What code of others lacked may be there when it runs again.
                if scores.row["status"] == OK or METHODS.is_ours(task.run["method"]):
                    store.keep(made_of, task.outputs)
            progress(1)


def _first_fitted(transforms: Sequence[str]) -> str | None:
    return next((path for path in transforms if _told_by(path)["status"] == OK), None)


def _told_by(path: str) -> dict[str, str]:
    """The metadata of a transform; those of finished vectors as if of one."""
    if not is_finished(path):
        return read_metadata(path)
    return {"status": OK, "reason": "", "params": "{}", "seed": read_facts(Path(path))[SEED]}


def _score(task: ScoreTask, images: ScoredImages, first: str, n_threads: int) -> _Scores:
    metadata = _told_by(task.transform)
    dim = json.loads(metadata["params"]).get("dim")
    recalls = [name for name in task.metrics if name in RECALLS]
    told = ("n_prompts", AGAINST, "fit_seconds", "iterations", "loss", PROMPTS)
    row = {
        **task.run,
        **images.facts,
        **{CHANCE + name: images.chance[name] for name in (*RANK_METRICS, *recalls)},
        **_traits(task),
        "dim": images.embeddings.shape[1] if dim is None else dim,
        "dim_auto": DIM_AUTO in metadata,
        **{name: metadata.get(name) for name in told},
        "status": metadata["status"],
        "reason": metadata["reason"] or None,
        **dict.fromkeys((*task.metrics, *(MACRO + name for name in recalls))),
    }
    if metadata["status"] != OK:
        return _Scores(row)
    protocol = PROTOCOLS[task.run["protocol"]]
    try:
        with reasons_of(task.run["method"]):
            # The first fit before, as what was used last stays at hand: each is transformed once.
            _, vectors = (
                images.transformed(path, protocol.unit_images) for path in (first, task.transform)
            )
    except CannotFitError as error:
        return _Scores(row | {"status": NOT_FITTED, "reason": str(error)})
    if dim is None:  # of a method whose size nobody chooses
        row["dim"] = vectors.shape[1]
    draws: dict[str, NDArray[np.float64]] = {}
    if task.evidence is None:
        queries, tied = query_scores_and_ties(
            vectors, images.labels, distance=protocol.distance, queries=images.queries,
            recalls=recalls, n_threads=n_threads,
        )  # fmt: skip
    else:
        ranked = scores_and_draws(
            vectors, images.labels, distance=protocol.distance, queries=images.queries,
            recalls=recalls, n_threads=n_threads,
        )  # fmt: skip
        queries, tied, draws = ranked.queries, ranked.tied, ranked.draws
    scores = mean_scores(queries)
    macro = macro_scores(queries, images.labels)
    row |= scores | {MACRO + name: value for name, value in macro.items()}
    row["n_queries"] = int(np.count_nonzero(~np.isnan(queries["map_at_r"])))
    row["tied_queries"] = int(tied.sum())
    if SILHOUETTE in task.metrics:
        row[SILHOUETTE] = silhouette(vectors, images.labels, distance=protocol.distance)
    row["reason"] = _why_undefined(row, images)

    def clustered(transform: str, seed: int) -> dict[str, float]:
        vectors = images.transformed(transform, protocol.unit_images)
        return cluster_metrics(
            vectors, images.labels, seed=seed, distance=protocol.distance,
            metrics=(*CLUSTER_METRICS, *task.metrics), repeats=task.kmeans_repeats,
        )  # fmt: skip

    clusters = {seed: clustered(task.transform, seed) for seed in task.seeds}
    if task.evidence is None:
        return _Scores(row, clusters)
    if first == task.transform:
        # Fits that are equal are clustered by their own seeds, which is all there is to know.
        least = task.seeds[0]
        pairs = {(least, seed): clusters[seed] for seed in task.seeds}
        pairs |= {(seed, least): clusters[least] for seed in task.seeds}
    else:
        seed, least = task.seeds[0], int(_told_by(first)["seed"])
        pairs = {(least, seed): clustered(first, seed)}
        pairs |= {(seed, least): clustered(task.transform, least)}
    return _Scores(row, clusters, queries, draws, pairs)


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
    rows = [scores.row | {"seed": seed} | scores.clusters.get(seed, {}) for seed in task.seeds]
    scored_with = json.dumps({**made_with(), "code": task.version})
    write_runs(Path(task.output), pd.DataFrame(rows), **{SCORED_WITH: scored_with})
    if task.evidence is None:
        return
    write_evidence(
        task.evidence, scores.row, task.seeds, images.ids, scores.queries, scores.pairs,
        scores.draws,
    )  # fmt: skip
