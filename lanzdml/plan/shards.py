"""Shards: into how many jobs the ranking of a run's queries is cut, and what these need."""

import math
from collections.abc import Callable
from dataclasses import replace

from lanzdml.errors import LanzdmlError
from lanzdml.metrics.ranking import MOST_BLOCKS
from lanzdml.metrics.recalls import RECALLS
from lanzdml.metrics.task import ScoreTask
from lanzdml.plan.plan import Plan

ONE_SHARD = 100_000  # images, whose ranking takes some minutes: as long as a shard of more
MOST_SHARDS = 1_000_000
Version = Callable[[str], str]
"""From a method's name to the version of the code behind its results."""
_LARGEST_DIM = 1_024  # where a model does not say its own
_LEAST_MB = 2_000


def n_shards(plan: Plan, dataset: str) -> int:
    """How many jobs share the ranking of a run of a dataset: what is asked for, or what fits."""
    asked = plan.config.datasets[dataset].rank_shards
    # Ranking grows as the square of the images.
    fitting = math.ceil((_n_images(plan, dataset) / ONE_SHARD) ** 2)
    return asked or min(max(fitting, 1), MOST_BLOCKS)


def check_number(n: int) -> None:
    """Raise for more shards in all than can be planned, before they are listed.

    Raises:
        LanzdmlError: there are more than :data:`MOST_SHARDS`.
    """
    if n > MOST_SHARDS:
        raise LanzdmlError(
            f"the configuration asks for {n:,} shards of queries, and {MOST_SHARDS:,} are the "
            "most: lower rank_shards of its datasets, or list fewer seeds, dims, methods or models"
        )


def ranking_of(task: ScoreTask, version: Version) -> ScoreTask:
    """A task with what decides its ranking, and nothing that decides its clusters alone."""
    return replace(
        task, version=version(task.run["method"]), seeds=(), siblings=(), metrics=task.recalls,
        kmeans_repeats=1, kmeans_batch_size=None, shards=(), clusters=None,
    )  # fmt: skip


def clustering_of(task: ScoreTask, version: Version) -> ScoreTask:
    """A task with what decides its clusters, and nothing that decides its ranking alone."""
    others = [name for name in task.metrics if name not in RECALLS]
    return replace(
        task, version=version(task.run["method"]), metrics=others, shards=(), clusters=None
    )


def memory_mb(plan: Plan, task: ScoreTask) -> int:
    """What a job claims that scores a run, ranks a shard of it or clusters.

    Where there are shards, an image's embedding is there three times while it is read, its vector
    once in float32 and twice in float64, how often it is drawn twice, and its similarities to the
    queries of a chunk a few times.
    """
    if task.clusters is None:
        return _LEAST_MB
    dim = plan.config.models[task.run["model"]].embed_dim or _LARGEST_DIM
    of_image = dim * (3 * 4 + 4 + 2 * 8) + 300 * 2 * 4 + 32 * 4 * 8
    return _LEAST_MB + _n_images(plan, task.run["dataset"]) * of_image // 2**20


def _n_images(plan: Plan, dataset: str) -> int:
    return plan.config.datasets[dataset].source(dataset).n_images
