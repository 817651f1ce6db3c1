"""Runs of more seeds than one folder has: their rows put together as one run would have written
them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.embeddings.storage import read_metadata
from lanzdml.files import replacing
from lanzdml.metrics.clusters import CLUSTER_METRICS, OF_KMEANS
from lanzdml.metrics.images import ScoredImages
from lanzdml.metrics.runs import SCORED_WITH, write_runs
from lanzdml.metrics.steps import cluster, first_fitted, told_by
from lanzdml.metrics.task import ScoreTask
from lanzdml.sharing.agreement import TIMES, differences
from lanzdml.sharing.rows import ROW_KEYS, read_rows
from lanzdml.transforms.storage import OK


def join_seeds(
    files: Mapping[str, Sequence[Path]], outputs: Mapping[str, Path], seeds: Sequence[int]
) -> list[str]:
    """Write the files of a run that is the same for every seed, of several that have some each.

    Args:
        files: by stage, in one order of folders; the first has the first seed.
        outputs: by stage.
        seeds: each is in one of the files.

    Returns:
        Where what does not depend on the seed differs, in words; then nothing is written.
    """
    metrics = [read_rows(path, "metrics") for path in files["metrics"]]
    first, *others = metrics
    for other in others:
        varied = {*TIMES, *OF_KMEANS, "seed", "dataset", "model"}
        if found := differences(first.head(1), other.head(1), (), varied):
            return found
    rows = _by_seed(metrics, seeds)
    rows = rows.assign(**{name: first[name].iloc[0] for name in TIMES})
    told = read_metadata(files["metrics"][0])[SCORED_WITH]
    write_runs(outputs["metrics"], rows, **{SCORED_WITH: told})
    if "queries" not in files:
        return []
    queries = [read_rows(path, "queries") for path in files["queries"]]
    _write(outputs["queries"], _by_seed(queries, seeds))
    _write(outputs["draws"], read_rows(files["draws"][0], "draws").assign(seed=seeds[0]))
    values = rows.set_index("seed")
    pairs: list[tuple[int, int]] = []
    if rows["status"].iloc[0] == OK:
        pairs = expected_pairs(seeds[0], seeds)
    clusterings = pd.DataFrame(
        [
            {"fit_seed": fit, "clustering_seed": seed}
            | {name: values.loc[seed, name] for name in CLUSTER_METRICS}
            for fit, seed in pairs
        ]
    )
    like = read_rows(files["clusterings"][0], "clusterings")
    _write(outputs["clusterings"], _like(like, clusterings))
    return []


def expected_pairs(first: int, seeds: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of seeds of fit and k-means that a run has, by the first seed that was fitted."""
    return list(dict.fromkeys([*((first, seed) for seed in seeds), *((s, first) for s in seeds)]))


def has_pairs(task: ScoreTask) -> bool:
    """Whether the clusterings of a run of one seed are of the pairs that its siblings ask for."""
    first = first_fitted(task.siblings)
    if task.evidence is None or first is None or told_by(task.transform)["status"] != OK:
        return True
    rows = read_rows(Path(task.evidence.clusterings), "clusterings")
    if rows.empty:  # it could be fitted, and not scored
        return True
    there = set(rows[ROW_KEYS["clusterings"]].itertuples(index=False, name=None))
    return there == set(expected_pairs(int(told_by(first)["seed"]), task.seeds))


def write_pairs(task: ScoreTask, images: ScoredImages) -> None:
    """Cluster a run of one seed, as scoring does, and write its clusterings anew."""
    first = first_fitted(task.siblings)
    assert task.evidence is not None, "it is one of the tables'"
    assert first is not None, "it was fitted itself"
    pairs = cluster(replace(task, metrics=()), images, first).pairs
    path, keys = Path(task.evidence.clusterings), ROW_KEYS["clusterings"]
    rows = [dict(zip(keys, pair, strict=True)) | values for pair, values in pairs.items()]
    _write(path, _like(read_rows(path, "clusterings"), pd.DataFrame(rows)))


def _by_seed(frames: Sequence[pd.DataFrame], seeds: Sequence[int]) -> pd.DataFrame:
    """The rows of each seed, of the first frame that has it."""
    parts = []
    for seed in seeds:
        found = (frame[frame["seed"] == seed] for frame in frames)
        parts.append(next((rows for rows in found if len(rows)), frames[0].head(0)))
    return pd.concat(parts, ignore_index=True)


def _like(rows: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Values with the columns and types of other rows, and what these have in common."""
    common: dict[str, Any] = {}
    if len(rows):
        common = {name: rows[name].iloc[0] for name in rows if name not in values}
    return values.assign(**common).reindex(columns=list(rows)).astype(dict(rows.dtypes))


def _write(path: Path, rows: pd.DataFrame) -> None:
    with replacing(path) as temporary:
        rows.to_parquet(temporary, index=False, compression="zstd")
