"""Protocols: each deviation of the released code on a constructed case."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.datasets import DATASETS
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import WEIGHTS, write_embeddings
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import PROTOCOLS, UsedNotions
from lanzdml.metrics.scores import METRICS, compute_metrics
from lanzdml.metrics.scoring import score_runs
from lanzdml.metrics.task import ScoreTask
from lanzdml.transforms.storage import load_transform, save_transform
from tests.fits import fit_to

# The paper's methods by whether the length of an image vector is seen in their output.
RAW = {"clip", "pca", "lae", "ae"}
SCALED = {"random", "indirect", "random_transform", "oracle"}
N, R, DIM = 60, 12, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Embeddings in which the length says the class and the direction another one; fits of all."""
    folder = tmp_path_factory.mktemp("protocols")
    rng = np.random.default_rng(0)
    texts = rng.standard_normal((30, R)).astype(np.float32)
    images = rng.standard_normal((N, R)).astype(np.float32)
    lengths = np.repeat([1.0, 20.0, 400.0], N // 3)
    images *= (lengths / np.linalg.norm(images, axis=1))[:, None]
    ids = [str(number) for number in range(N)]
    labels = np.repeat(["short", "long", "longest"], N // 3)
    manifest = pd.DataFrame({"image_id": ids, "length": labels, "other": rng.permutation(labels)})
    manifest["path"] = ids
    write_manifest(folder / "manifest.parquet", manifest, ["length", "other"], "mine")
    metadata = {FINGERPRINT: fingerprint(manifest), WEIGHTS: "w"}
    write_embeddings(folder / "images.parquet", manifest[["image_id"]], images, metadata)
    for name, cls in METHODS.items():
        estimator = cls(dim=DIM) if cls.has_dim else cls()
        path = folder / f"{name}.safetensors"
        fit_to(estimator, texts, images, labels)
        save_transform(path, estimator, n_prompts=30, **{WEIGHTS: "w"})
    return folder


def score(folder, method, protocol, notion="length", dataset="mine"):
    output = folder / f"{protocol}-{method}.parquet"
    task = ScoreTask(
        output=str(output),
        run={"dataset": dataset, "notion": notion, "model": "m", "protocol": protocol,
             "method": method},
        transform=str(folder / f"{method}.safetensors"),
        seeds=[0],
        version="1",
        images=str(folder / "images.parquet"),
        manifest=str(folder / "manifest.parquet"),
        labels=notion,
    )  # fmt: skip
    score_runs([task], kept=folder / "kept")
    return pd.read_parquet(output).iloc[0]


@pytest.mark.parametrize("method", sorted(RAW | SCALED))
def test_released_compares_raw_vectors_of_four_methods(folder, method):
    paper, released = (score(folder, method, protocol) for protocol in ("paper", "released"))
    if method in RAW:
        assert released["map_at_r"] > paper["map_at_r"] + 0.1, "the length says the class"
    else:
        assert released["map_at_r"] == pytest.approx(paper["map_at_r"], abs=1e-6)
    assert (paper["protocol"], released["protocol"]) == ("paper", "released")


def test_released_neighbours_are_those_of_raw_vectors_by_euclidean_distance(folder):
    images = pd.read_parquet(folder / "images.parquet")["embedding"]
    images = np.stack(images).astype(np.float64)
    labels = pd.read_parquet(folder / "manifest.parquet")["length"].to_numpy()
    distances = np.linalg.norm(images[:, None] - images[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = labels[distances.argmin(1)]
    assert score(folder, "clip", "released")["precision_at_1"] == (nearest == labels).mean()


def test_released_transforms_are_those_of_raw_vectors(folder):
    images = np.stack(pd.read_parquet(folder / "images.parquet")["embedding"])
    lae = load_transform(folder / "lae.safetensors")
    expected = images.astype(np.float64) @ lae.W1_.T.astype(np.float64) + lae.b1_
    np.testing.assert_allclose(lae.transform(images, unit_images=False), expected, rtol=1e-4)
    labels = pd.read_parquet(folder / "manifest.parquet")["length"]
    row = score(folder, "lae", "released")
    scores = compute_metrics(expected, labels, seed=0, distance="euclidean")
    assert {name: row[name] for name in METRICS} == pytest.approx(scores, abs=1e-3)


def test_only_the_released_protocol_takes_other_notions():
    everything = [
        (dataset, notion, method)
        for dataset, entry in DATASETS.items()
        for notion in entry.notions
        for method in METHODS
    ]
    for run in everything:
        assert PROTOCOLS["paper"].notions_used(*run) == UsedNotions(run[1], run[1])
    other = {
        run: sources
        for run in everything
        if (sources := PROTOCOLS["released"].notions_used(*run)) != UsedNotions(run[1], run[1])
    }
    slips = {
        ("deepfashion", notion, method): UsedNotions("clothing_category", "clothing_category")
        for notion in ("texture", "fabric", "fit")
        for method in ("random_transform", "ae")
    }
    birds = {
        ("cub200", "bird_species", method): UsedNotions("bird_species", "bird_species_case_matched")
        for method in METHODS
    }
    assert other == slips | birds
    for dataset, _, _ in other:
        taken = {sources.labels for run, sources in other.items() if run[0] == dataset}
        assert taken <= set(DATASETS[dataset].notions)


def test_scores_that_are_not_defined_have_a_reason(folder):
    manifest = pd.read_parquet(folder / "manifest.parquet")
    manifest["alone"] = manifest["image_id"]
    write_manifest(folder / "manifest.parquet", manifest, ["length", "other", "alone"], "mine")
    row = score(folder, "clip", "paper", notion="alone")
    assert np.isnan(row["map_at_r"])
    assert (row["status"], row["reason"]) == ("ok", "no class has two images")
    assert pd.isna(score(folder, "clip", "paper")["reason"])
