"""What scoring keeps beside the metrics: scores of every query, clusterings by both seeds."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.embeddings import WEIGHTS, write_embeddings
from lanzdml.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.metrics import cluster_metrics, compute_metrics
from lanzdml.runs import COLUMNS, evaluate_runs
from lanzdml.transforms import load_transform, new_estimator, save_not_fitted, save_transform

SEEDS = (3, 5, 8)
LABELS = [f"class {i % 4}" for i in range(60)] + ["alone", None]
KEY = {"dataset": "mine", "notion": "kind", "model": "m", "protocol": "paper"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    ids = pd.DataFrame({"image_id": [f"image {i}" for i in range(len(LABELS))]})
    rows = ids.assign(path=ids["image_id"], kind=LABELS)
    write_manifest(folder / "manifest.parquet", rows, ["kind"], "mine")
    images = rng.normal(size=(len(LABELS), 12)).astype(np.float32)
    metadata = {FINGERPRINT: fingerprint(rows), WEIGHTS: "w"}
    write_embeddings(folder / "images.parquet", ids, images, metadata)
    texts = rng.normal(size=(30, 12)).astype(np.float32)
    for seed in SEEDS:
        for method in ("random_transform", "pca", "text_subspace", "prompt_posterior", "clip"):
            estimator = new_estimator(method, 6).set_params(random_state=seed)
            path = folder / f"{method}-{seed}.safetensors"
            if method == "pca":
                save_not_fitted(path, estimator, "too few prompts", **{WEIGHTS: "w"})
            else:
                save_transform(path, estimator.fit(texts), n_prompts=30, **{WEIGHTS: "w"})
    return folder


def score(folder, method):
    """The files of three runs: metrics, queries, clusterings."""
    files = [folder / f"{method}-{name}.parquet" for name in ("metrics", "queries", "clusterings")]
    evaluate_runs(
        KEY | {"method": method},
        transform_files=[folder / f"{method}-{seed}.safetensors" for seed in SEEDS],
        images_file=folder / "images.parquet",
        manifest_file=folder / "manifest.parquet",
        labels="kind",
        outputs=files[:1],
        queries_file=files[1],
        clusterings_file=files[2],
    )
    return [pd.read_parquet(file) for file in files]


@pytest.fixture(scope="module")
def scored(folder):
    return score(folder, "random_transform")


def vectors_of(folder, seed):
    images = np.stack(pd.read_parquet(folder / "images.parquet")["embedding"])[:-1]
    path = folder / f"random_transform-{seed}.safetensors"
    return load_transform(path).transform(images, unit_images=True)


def test_metrics_are_the_means_of_the_kept_queries(folder, scored):
    metrics, queries, _ = scored
    for seed, kept in queries.groupby("seed"):
        row = metrics.set_index("seed").loc[seed]
        expected = compute_metrics(vectors_of(folder, seed), LABELS[:-1], seed=seed)
        assert {name: row[name] for name in expected} == expected
        # Exactly, but for the rounding of each value to float32.
        assert kept["map_at_r"].astype(float).mean() == pytest.approx(expected["map_at_r"], 1e-7)
        assert kept["precision_at_1"].mean() == expected["precision_at_1"]


def test_a_row_is_a_query_of_a_run(scored):
    _, queries, _ = scored
    for _, kept in queries.groupby("seed"):
        # Neither the image that is alone in its class nor the one without a label.
        assert kept["image_id"].tolist() == [f"image {i}" for i in range(60)]
    assert queries["seed"].unique().tolist() == list(SEEDS)
    assert queries["map_at_r"].dtype == np.float32
    assert queries["precision_at_1"].dtype == bool
    run = queries[[*KEY, "method", "dim"]].drop_duplicates().iloc[0].to_dict()
    assert run == KEY | {"method": "random_transform", "dim": 6}


@pytest.mark.parametrize(
    ("method", "dim"), [("random_transform", 6), ("prompt_posterior", 30), ("clip", 12)]
)
def test_dim_is_r_or_the_size_that_nobody_chose(folder, method, dim):
    for frame in score(folder, method):
        assert set(frame["dim"]) == {dim}


def test_clusterings_cross_the_seeds_at_the_first(folder, scored):
    metrics, _, clusterings = scored
    pairs = clusterings.set_index(["fit_seed", "clustering_seed"])
    assert list(pairs.index) == [(3, 3), (3, 5), (3, 8), (5, 3), (8, 3)]
    first = metrics.set_index("seed").loc[3]
    for name in ("ami", "nmi"):
        assert pairs.loc[(3, 3), name] == first[name], "that of the run itself"
    expected = cluster_metrics(vectors_of(folder, 8), LABELS[:-1], seed=3)
    assert pairs.loc[(8, 3), ["ami", "nmi"]].to_dict() == expected


@pytest.mark.parametrize(("method", "n"), [("random_transform", 3 + 4), ("text_subspace", 3)])
def test_no_clustering_is_made_twice(folder, monkeypatch, method, n):
    """Fits of a method without chance are equal: their own clusterings are all pairs."""
    made = []

    def counting(vectors, labels, *, seed, distance):
        made.append(seed)
        return cluster_metrics(vectors, labels, seed=seed, distance=distance)

    monkeypatch.setattr("lanzdml.runs.cluster_metrics", counting)
    metrics, _, clusterings = score(folder, method)
    assert len(made) == n
    pairs = clusterings.set_index(["fit_seed", "clustering_seed"])["ami"]
    assert list(pairs.index) == [(3, 3), (3, 5), (3, 8), (5, 3), (8, 3)]
    if n == len(SEEDS):
        own = metrics["ami"].tolist()
        assert pairs.tolist() == [*own, own[0], own[0]]


def test_runs_that_could_not_be_made_keep_nothing(folder):
    metrics, queries, clusterings = score(folder, "pca")
    assert metrics["reason"].tolist() == ["too few prompts"] * 3
    assert len(queries) == len(clusterings) == 0
    for frame in (queries, clusterings):
        assert frame["dim"].dtype == COLUMNS["dim"]
