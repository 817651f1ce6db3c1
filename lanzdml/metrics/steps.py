"""The two steps of a score that take long: ranking the queries, and clustering."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lanzdml.embeddings.storage import SEED
from lanzdml.embeddings.storage import read_metadata as read_facts
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.metrics.clusters import CLUSTER_METRICS, SILHOUETTE, cluster_metrics, silhouette
from lanzdml.metrics.images import ScoredImages, is_finished
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.ranked import Ranked, rank_queries
from lanzdml.metrics.task import ScoreTask
from lanzdml.transforms.storage import OK, read_metadata


@dataclass(frozen=True)
class Clustered:
    """What clustering a run's vectors gives.

    Attributes:
        size: components of the vectors.
        clusters: metrics of clusters by the seed of k-means.
        pairs: the same by the seeds of fit and k-means, where there is evidence.
        silhouette: None where it is not asked for.
    """

    size: int
    clusters: dict[int, dict[str, float]]
    pairs: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)
    silhouette: float | None = None


def told_by(path: str) -> dict[str, str]:
    """The metadata of a transform; those of finished vectors as if of one."""
    if not is_finished(path):
        return read_metadata(path)
    return {"status": OK, "reason": "", "params": "{}", "seed": read_facts(Path(path))[SEED]}


def first_fitted(transforms: Sequence[str]) -> str | None:
    """The first of a run's transforms that could be fitted."""
    return next((path for path in transforms if told_by(path)["status"] == OK), None)


def vectors_of(task: ScoreTask, images: ScoredImages, transform: str) -> NDArray[np.float32]:
    """What a transform makes of a task's images, as its protocol hands them to it.

    Raises:
        CannotFitError: as :func:`lanzdml.metrics.images.vectors_of`, or code of others failed.
    """
    with reasons_of(task.run["method"]):
        return images.transformed(transform, PROTOCOLS[task.run["protocol"]].unit_images)


def rank(
    task: ScoreTask, images: ScoredImages, n_threads: int, shard: tuple[int, int] = (1, 1)
) -> Ranked:
    """Rank the queries of a shard, from 1 of so many.

    Raises:
        CannotFitError: the images could not be transformed.
    """
    return rank_queries(
        vectors_of(task, images, task.transform), images.labels,
        distance=PROTOCOLS[task.run["protocol"]].distance, queries=images.queries,
        recalls=task.recalls, draws=task.evidence is not None, shard=shard, n_threads=n_threads,
    )  # fmt: skip


def cluster(task: ScoreTask, images: ScoredImages, first: str) -> Clustered:
    """Cluster by all seeds.

    Args:
        first: of the run's transforms, see :func:`first_fitted`.

    Raises:
        CannotFitError: the images could not be transformed.
    """
    distance = PROTOCOLS[task.run["protocol"]].distance
    # The first fit before, as what was used last stays at hand: each is transformed once.
    _, vectors = (vectors_of(task, images, path) for path in (first, task.transform))
    of_classes = None
    if SILHOUETTE in task.metrics:
        of_classes = silhouette(vectors, images.labels, distance=distance)

    def clustered(transform: str, seed: int) -> dict[str, float]:
        return cluster_metrics(
            vectors_of(task, images, transform), images.labels, seed=seed, distance=distance,
            metrics=(*CLUSTER_METRICS, *task.metrics), repeats=task.kmeans_repeats,
            batch_size=task.kmeans_batch_size,
        )  # fmt: skip

    clusters = {seed: clustered(task.transform, seed) for seed in task.seeds}
    pairs: dict[tuple[int, int], dict[str, float]] = {}
    if task.evidence is None:
        pass
    elif first == task.transform:
        # Fits that are equal are clustered by their own seeds, which is all there is to know.
        least = task.seeds[0]
        pairs = {(least, seed): clusters[seed] for seed in task.seeds}
        pairs |= {(seed, least): clusters[least] for seed in task.seeds}
    else:
        seed, least = task.seeds[0], int(told_by(first)["seed"])
        pairs = {(least, seed): clustered(first, seed)}
        pairs |= {(seed, least): clustered(task.transform, least)}
    return Clustered(vectors.shape[1], clusters, pairs, of_classes)
