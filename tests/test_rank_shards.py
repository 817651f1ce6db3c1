"""Queries ranked in shards, and clusters by a job of its own: the bytes of one job."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lanzdml.errors import LanzdmlError
from lanzdml.metrics.ranked import put_together, rank_queries, scores_and_draws
from lanzdml.metrics.ranking import Ranking
from lanzdml.metrics.runs import COLUMNS
from lanzdml.metrics.shards import cluster_run, rank_shard
from lanzdml.plan.shards import clustering_of, ranking_of
from tests.test_scoring import (  # noqa: F401, of which one is a fixture
    IMAGES,
    LABELS,
    inputs,
    score,
    tasks,
    write_images,
)

CHUNK = 8  # in place of 128 queries, so that few images are many chunks
N = 17 * CHUNK + 5
RNG = np.random.default_rng(3)
POINTS = RNG.normal(size=(N, 6)).astype(np.float32)
POINTS[::5] = POINTS[0]  # which tie
CODES = RNG.integers(9, size=N)
SETS = np.array([frozenset({code, 9 + i % 3}) for i, code in enumerate(CODES)], object)
RECALLS = ["recall_at_1", "recall_at_5"]
CASES = {
    "of one value": {"labels": CODES},
    "euclidean": {"labels": CODES, "distance": "euclidean"},
    "of several values": {"labels": SETS},
    "of a gallery": {"labels": CODES, "queries": np.arange(N) % 3 > 0},
    "several of a gallery": {"labels": SETS, "queries": np.arange(N) % 3 > 0},
    "alone in its class": {"labels": np.where(np.arange(N) == 7, "alone", CODES.astype(str))},
}


def as_bytes(scores):
    arrays = {**scores.queries, **{f"{name} drawn": d for name, d in scores.draws.items()}}
    return {name: array.tobytes() for name, array in arrays.items()} | {"": scores.tied.tobytes()}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("most_blocks", [4096, 5])
def test_shards_have_the_bytes_of_one_job(case, most_blocks, monkeypatch):
    """Also where a block is several chunks, as it is of very many images."""
    monkeypatch.setattr("lanzdml.metrics.ranking._MAX_CHUNK_QUERIES", CHUNK)
    monkeypatch.setattr("lanzdml.metrics.ranking._MIN_CHUNK_QUERIES", CHUNK)
    monkeypatch.setattr("lanzdml.metrics.ranking.MOST_BLOCKS", most_blocks)
    options = {**CASES[case], "recalls": RECALLS, "n_draws": 3}
    labels = options.pop("labels")
    whole = scores_and_draws(POINTS, labels, **options)
    assert whole.tied.any()
    for shards, n_threads in ((1, 2), (3, 1), (17, 3)):
        parts = [
            rank_queries(POINTS, labels, shard=(i + 1, shards), n_threads=n_threads, **options)
            for i in range(shards)
        ]
        assert sum(len(part.rows) for part in parts) == np.sum(options.get("queries", N))
        assert as_bytes(put_together(parts, N, RECALLS)) == as_bytes(whole)


def test_blocks_are_of_whole_chunks_and_depend_on_the_number_of_images_alone(monkeypatch):
    n = 17 * 128 + 5
    points = RNG.normal(size=(n, 2))
    ranking = Ranking(points, np.arange(n) % 9, "cosine")
    assert [*ranking.blocks[:3], *ranking.blocks[-2:]] == [0, 128, 256, 17 * 128, n]
    assert not ranking.has_long_blocks
    monkeypatch.setattr("lanzdml.metrics.ranking.MOST_BLOCKS", 5)
    ranking = Ranking(points, np.zeros(n), "euclidean")
    assert ranking.has_long_blocks
    assert ranking.blocks.tolist() == [0, 3 * 128, 7 * 128, 10 * 128, 14 * 128, n]
    assert [*ranking.shard(1, 3), *ranking.shard(2, 3), *ranking.shard(3, 3)] == [*range(5)]
    assert len(ranking.shard(1, 17)) == 0, "of fewer blocks than shards some have none"


def in_shards(of_runs, folder, n):
    """Tasks whose parts other jobs have made."""
    made = []
    for number, task in enumerate(of_runs):
        place, kept = folder / str(number), folder / "kept"
        shards = [place / f"{i}-of-{n}.safetensors" for i in range(1, n + 1)]
        for i, path in enumerate(shards, start=1):
            rank_shard(ranking_of(task, str), path, (i, n), kept=kept)
        cluster_run(clustering_of(task, str), place / "clusters.json", kept=kept)
        clusters = str(place / "clusters.json")
        made.append(replace(task, shards=tuple(map(str, shards)), clusters=clusters))
    return made


def outputs_of(of_runs):
    return [[Path(path).read_bytes() for path in task.outputs] for task in of_runs]


METHODS = ("random_transform", "text_subspace", "pca", "clip")
ASKED = ("recall_at_5", "ari", "silhouette")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("with_evidence", [True, False])
def test_a_run_in_shards_has_the_files_of_one_job(inputs, tmp_path, method, with_evidence):  # noqa: F811
    def of(place):
        found = tasks(inputs, tmp_path / place, method, with_evidence)
        return [replace(task, metrics=ASKED) for task in found]

    score(*of("one"))
    split = in_shards(of("split"), tmp_path / "parts", 2)
    score(*split)
    assert outputs_of(split) == outputs_of(of("one"))


def test_parts_are_not_made_twice_and_a_setting_of_k_means_ranks_nothing(
    inputs, tmp_path, monkeypatch  # noqa: F811
):  # fmt: skip
    def of(place, **changes):
        found = tasks(inputs, tmp_path / place, "clip")
        return [replace(task, **changes) for task in found]

    score(*in_shards(of("one"), tmp_path / "parts", 3))

    def refuse(*arguments):
        raise AssertionError("this was made before")

    monkeypatch.setattr("lanzdml.metrics.shards.rank", refuse)
    others = in_shards(of("other", kmeans_batch_size=20), tmp_path / "parts", 3)
    rows, *_ = score(*others)
    assert (rows["kmeans_batch_size"] == 20).all()
    monkeypatch.setattr("lanzdml.metrics.shards.cluster", refuse)
    in_shards(of("again"), tmp_path / "parts", 3)


def test_what_is_no_part_of_the_run_is_refused(inputs, tmp_path):  # noqa: F811
    (task,) = in_shards(tasks(inputs, tmp_path, "clip"), tmp_path / "parts", 2)
    first, second = map(Path, task.shards)
    clusters = Path(task.clusters)
    good = first.read_bytes(), clusters.read_text()

    def refused(match):
        with pytest.raises(LanzdmlError, match=match):
            score(task, kept=tmp_path / "none")
        first.write_bytes(good[0])
        clusters.write_text(good[1])

    first.write_bytes(second.read_bytes())
    refused(r"1-of-2.safetensors is not of this run and part, or other versions")
    first.write_bytes(good[0][:-9])
    refused(r"1-of-2.safetensors cannot be read \(")
    first.unlink()
    refused(r"1-of-2.safetensors cannot be read \(")
    clusters.write_text(good[1][:-9])
    refused(r"clusters.json cannot be read \(")
    clusters.write_text("[]")
    refused(r"clusters.json cannot be read \(")
    told = json.loads(good[1])
    clusters.write_text(json.dumps(told | {"made_of": "another"}))
    refused(r"clusters.json is not of this run and part")
    del told["clusters"]
    clusters.write_text(json.dumps(told))
    refused(r"clusters.json cannot be read \('clusters'\)")
    # Of other labels.
    changed = tmp_path / "changed"
    write_images(changed, IMAGES, [*LABELS[:-2], "class 1", None])
    others = tasks(inputs, tmp_path, "clip", changed=changed)
    with pytest.raises(LanzdmlError, match="is not of this run and part"):
        score(*(replace(one, shards=task.shards, clusters=task.clusters) for one in others))


def test_rows_say_which_k_means_made_their_clusters(inputs, tmp_path):  # noqa: F811
    (task,) = tasks(inputs, tmp_path, "clip")
    rows, *_ = score(task)
    assert list(rows) == list(COLUMNS), "and have no column where nobody asked"
    batches, *_ = score(replace(task, kmeans_batch_size=16))
    assert (batches["kmeans_batch_size"] == 16).all()
    assert batches["map_at_r"].tolist() == rows["map_at_r"].tolist()
    assert batches["ami"].tolist() != rows["ami"].tolist()
