"""What scoring keeps beside the metrics: of every query, by both seeds, on other images."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import WEIGHTS, read_embeddings, write_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.metrics.resampling import N_DRAWS, RESAMPLED, resampled_scores
from lanzdml.metrics.runs import (
    COLUMNS,
    DIGESTS,
    collect_runs,
    evaluate_runs,
    read_runs,
    write_runs,
)
from lanzdml.metrics.scores import cluster_metrics, compute_metrics
from lanzdml.transforms.storage import (
    load_transform,
    new_estimator,
    save_not_fitted,
    save_transform,
)

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
    """The files of three runs: metrics, queries, clusterings, draws."""
    kept = ("metrics", "queries", "clusterings", "draws")
    files = [folder / f"{method}-{name}.parquet" for name in kept]
    evaluate_runs(
        KEY | {"method": method},
        transform_files=[folder / f"{method}-{seed}.safetensors" for seed in SEEDS],
        images_file=folder / "images.parquet",
        manifest_file=folder / "manifest.parquet",
        labels="kind",
        outputs=files[:1],
        queries_file=files[1],
        clusterings_file=files[2],
        draws_file=files[3],
    )
    return [pd.read_parquet(file) for file in files]


def score_again(folder, changed, method="clip", seeds=SEEDS[:1]):
    """Metrics of runs, with the images or the manifest that are in another folder."""
    output = changed / "metrics.parquet"
    files = {
        name: (changed if (changed / name).exists() else folder) / name
        for name in ("images.parquet", "manifest.parquet")
    }
    evaluate_runs(
        KEY | {"method": method},
        transform_files=[folder / f"{method}-{seed}.safetensors" for seed in seeds],
        images_file=files["images.parquet"],
        manifest_file=files["manifest.parquet"],
        labels="kind",
        outputs=[output],
    )
    return pd.read_parquet(output)


@pytest.fixture(scope="module")
def scored(folder):
    return score(folder, "random_transform")


def vectors_of(folder, seed):
    images = np.stack(pd.read_parquet(folder / "images.parquet")["embedding"])[:-1]
    path = folder / f"random_transform-{seed}.safetensors"
    return load_transform(path).transform(images, unit_images=True)


def test_metrics_are_the_means_of_the_kept_queries(folder, scored):
    metrics, queries, _, _ = scored
    for seed, kept in queries.groupby("seed"):
        row = metrics.set_index("seed").loc[seed]
        expected = compute_metrics(vectors_of(folder, seed), LABELS[:-1], seed=seed)
        assert {name: row[name] for name in expected} == expected
        # Exactly, but for the rounding of each value to float32.
        assert kept["map_at_r"].astype(float).mean() == pytest.approx(expected["map_at_r"], 1e-7)
        assert kept["precision_at_1"].mean() == expected["precision_at_1"]


def test_a_row_is_a_query_of_a_run(scored):
    _, queries, _, _ = scored
    for _, kept in queries.groupby("seed"):
        # Neither the image that is alone in its class nor the one without a label.
        assert kept["image_id"].tolist() == [f"image {i}" for i in range(60)]
    assert queries["seed"].unique().tolist() == list(SEEDS)
    assert queries["map_at_r"].dtype == np.float32
    assert queries["precision_at_1"].dtype == np.float32
    run = queries[[*KEY, "method", "dim"]].drop_duplicates().iloc[0].to_dict()
    assert run == KEY | {"method": "random_transform", "dim": 6}


@pytest.mark.parametrize(
    ("method", "dim"), [("random_transform", 6), ("prompt_posterior", 30), ("clip", 12)]
)
def test_dim_is_r_or_the_size_that_nobody_chose(folder, method, dim):
    for frame in score(folder, method):
        assert set(frame["dim"]) == {dim}


def test_clusterings_cross_the_seeds_at_the_first(folder, scored):
    metrics, _, clusterings, _ = scored
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

    monkeypatch.setattr("lanzdml.metrics.runs.cluster_metrics", counting)
    metrics, _, clusterings, _ = score(folder, method)
    assert len(made) == n
    pairs = clusterings.set_index(["fit_seed", "clustering_seed"])["ami"]
    assert list(pairs.index) == [(3, 3), (3, 5), (3, 8), (5, 3), (8, 3)]
    if n == len(SEEDS):
        own = metrics["ami"].tolist()
        assert pairs.tolist() == [*own, own[0], own[0]]


def test_runs_that_could_not_be_made_keep_nothing(folder):
    metrics, queries, clusterings, draws = score(folder, "pca")
    assert metrics["reason"].tolist() == ["too few prompts"] * 3
    assert len(queries) == len(clusterings) == len(draws) == 0
    for frame in (queries, clusterings, draws):
        assert frame["dim"].dtype == COLUMNS["dim"]


def test_draws_are_those_of_each_fit(folder, scored):
    draws = scored[3]
    assert [*draws["seed"].unique()] == list(SEEDS)
    for seed, drawn in draws.groupby("seed"):
        assert drawn["draw"].tolist() == list(range(N_DRAWS))
        expected = resampled_scores(vectors_of(folder, seed), LABELS[:-1])
        for name in RESAMPLED:
            np.testing.assert_array_equal(drawn[name], expected[name])


def test_fits_that_are_equal_are_drawn_for_once(folder):
    draws = score(folder, "text_subspace")[3]
    assert [*draws["seed"].unique()] == [SEEDS[0]]


def test_rows_say_what_they_were_made_of(folder, scored):
    metrics = scored[0]
    for digest in DIGESTS:
        assert len(set(metrics[digest])) == 1
    assert set(metrics["weights_sha256"]) == {"w"}
    other = folder / "other labels"
    other.mkdir(exist_ok=True)
    rows = pd.read_parquet(folder / "manifest.parquet")
    rows["kind"] = ["class 9", *rows["kind"][1:]]
    write_manifest(other / "manifest.parquet", rows, ["kind"], "mine")
    changed = score_again(folder, other)
    assert set(changed["labels_sha256"]).isdisjoint(metrics["labels_sha256"])


@pytest.mark.parametrize("permuted", [False, True])
def test_rows_in_another_order_are_joined_by_id(folder, tmp_path, scored, permuted):
    rows, embeddings, metadata = read_embeddings(folder / "images.parquet")
    order = np.random.default_rng(0).permutation(len(rows)) if permuted else np.arange(len(rows))
    shuffled = tmp_path / "images.parquet"
    write_embeddings(shuffled, rows.iloc[order], embeddings[order], metadata)
    again = score_again(folder, tmp_path, "random_transform", SEEDS)
    pd.testing.assert_frame_equal(again, scored[0])


@pytest.mark.parametrize("change", ["one twice", "one less", "another"])
def test_other_rows_are_refused(folder, tmp_path, change):
    rows, embeddings, metadata = read_embeddings(folder / "images.parquet")
    kept = np.arange(len(rows))
    if change == "one twice":
        kept[1] = 0
    elif change == "one less":
        kept = kept[:-1]
    else:
        rows.loc[5, "image_id"] = "image 99"
    write_embeddings(tmp_path / "images.parquet", rows.iloc[kept], embeddings[kept], metadata)
    with pytest.raises(LanzdmlError, match=r"images\.parquet holds other images than"):
        score_again(folder, tmp_path)


def test_a_run_that_is_there_twice_is_refused(folder, tmp_path, scored):
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    write_runs(files[0], scored[0])
    write_runs(files[1], scored[0].iloc[1:2])
    message = r"a\.parquet and .*b\.parquet: the run of dataset mine, notion kind, .* there twice"
    with pytest.raises(LanzdmlError, match=message):
        collect_runs(files, tmp_path / "all.parquet")


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("of", ["a seed", "a method"])
def test_runs_of_other_images_or_prompts_are_not_compared(tmp_path, scored, digest, of):
    rows = scored[0].assign(**{digest: ["one", "one", "other" if of == "a seed" else "one"]})
    other = rows.assign(method="lae", **{digest: "other" if of == "a method" else "one"})
    write_runs(tmp_path / "rows.parquet", rows)
    write_runs(tmp_path / "lae.parquet", other)
    with pytest.raises(LanzdmlError, match=f"made with another {digest} than one beside it"):
        read_runs([tmp_path / "rows.parquet", tmp_path / "lae.parquet"])


def test_a_protocol_that_takes_other_labels_may_have_others(tmp_path, scored):
    here = {"protocol": "released", "dataset": "deepfashion", "notion": "fit"}
    rows = scored[0].assign(**here, labels_sha256="of fit")
    write_runs(tmp_path / "lae.parquet", rows.assign(method="lae"))
    write_runs(tmp_path / "ae.parquet", rows.assign(method="ae", labels_sha256="of category"))
    assert len(read_runs([tmp_path / "lae.parquet", tmp_path / "ae.parquet"])) == 2 * len(rows)


def test_queries_that_tie_are_counted(folder, tmp_path, scored):
    assert (scored[0]["tied_queries"] == 0).all()
    images = np.repeat(np.eye(12, dtype=np.float32)[:3], [30, 20, 12], axis=0)
    rows, _, metadata = read_embeddings(folder / "images.parquet")
    write_embeddings(tmp_path / "images.parquet", rows, images, metadata)
    # All but the one that is alone in its class.
    assert score_again(folder, tmp_path)["tied_queries"].tolist() == [60]
