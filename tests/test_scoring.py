"""Scoring: rows, what is kept beside them of queries, clusterings and draws; none made twice."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lanzdml import CLIP, PCA, PromptPosterior, RandomTransform, TextSubspace
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import (
    WEIGHTS,
    labelled_images,
    read_embeddings,
    write_embeddings,
)
from lanzdml.errors import LanzdmlError
from lanzdml.files import Kept
from lanzdml.metrics.chance import chance
from lanzdml.metrics.clusters import cluster_metrics
from lanzdml.metrics.evidence import Evidence
from lanzdml.metrics.resampling import N_DRAWS, RESAMPLED, resampled_scores
from lanzdml.metrics.runs import COLUMNS, DIGESTS
from lanzdml.metrics.scores import compute_metrics, macro_scores, query_scores
from lanzdml.metrics.scoring import SEVERAL, score_runs
from lanzdml.metrics.task import ScoreTask
from lanzdml.transforms.storage import load_transform, save_not_fitted, save_transform

SEEDS = (3, 5, 8)
LABELS = [f"class {i % 4}" for i in range(60)] + ["alone", None]
RUN = {"dataset": "mine", "notion": "kind", "model": "m", "protocol": "paper"}
EVIDENCE = ("queries", "clusterings", "draws")
TEXTS = np.random.default_rng(1).normal(size=(30, 12)).astype(np.float32)
IMAGES = np.random.default_rng(0).normal(size=(len(LABELS), 12)).astype(np.float32)


def write_images(folder, images=IMAGES, labels=LABELS, path="image", weights="w"):
    """The files of labelled images."""
    ids = [f"image {number}" for number in range(len(labels))]
    rows = pd.DataFrame({"image_id": ids, "kind": labels})
    rows["path"] = path + rows["image_id"]
    write_manifest(folder / "manifest.parquet", rows, ["kind"], "mine")
    metadata = {FINGERPRINT: fingerprint(rows), WEIGHTS: weights}
    write_embeddings(folder / "images.parquet", rows[["image_id"]], images, metadata)


def write_transform(folder, cls, seed, weights="w"):
    """What a method learned by a seed, or by every one."""
    name = f"{cls.name}-{'every-seed' if cls.deterministic else f'seed-{seed}'}"
    estimator = cls(dim=6) if cls.has_dim else cls()
    estimator.set_params(random_state=0 if cls.deterministic else seed)
    path = folder / f"{name}.safetensors"
    if cls is PCA:
        save_not_fitted(path, estimator, "too few prompts", **{WEIGHTS: weights})
    else:
        save_transform(path, estimator.fit(TEXTS), n_prompts=30, **{WEIGHTS: weights})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Labelled images, and fits of all seeds."""
    folder = tmp_path_factory.mktemp("inputs")
    write_images(folder)
    for cls in (RandomTransform, PCA, TextSubspace, PromptPosterior, CLIP):
        for seed in SEEDS:
            write_transform(folder, cls, seed)
    return folder


def tasks(inputs, outputs, method, with_evidence=True, changed=None):
    """A run's tasks: one a seed, or one for every seed of a method that is the same for each.

    Args:
        inputs: folder of images and transforms.
        outputs: the folder to write to.
        changed: a folder with other images or labels, which are taken where they are there.
    """
    transforms = sorted(map(str, inputs.glob(f"{method}-*.safetensors")))
    one_for_all = "every-seed" in transforms[0]
    files = {
        name: str((changed if changed and (changed / f"{name}.parquet").exists() else inputs)
                  / f"{name}.parquet")
        for name in ("images", "manifest")
    }  # fmt: skip
    found = []
    for seeds in [SEEDS] if one_for_all else [(seed,) for seed in SEEDS]:
        name = f"{method}-{seeds[0]}"
        evidence = Evidence(*(str(outputs / f"{name}-{kind}.parquet") for kind in EVIDENCE))
        found.append(
            ScoreTask(
                output=str(outputs / f"{name}.parquet"),
                run=RUN | {"method": method},
                transform=transforms[0 if one_for_all else SEEDS.index(seeds[0])],
                seeds=seeds,
                version="1",
                labels="kind",
                siblings=transforms if with_evidence else (),
                evidence=evidence if with_evidence else None,
                **files,
            )
        )
    return found


def score(*of_runs, kept=None, n_threads=1):
    """Score, and read what was written of all: metrics and, if asked for, evidence."""
    folder = kept or Path(of_runs[0].output).parent / "kept"
    score_runs(of_runs, kept=folder, n_threads=n_threads)
    written = zip(*(task.outputs for task in of_runs), strict=True)
    return [pd.concat(map(pd.read_parquet, paths), ignore_index=True) for paths in written]


@pytest.fixture(scope="module")
def scored(inputs, tmp_path_factory):
    return score(*tasks(inputs, tmp_path_factory.mktemp("scored"), "random_transform"))


def vectors_of(inputs, seed):
    path = inputs / f"random_transform-seed-{seed}.safetensors"
    return load_transform(path).transform(IMAGES[:-1], unit_images=True)


def test_metrics_are_the_means_of_the_kept_queries(inputs, scored):
    metrics, queries, _, _ = scored
    for seed, kept in queries.groupby("seed"):
        row = metrics.set_index("seed").loc[seed]
        expected = compute_metrics(vectors_of(inputs, seed), LABELS[:-1], seed=seed)
        assert {name: row[name] for name in expected} == expected
        # Exactly, but for the rounding of each value to float32.
        assert kept["map_at_r"].astype(float).mean() == pytest.approx(expected["map_at_r"], 1e-7)
        assert kept["precision_at_1"].mean() == expected["precision_at_1"]


def test_rows_have_chance_and_means_over_classes(inputs, scored):
    row = scored[0].iloc[0]
    labels = np.array(LABELS[:-1])
    queries = query_scores(vectors_of(inputs, row["seed"]), labels)
    for name, by_chance in chance([15, 15, 15, 15, 1]).items():
        assert row[f"chance_{name}"] == by_chance
        of_class = [queries[name][labels == label].mean() for label in sorted(set(LABELS[:60]))]
        assert row[f"macro_{name}"] == pytest.approx(np.mean(of_class), abs=1e-12)


def asked(of_runs, *metrics, **changes):
    return [replace(task, metrics=metrics, **changes) for task in of_runs]


def test_metrics_beyond_the_seven_are_in_the_rows_where_they_are_asked_for(
    inputs, scored, tmp_path
):
    names = ("recall_at_5", "clustering_accuracy", "silhouette")
    of_runs = tasks(inputs, tmp_path, "random_transform")
    rows, *evidence = score(*asked(of_runs, *names))
    labels = LABELS[:-1]
    for row in rows.to_dict("records"):
        vectors, seed = vectors_of(inputs, row["seed"]), row["seed"]
        expected = compute_metrics(vectors, labels, metrics=names, seed=seed)
        assert {name: row[name] for name in names} == expected
        by_chance = chance([15, 15, 15, 15, 1], ["recall_at_5"])["recall_at_5"]
        assert row["chance_recall_at_5"] == by_chance
        queries = query_scores(vectors, labels, recalls=["recall_at_5"])
        by_class = macro_scores(queries, labels)["recall_at_5"]
        assert row["macro_recall_at_5"] == pytest.approx(by_class, abs=1e-12)
    # All else is what it is without them, to the last bit.
    pd.testing.assert_frame_equal(rows[list(COLUMNS)], scored[0], check_exact=True)
    for found, before in zip(evidence, scored[1:], strict=True):
        pd.testing.assert_frame_equal(found, before, check_exact=True)
    without = score(*asked(tasks(inputs, tmp_path, "random_transform", False), *names))[0]
    pd.testing.assert_frame_equal(without, rows, check_exact=True)


def test_other_metrics_and_starts_are_scored_anew(inputs, tmp_path):
    of_runs = tasks(inputs, tmp_path, "clip")
    alone = score(*of_runs)[0]
    assert "ari" not in alone
    assert "ari" in score(*asked(of_runs, "ari"))[0]
    repeated, _, clusterings, _ = score(*asked(of_runs, kmeans_repeats=4))
    assert list(repeated) == list(alone)
    assert (repeated["ami"] != alone["ami"]).all()
    assert repeated["map"].tolist() == alone["map"].tolist()
    expected = [
        cluster_metrics(IMAGES[:-1], LABELS[:-1], seed=seed, repeats=4)["ami"] for seed in SEEDS
    ]
    assert repeated["ami"].tolist() == expected
    assert clusterings.set_index(["fit_seed", "clustering_seed"])["ami"][3, 5] == expected[1]
    pd.testing.assert_frame_equal(score(*of_runs)[0], alone, check_exact=True)


def test_a_run_that_cannot_be_made_has_the_columns_that_were_asked_for(inputs, tmp_path):
    rows = score(*asked(tasks(inputs, tmp_path, "pca"), "recall_at_1", "ari"))[0]
    assert rows[["recall_at_1", "ari", "macro_recall_at_1"]].isna().all(axis=None)
    assert rows["chance_recall_at_1"].notna().all()
    assert rows["reason"].unique().tolist() == ["too few prompts"]


def test_where_all_are_alone_there_is_no_silhouette(inputs, tmp_path):
    write_images(tmp_path, labels=[f"class {number}" for number in range(len(LABELS))])
    of_runs = tasks(inputs, tmp_path, "clip", changed=tmp_path)
    rows = score(*asked(of_runs, "silhouette", "recall_at_5"))[0]
    assert rows[["silhouette", "recall_at_5", "chance_recall_at_5"]].isna().all(axis=None)
    assert rows["reason"].unique().tolist() == ["no class has two images"]


def test_of_several_values_there_are_recalls_and_no_clusters(inputs, tmp_path):
    labels = [(f"class {i % 4}", f"class {i % 3}") if i % 4 != i % 3 else (f"class {i % 4}",)
              for i in range(len(LABELS))]  # fmt: skip
    write_images(tmp_path, labels=labels)
    of_runs = tasks(inputs, tmp_path, "clip", changed=tmp_path)
    rows = score(*asked(of_runs, "recall_at_5", "ari", "silhouette"))[0]
    assert rows[["ami", "ari", "silhouette"]].isna().all(axis=None)
    assert rows[["recall_at_5", "chance_recall_at_5", "macro_recall_at_5"]].notna().all(axis=None)
    assert rows["reason"].unique().tolist() == [SEVERAL]


def test_a_row_is_a_query_of_a_run(scored):
    _, queries, _, _ = scored
    for _, kept in queries.groupby("seed"):
        # Neither the image that is alone in its class nor the one without a label.
        assert kept["image_id"].tolist() == [f"image {i}" for i in range(60)]
    assert queries["seed"].unique().tolist() == list(SEEDS)
    assert queries["map_at_r"].dtype == np.float32
    assert queries["precision_at_1"].dtype == np.float32
    run = queries[[*RUN, "method", "dim"]].drop_duplicates().iloc[0].to_dict()
    assert run == RUN | {"method": "random_transform", "dim": 6}


def test_a_file_holds_a_seed_or_all_of_them(inputs, tmp_path):
    by_seed = tasks(inputs, tmp_path, "random_transform")
    (for_all,) = tasks(inputs, tmp_path, "clip")
    score(*by_seed, for_all)
    for seed, task in zip(SEEDS, by_seed, strict=True):
        assert pd.read_parquet(task.output)["seed"].tolist() == [seed]
    rows = pd.read_parquet(for_all.output)
    assert rows["seed"].tolist() == list(SEEDS)
    assert len(set(rows["map_at_r"])) == 1
    for seed, row in rows.set_index("seed").iterrows():
        expected = cluster_metrics(IMAGES[:-1], LABELS[:-1], seed=seed)
        assert row[list(expected)].to_dict() == expected
    queries = pd.read_parquet(for_all.evidence.queries)
    assert queries["seed"].tolist() == [seed for seed in SEEDS for _ in range(60)]


def test_nothing_is_kept_beside_the_rows_unless_asked_for(inputs, tmp_path, scored):
    """And the rows are the same."""
    found = score(*tasks(inputs, tmp_path, "random_transform", with_evidence=False))
    assert len(found) == 1
    pd.testing.assert_frame_equal(found[0], scored[0], check_exact=True)
    assert sorted(path.name for path in tmp_path.glob("*.parquet")) == [
        f"random_transform-{seed}.parquet" for seed in SEEDS
    ]


def test_threads_do_not_change_a_bit(inputs, tmp_path, scored):
    again = score(*tasks(inputs, tmp_path, "random_transform"), n_threads=2)
    for found, expected in zip(again, scored, strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize(
    ("method", "dim"), [("random_transform", 6), ("prompt_posterior", 30), ("clip", 12)]
)
def test_dim_is_r_or_the_size_that_nobody_chose(inputs, tmp_path, method, dim):
    for frame in score(*tasks(inputs, tmp_path, method)):
        assert set(frame["dim"]) == {dim}


def test_clusterings_cross_the_seeds_at_the_first(inputs, scored):
    metrics, _, clusterings, _ = scored
    pairs = clusterings.set_index(["fit_seed", "clustering_seed"])
    assert list(pairs.index) == [(3, 3), (3, 5), (5, 3), (3, 8), (8, 3)]
    first = metrics.set_index("seed").loc[3]
    for name in ("ami", "nmi"):
        assert pairs.loc[(3, 3), name] == first[name], "that of the run itself"
    for (fit, seed), row in pairs.iterrows():
        expected = cluster_metrics(vectors_of(inputs, fit), LABELS[:-1], seed=seed)
        assert row[["ami", "nmi"]].to_dict() == expected


def test_clusterings_cross_at_the_first_that_could_be_fitted(inputs, tmp_path):
    folder = tmp_path / "inputs"
    folder.mkdir()
    write_images(folder)
    for seed in SEEDS[1:]:
        write_transform(folder, RandomTransform, seed)
    failed = folder / "random_transform-seed-3.safetensors"
    save_not_fitted(failed, RandomTransform(6, random_state=3), "chance", **{WEIGHTS: "w"})
    metrics, _, clusterings, _ = score(*tasks(folder, tmp_path, "random_transform"))
    assert metrics["status"].tolist() == ["not_fitted", "ok", "ok"]
    pairs = clusterings.set_index(["fit_seed", "clustering_seed"])
    assert list(pairs.index) == [(5, 5), (5, 8), (8, 5)]


@pytest.mark.parametrize(("method", "n"), [("random_transform", 3 + 4), ("text_subspace", 3)])
def test_no_clustering_is_made_twice(inputs, tmp_path, monkeypatch, method, n):
    """Fits of a method without chance are equal: their own clusterings are all pairs."""
    made = []

    def counting(vectors, labels, *, seed, **options):
        made.append(seed)
        return cluster_metrics(vectors, labels, seed=seed, **options)

    monkeypatch.setattr("lanzdml.metrics.steps.cluster_metrics", counting)
    metrics, _, clusterings, _ = score(*tasks(inputs, tmp_path, method))
    assert len(made) == n
    pairs = clusterings.set_index(["fit_seed", "clustering_seed"])["ami"]
    assert sorted(pairs.index) == [(3, 3), (3, 5), (3, 8), (5, 3), (8, 3)]
    if n == len(SEEDS):
        own = metrics["ami"].tolist()
        assert pairs.tolist() == [*own, own[0], own[0]]


def test_images_are_read_once_for_runs_that_follow_each_other(inputs, tmp_path, monkeypatch):
    read = []

    def counting(*files):
        read.append(files)
        return labelled_images(*files)

    monkeypatch.setattr("lanzdml.metrics.images.labelled_images", counting)
    methods = ("clip", "random_transform", "text_subspace")
    of_all = [task for method in methods for task in tasks(inputs, tmp_path, method, False)]
    rows = score(*of_all)[0]
    assert len(read) == 1
    assert len(rows) == len(methods) * len(SEEDS)


def test_images_are_transformed_once_a_fit(inputs, tmp_path, transformed):
    """Though the first fit is clustered by the seeds of all others, too."""
    score(*tasks(inputs, tmp_path, "random_transform"))
    assert transformed == [("random_transform", seed) for seed in SEEDS]


def test_runs_that_could_not_be_made_keep_nothing(inputs, tmp_path):
    metrics, queries, clusterings, draws = score(*tasks(inputs, tmp_path, "pca"))
    assert metrics["reason"].tolist() == ["too few prompts"] * 3
    assert len(queries) == len(clusterings) == len(draws) == 0
    for frame in (queries, clusterings, draws):
        assert frame["dim"].dtype == COLUMNS["dim"]


def test_draws_are_those_of_each_fit(inputs, scored):
    draws = scored[3]
    assert [*draws["seed"].unique()] == list(SEEDS)
    for seed, drawn in draws.groupby("seed"):
        assert drawn["draw"].tolist() == list(range(N_DRAWS))
        expected = resampled_scores(vectors_of(inputs, seed), LABELS[:-1])
        for name in RESAMPLED:
            np.testing.assert_array_equal(drawn[name], expected[name])


def test_fits_that_are_equal_are_drawn_for_once(inputs, tmp_path):
    draws = score(*tasks(inputs, tmp_path, "text_subspace"))[3]
    assert [*draws["seed"].unique()] == [SEEDS[0]]


def test_rows_say_what_they_were_made_of(inputs, tmp_path, scored):
    metrics = scored[0]
    for digest in DIGESTS:
        assert len(set(metrics[digest])) == 1
    assert set(metrics["weights_sha256"]) == {"w"}
    write_images(tmp_path, labels=["class 9", *LABELS[1:]])
    changed = score(*tasks(inputs, tmp_path, "clip", changed=tmp_path))[0]
    assert set(changed["labels_sha256"]).isdisjoint(metrics["labels_sha256"])


@pytest.mark.parametrize("permuted", [False, True])
def test_rows_in_another_order_are_joined_by_id(inputs, tmp_path, scored, permuted):
    rows, embeddings, metadata = read_embeddings(inputs / "images.parquet")
    order = np.random.default_rng(0).permutation(len(rows)) if permuted else np.arange(len(rows))
    write_embeddings(tmp_path / "images.parquet", rows.iloc[order], embeddings[order], metadata)
    again = score(*tasks(inputs, tmp_path, "random_transform", changed=tmp_path))
    for found, expected in zip(again, scored, strict=True):
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("change", ["one twice", "one less", "another"])
def test_other_rows_are_refused(inputs, tmp_path, change):
    rows, embeddings, metadata = read_embeddings(inputs / "images.parquet")
    kept = np.arange(len(rows))
    if change == "one twice":
        kept[1] = 0
    elif change == "one less":
        kept = kept[:-1]
    else:
        rows.loc[5, "image_id"] = "image 99"
    write_embeddings(tmp_path / "images.parquet", rows.iloc[kept], embeddings[kept], metadata)
    with pytest.raises(LanzdmlError, match=r"images\.parquet holds other images than"):
        score(*tasks(inputs, tmp_path, "clip", changed=tmp_path))


def test_embeddings_of_other_weights_are_refused(inputs, tmp_path):
    write_images(tmp_path, weights="others")
    with pytest.raises(LanzdmlError, match=r"clip-.* was fitted to embeddings of other weights"):
        score(*tasks(inputs, tmp_path, "clip", changed=tmp_path))
    assert not list(tmp_path.glob("clip-*"))


def test_other_weights_are_refused_though_the_scores_are_kept(inputs, tmp_path):
    of_clip = tasks(inputs, tmp_path, "clip")
    score(*of_clip)
    write_images(tmp_path, weights="others")
    with pytest.raises(LanzdmlError, match=r"clip-.* was fitted to embeddings of other weights"):
        score(*tasks(inputs, tmp_path, "clip", changed=tmp_path))


def test_queries_that_tie_are_counted(inputs, tmp_path, scored):
    assert (scored[0]["tied_queries"] == 0).all()
    images = np.repeat(np.eye(12, dtype=np.float32)[:3], [30, 20, 12], axis=0)
    write_images(tmp_path, images)
    metrics = score(*tasks(inputs, tmp_path, "clip", changed=tmp_path))[0]
    # All but the one that is alone in its class.
    assert metrics["tied_queries"].tolist() == [60] * 3


@pytest.fixture
def transformed(monkeypatch):
    """Method and seed of every fit that images are transformed by, as they begin.

    Not two vectors by which a transform is tried where it is loaded.
    """
    made = []
    for cls in (CLIP, RandomTransform, TextSubspace):

        def counted(self, images, transform=cls.transform, **options):
            if len(images) > 2:
                made.append((self.name, self.random_state))
            return transform(self, images, **options)

        monkeypatch.setattr(cls, "transform", counted)
    return made


@pytest.fixture
def folder(tmp_path):
    """A folder with inputs of its own, which a test may change."""
    write_images(tmp_path)
    for seed in SEEDS:
        write_transform(tmp_path, RandomTransform, seed)
    write_transform(tmp_path, CLIP, 0)
    return tmp_path


def moved(images, image):
    """The same images but for the last bit of one number."""
    images = images.copy()
    images[image, 4] = np.nextafter(images[image, 4], np.float32(9))
    return images


class TestKept:
    """What was scored of the same is not scored again; a change of anything scores anew."""

    @pytest.mark.parametrize("method", ["clip", "random_transform"])
    @pytest.mark.parametrize("with_evidence", [True, False])
    def test_scores_are_taken_by_what_they_were_made_of(
        self, folder, transformed, method, with_evidence
    ):
        of_method = tasks(folder, folder, method, with_evidence)
        score(*of_method)
        del transformed[:]
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        others = tasks(folder, elsewhere, method, with_evidence)
        score(*of_method, kept=folder / "kept")
        score(*others, kept=folder / "kept")
        assert not transformed
        for one, other in zip(of_method, others, strict=True):
            for path, copy in zip(one.outputs, other.outputs, strict=True):
                assert Path(path).read_bytes() == Path(copy).read_bytes()
                assert not os.path.samefile(path, copy), "dates are of each"

    @pytest.mark.parametrize(
        "change",
        [
            {"version": "2"},
            {"seeds": [3, 5]},
            {"seeds": [3, 5, 9]},
            {"seeds": [8, 5, 3]},
            {"evidence": None},
            *({"run": RUN | {"method": "clip", name: "released" if name == "protocol" else "other"}}
              for name in RUN),
        ],
        ids=str,
    )  # fmt: skip
    def test_another_task_is_scored_anew(self, folder, transformed, change):
        (task,) = tasks(folder, folder, "clip")
        score(task)
        changed = replace(task, **change)
        metrics = score(changed)[0]
        assert len(transformed) == 2
        assert metrics["seed"].tolist() == list(changed.seeds)
        assert {name: {*metrics[name]} for name in changed.run} == {
            name: {value} for name, value in changed.run.items()
        }

    def test_evidence_that_was_not_asked_for_before_is_made(self, folder, transformed):
        score(*tasks(folder, folder, "clip", with_evidence=False))
        found = score(*tasks(folder, folder, "clip"))
        assert len(transformed) == 2
        assert all(map(len, found))

    @pytest.mark.parametrize(
        ("change", "is_new"),
        [
            ({}, False),
            ({"images": moved(IMAGES, 2)}, True),
            ({"images": moved(IMAGES, -1)}, False),  # it has no label
            ({"labels": ["class 1", *LABELS[1:]]}, True),
            ({"labels": [None, *LABELS[1:]]}, True),
            ({"labels": [label and label.upper() for label in LABELS]}, True),
            ({"images": IMAGES[:-1], "labels": LABELS[:-1]}, True),
            ({"path": "other"}, True),
        ],
        ids=["nothing", "a bit", "without a label", "a label", "one less", "names", "fewer images",
             "paths"],
    )  # fmt: skip
    def test_other_images_are_scored_anew(self, folder, transformed, change, is_new):
        score(*tasks(folder, folder, "clip"))
        write_images(folder, **change)
        metrics = score(*tasks(folder, folder, "clip"))[0]
        assert len(transformed) == 1 + is_new
        labels = pd.Series(change.get("labels", LABELS))
        labelled = labels.notna().to_numpy()
        expected = compute_metrics(
            change.get("images", IMAGES)[labelled], labels[labelled], seed=SEEDS[0]
        )
        assert {name: metrics[name][0] for name in expected} == expected

    def test_images_and_fits_of_other_weights_are_scored_anew(self, folder, transformed):
        score(*tasks(folder, folder, "clip"))
        write_images(folder, weights="others")
        write_transform(folder, CLIP, 0, weights="others")
        metrics = score(*tasks(folder, folder, "clip"))[0]
        assert len(transformed) == 2
        assert set(metrics["weights_sha256"]) == {"others"}

    def test_another_fit_is_scored_anew(self, folder, transformed):
        by_seed = tasks(folder, folder, "random_transform", with_evidence=False)
        before = score(*by_seed)[0]
        other = RandomTransform(6, random_state=5).fit(TEXTS)
        other.U_ = moved(other.U_, 2)
        save_transform(by_seed[1].transform, other, n_prompts=29, **{WEIGHTS: "w"})
        del transformed[:]
        after = score(*by_seed)[0]
        assert transformed == [("random_transform", 5)], "and no other one"
        assert before["n_prompts"].tolist() == [30] * 3
        assert after["n_prompts"].tolist() == [30, 29, 30]

    def test_evidence_crosses_the_first_fit_as_it_is_now(self, folder, transformed):
        by_seed = tasks(folder, folder, "random_transform")
        score(*by_seed)
        other = RandomTransform(6, random_state=3).fit(TEXTS + 1)
        save_transform(by_seed[0].transform, other, n_prompts=9, **{WEIGHTS: "w"})
        del transformed[:]
        score(*by_seed)
        assert {seed for _, seed in transformed} == set(SEEDS)

    @pytest.mark.parametrize("position", range(4))
    def test_what_was_damaged_is_made_anew(self, folder, transformed, position):
        (task,) = tasks(folder, folder, "clip")
        expected = score(task)
        for path in task.outputs:
            Path(path).unlink()
        (kept,) = (folder / "kept").rglob(f"*.{position}.*")
        kept.write_bytes(kept.read_bytes()[:-5])
        found = score(task)
        assert len(transformed) == 2
        for frame, before in zip(found, expected, strict=True):
            pd.testing.assert_frame_equal(frame, before, check_exact=True)

    def test_what_was_forgotten_is_scored_again(self, folder, transformed):
        by_seed = tasks(folder, folder, "random_transform", with_evidence=False)
        score(*by_seed)
        Path(by_seed[1].output).unlink()
        Kept(folder / "kept").forget()
        del transformed[:]
        score(*by_seed)
        assert transformed == [("random_transform", 5)]

    def test_an_interrupted_job_keeps_what_it_finished(self, folder, transformed, monkeypatch):
        by_seed = tasks(folder, folder, "random_transform")

        def interrupted(self, *given, transform=RandomTransform.transform, **options):
            if self.random_state == 8:
                raise KeyboardInterrupt
            return transform(self, *given, **options)

        with monkeypatch.context() as patched:
            patched.setattr(RandomTransform, "transform", interrupted)
            with pytest.raises(KeyboardInterrupt):
                score(*by_seed)
        # As Snakemake does with the outputs of a job that failed.
        for path in (path for task in by_seed for path in task.outputs):
            Path(path).unlink(missing_ok=True)
        del transformed[:]
        metrics = score(*by_seed)[0]
        # Of the first one nothing but the clustering by the last one's seed is new.
        assert sorted(seed for _, seed in transformed) == [3, 8]
        assert metrics["seed"].tolist() == list(SEEDS)
