"""Shards of a run: parts of its queries that several jobs rank, and its clusters by one more.

A shard is a safetensors file with the arrays of :class:`lanzdml.metrics.ranked.Ranked`, clusters
are JSON. Both say what they were made of and which part they are. They stay when the run is
scored, as they are small: 64 bytes a query, and what is added up of draws. So another setting of
k-means ranks nothing anew.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.files import Kept, content_of, digest, write_text
from lanzdml.methods import METHODS
from lanzdml.metrics.images import ScoredImages
from lanzdml.metrics.ranked import Ranked, Scores, put_together
from lanzdml.metrics.recalls import RECALLS
from lanzdml.metrics.steps import Clustered, cluster, first_fitted, rank
from lanzdml.metrics.task import ScoreTask
from lanzdml.tensors import save_tensors
from lanzdml.transforms.storage import check_weights, made_with

RANKED, CLUSTERED = "ranked", "clustered"
MADE_OF, PART, REASON = "made_of", "part", "reason"


def rank_shard(
    task: ScoreTask, output: Path, shard: tuple[int, int], *, kept: Path, n_threads: int = 1
) -> None:
    """Rank the queries of a shard, and write what comes out.

    Args:
        task: the run.
        output: the file.
        shard: its number, from 1, and how many there are.
        kept: folder of :class:`lanzdml.files.Kept`.
        n_threads: the result does not depend on it.

    Raises:
        LanzdmlError: files do not belong together, or cannot be read.
    """

    def make(images: ScoredImages, told: dict[str, str]) -> None:
        save_tensors(output, vars(rank(task, images, n_threads, shard)), told)

    def fail(told: dict[str, str]) -> None:
        save_tensors(output, {}, told)

    _make(task, output, RANKED, _part(*shard), kept, make, fail)


def cluster_run(task: ScoreTask, output: Path, *, kept: Path) -> None:
    """Cluster a run's vectors, and write what comes out.

    Arguments and errors as of :func:`rank_shard`.
    """

    def make(images: ScoredImages, told: dict[str, str]) -> None:
        clustered = asdict(cluster(task, images, first_fitted(task.siblings) or task.transform))
        clustered["pairs"] = [[*pair, values] for pair, values in clustered["pairs"].items()]
        write_text(output, json.dumps(told | clustered))

    def fail(told: dict[str, str]) -> None:
        write_text(output, json.dumps(told))

    _make(task, output, CLUSTERED, "", kept, make, fail)


def _make(
    task: ScoreTask,
    output: Path,
    step: str,
    part: str,
    kept: Path,
    make: Callable[[ScoredImages, dict[str, str]], None],
    fail: Callable[[dict[str, str]], None],
) -> None:
    images, store = ScoredImages(*task.source), Kept(kept)
    if not task.external:
        check_weights([task.transform], images.weights, task.images)
    told = {MADE_OF: made_of(step, task, images), PART: part}
    key = digest(task.version, *told.values())
    if store.take(key, [output]):
        return
    try:
        make(images, told)
    except CannotFitError as error:
        fail(told | {REASON: str(error)})
        if not METHODS.is_ours(task.run["method"]):  # as in lanzdml.metrics.scoring
            return
    store.keep(key, [output])


def made_of(step: str, task: ScoreTask, images: ScoredImages) -> str:
    """Digest of all that decides what a step gives, but for our code: also of what computes it."""
    transforms, with_evidence = [task.transform], task.evidence is not None
    asked: list[Any] = [with_evidence, task.recalls]
    if step == CLUSTERED:
        transforms += [first_fitted(task.siblings) or task.transform]
        others = [name for name in task.metrics if name not in RECALLS]
        kmeans = [list(task.seeds), task.kmeans_repeats, task.kmeans_batch_size]
        asked = [with_evidence, others, kmeans]
    contents = [content_of(path) for path in transforms]
    versions = sorted(made_with().items())
    return digest(step, task.run["protocol"], images.digest, *contents, asked, versions)


def gather_shards(task: ScoreTask, images: ScoredImages) -> Scores:
    """The scores of all queries, of a task's shards.

    Raises:
        CannotFitError: the images could not be transformed.
        LanzdmlError: a shard cannot be read, or is of another run or another part of it.
    """
    made = made_of(RANKED, task, images)
    shards = [
        _read_shard(path, made, _part(number, len(task.shards)))
        for number, path in enumerate(task.shards, start=1)
    ]
    return put_together(shards, len(images.ids), task.recalls)


def read_clusters(task: ScoreTask, images: ScoredImages) -> Clustered:
    """What :func:`cluster_run` wrote; errors as of :func:`gather_shards`."""
    path = str(task.clusters)
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        _check(path, told, made_of(CLUSTERED, task, images), "")
        told["clusters"] = {int(seed): values for seed, values in told["clusters"].items()}
        told["pairs"] = {(fit, seed): values for fit, seed, values in told["pairs"]}
        return Clustered(**{field.name: told[field.name] for field in fields(Clustered)})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from None


def _part(number: int, shards: int) -> str:
    return f"{number} of {shards}"


def _read_shard(path: str, made_of: str, part: str) -> Ranked:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            _check(path, file.metadata() or {}, made_of, part)
            return Ranked(**{name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, TypeError) as error:
        raise _unreadable(path, error) from None


def _check(path: str, told: dict[str, str], made_of: str, part: str) -> None:
    if (told.get(MADE_OF), told.get(PART)) != (made_of, part):
        raise LanzdmlError(
            f"{path} is not of this run and part, or other versions of packages made it: delete it "
            "and run again"
        )
    if REASON in told:
        raise CannotFitError(told[REASON])


def _unreadable(path: str, error: Exception) -> LanzdmlError:
    return LanzdmlError(f"{path} cannot be read ({error}): delete it and run again")
