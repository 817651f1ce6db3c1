"""Fits: each as if it were alone, and none made a second time."""

import os
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from lanzdml import PCA, InDiReCT, Oracle, PromptPosterior, RandomTransform, TextSubspace
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import LOGIT_SCALE, PROMPTS, WEIGHTS, digest_of, write_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.files import Kept
from lanzdml.transforms.fitting import FitTask, draw_prompts, fit_transforms
from lanzdml.transforms.storage import load_transform, read_metadata, save_transform

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
TEXT = RNG.standard_normal((9, 6)).astype(np.float32)
TEXTS = [f"a {number} thing" for number in range(9)]
IMAGES = RNG.standard_normal((12, 6)).astype(np.float32)
LABELS = [f"class {number % 3}" for number in range(12)]
MADE_BY = {WEIGHTS: "those", LOGIT_SCALE: "35.8763427734375"}


def write_prompts(folder, vectors=TEXT, texts=TEXTS, **metadata):
    """The file of the notion's prompts; a key of the metadata that is None is not there."""
    path = folder / "prompts.parquet"
    known = {key: value for key, value in (MADE_BY | metadata).items() if value is not None}
    write_embeddings(path, pd.DataFrame({"prompt": texts}), vectors, known)
    return path


def write_images(folder, vectors=IMAGES, labels=LABELS, **metadata):
    """The files of labelled images, as arguments of a task."""
    ids = [f"image {number}" for number in range(len(vectors))]
    rows = pd.DataFrame({"image_id": ids, "path": ids, "kind": labels})
    paths = {name: folder / f"{name}.parquet" for name in ("images", "manifest")}
    write_manifest(paths["manifest"], rows, ["kind"], "mine")
    of = {FINGERPRINT: fingerprint(rows)} | MADE_BY | metadata
    write_embeddings(paths["images"], rows[["image_id"]], vectors, of)
    return {name: str(path) for name, path in paths.items()} | {"labels": "kind"}


def task(output, method="text_subspace", dim=3, seed=0, **other):
    other = {"version": "1"} | other
    if "prompts" in other:
        other["prompts"] = str(other["prompts"])
    return FitTask(str(output), method, dim, seed, **other)


def fit(*tasks, n_threads=1):
    """Make transforms, and keep them beside the first one's folder."""
    fit_transforms(tasks, kept=kept_beside(tasks[0]), n_threads=n_threads)


def kept_beside(first):
    return Path(first.output).parent / "kept"


@pytest.fixture
def prompts(tmp_path):
    return write_prompts(tmp_path)


@pytest.fixture
def fits(monkeypatch):
    """Method and seed of every fit that is made, as they begin."""
    made = []
    for cls in (InDiReCT, Oracle, PCA, PromptPosterior, RandomTransform, TextSubspace):

        def counted(self, *given, fit=cls.fit):
            made.append((self.name, self.random_state))
            return fit(self, *given)

        monkeypatch.setattr(cls, "fit", counted)
    return made


@pytest.mark.parametrize("method", ["random", "pca", "lae"])
def test_a_dim_beyond_the_embeddings_is_refused(tmp_path, prompts, method):
    output = tmp_path / "fit"
    good = task(tmp_path / "good", "random", 6, prompts=prompts)
    with pytest.raises(LanzdmlError, match=r"^dims: 7 is larger than the 6 dimensions of .*prompt"):
        fit(good, task(output, method, 7, prompts=prompts))
    assert not output.exists()
    fit(good)
    assert load_transform(good.output).dim == 6


def test_a_parameter_that_cannot_be_stored_is_refused_before_the_fit(
    tmp_path, prompts, fits, monkeypatch
):
    monkeypatch.setattr(TextSubspace, "get_params", lambda *_, **__: {"random_state": 0, "a": {1}})
    with pytest.raises(LanzdmlError, match=r"^text_subspace: parameter 'a' holds a set, which is"):
        fit(task(tmp_path / "fit", prompts=prompts))
    assert not fits


def test_a_task_must_say_what_it_is_fitted_to(tmp_path):
    with pytest.raises(ValueError, match="nothing to fit text_subspace to"):
        fit(task(tmp_path / "fit"))


def test_fits_side_by_side_have_one_thread_each(tmp_path, prompts, monkeypatch):
    """Also when one beside has ended."""
    seen = []

    def blas_threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    both_fit, one_is_stored = Barrier(2, timeout=60), Event()

    def fit_slowly(self, unit):
        both_fit.wait()
        if self.random_state:
            assert one_is_stored.wait(60)
        seen.append(blas_threads())
        self.mean_, self.components_ = unit[0], unit[:2]

    def save(*given, **metadata):
        save_transform(*given, **metadata)
        one_is_stored.set()

    monkeypatch.setattr(PCA, "_fit", fit_slowly)
    monkeypatch.setattr("lanzdml.transforms.fitting.save_transform", save)
    tasks = [task(tmp_path / str(seed), "pca", 2, seed, prompts=prompts) for seed in range(2)]
    with threadpool_limits(2, user_api="blas"):
        fit(*tasks, n_threads=2)
        assert blas_threads() == {2}
    assert seen == [{1}, {1}]


@pytest.mark.parametrize("n_threads", [1, 3])
def test_one_call_fits_all_methods_dims_counts_and_seeds(tmp_path, prompts, n_threads):
    """Each is, bit for bit, what a fit alone gives, and counts draw the same for every method."""
    labelled = write_images(tmp_path)
    runs = [
        (method, dim, count, seed)
        for method in ("indirect", "random_transform", "oracle")
        for dim in (2, 3)
        for count in ((None, 5) if method != "oracle" else (None,))
        for seed in (0, 1)
    ]
    tasks = []
    for method, dim, count, seed in runs:
        source = labelled if method == "oracle" else {"prompts": prompts, "n_prompts": count}
        tasks.append(task(tmp_path / f"{method}-{dim}-{count}-{seed}", method, dim, seed, **source))
    fit(*tasks, n_threads=n_threads)
    for (method, dim, count, seed), of_run in zip(runs, tasks, strict=True):
        fitted, metadata = load_transform(of_run.output), read_metadata(of_run.output)
        assert (fitted.name, fitted.dim, fitted.random_state) == (method, dim, seed)
        assert metadata[WEIGHTS] == "those"
        alone = type(fitted)(dim=dim, random_state=seed)
        if method == "oracle":
            assert {"n_prompts", PROMPTS}.isdisjoint(metadata)
            alone.fit(IMAGES, LABELS)
        else:
            assert metadata["n_prompts"] == str(count or 9)
            assert metadata[PROMPTS] == digest_of(TEXTS), "of all of them"
            rows = slice(None) if count is None else draw_prompts(9, count, seed)
            alone.fit(TEXT[rows])
        for name in fitted.learned:
            np.testing.assert_array_equal(getattr(fitted, name), getattr(alone, name))


def test_parts_are_stacked_after_they_are_fitted(tmp_path, prompts):
    parts = [task(tmp_path / name, dim=2, prompts=prompts) for name in ("shape", "color")]
    stacked = [(Path(part.output).name, part.output, weight) for part, weight in
               zip(parts, (1, 3), strict=True)]  # fmt: skip
    fit(*parts, task(tmp_path / "pair", dim=2, parts=stacked), n_threads=2)
    both = load_transform(tmp_path / "pair")
    assert both.transform(IMAGES).shape == (12, 4)
    assert read_metadata(tmp_path / "pair")["parts"] == '["shape", "color"]'


def test_a_fit_that_diverges_is_stored_with_its_reason(tmp_path, prompts, monkeypatch):
    monkeypatch.setattr(
        "lanzdml.transforms.fitting.new_estimator",
        lambda method, dim: InDiReCT(3, learning_rate=1e10),
    )
    output = tmp_path / "fit"
    fit(task(output, "indirect", prompts=prompts))
    metadata = read_metadata(output)
    assert metadata["status"] == "not_fitted"
    assert metadata["reason"].startswith("training diverged: the loss is nan in iteration 2")


def test_prompts_must_say_which_weights_made_them(tmp_path):
    prompts = write_prompts(tmp_path, **{WEIGHTS: None})
    with pytest.raises(LanzdmlError, match=r"prompts\.parquet does not say which weights made it"):
        fit(task(tmp_path / "fit", "clip", None, prompts=prompts))


def test_a_method_that_needs_the_logit_scale_gets_that_of_the_model(tmp_path, prompts):
    posterior = task(tmp_path / "posterior", "prompt_posterior", None, prompts=prompts)
    fit(posterior)
    assert load_transform(posterior.output).logit_scale == 35.8763427734375
    write_prompts(tmp_path, **{LOGIT_SCALE: None})
    with pytest.raises(LanzdmlError, match=r"prompts\.parquet does not say .* delete it"):
        fit(posterior)
    subspace = task(tmp_path / "subspace", prompts=prompts)
    fit(subspace)
    assert load_transform(subspace.output).components_.shape == (3, 6)


class TestDraws:
    @given(st.integers(1, 200), st.data(), st.integers(0, 2**32 - 1))
    def test_drawn_prompts_are_distinct(self, n, data, seed):
        count = data.draw(st.integers(1, n))
        drawn = draw_prompts(n, count, seed)
        assert len(set(drawn.tolist())) == count
        assert sorted(drawn) == drawn.tolist()
        assert set(drawn.tolist()) <= set(range(n))
        assert drawn.tolist() == draw_prompts(n, count, seed).tolist()

    def test_each_seed_and_count_draws_anew(self):
        draws = {tuple(draw_prompts(171, count, seed)) for count in (10, 20) for seed in range(5)}
        assert len(draws) == 10
        small, large = set(draw_prompts(171, 10, 0)), set(draw_prompts(171, 20, 0))
        assert not small <= large, "the smaller draw is no part of the larger one"

    def test_no_more_prompts_are_drawn_than_there_are(self):
        with pytest.raises(LanzdmlError, match="counts: 6 is more than the 5 prompts there are"):
            draw_prompts(5, 6, 0)


def moved(vectors):
    """The same vectors but for the last bit of one number."""
    vectors = vectors.copy()
    vectors[3, 2] = np.nextafter(vectors[3, 2], np.float32(np.inf))
    return vectors


class TestKept:
    """What was fitted to the same is not fitted again; a change of anything fits anew."""

    def test_a_fit_is_taken_by_what_it_was_made_of(self, tmp_path, prompts, fits):
        first = task(tmp_path / "first", "random_transform", n_prompts=5, prompts=prompts)
        fit(first)
        assert fits == [("random_transform", 0)]
        again = tmp_path / "elsewhere"
        again.mkdir()
        # Neither where it goes nor where the prompts lie is what a fit is made of.
        moved_prompts = write_prompts(again)
        fit(first, replace(first, output=str(again / "fit"), prompts=str(moved_prompts)))
        assert len(fits) == 1
        one, other = Path(first.output), again / "fit"
        assert one.read_bytes() == other.read_bytes()
        assert one.stat().st_ino != other.stat().st_ino, "dates are of each"

    @pytest.mark.parametrize(
        "change",
        [{"method": "random_transform"}, {"version": "2"}, {"dim": 2}, {"n_prompts": 5},
         {"seed": 1}],
        ids=str,
    )  # fmt: skip
    def test_another_task_is_another_fit(self, tmp_path, prompts, fits, change):
        first = task(tmp_path / "first", prompts=prompts)
        fit(first, replace(first, output=str(tmp_path / "second"), **change))
        assert len(fits) == 2
        changed = replace(first, **change)
        metadata = read_metadata(tmp_path / "second")
        assert (metadata["method"], metadata["seed"]) == (changed.method, str(changed.seed))
        assert metadata["n_prompts"] == str(changed.n_prompts or 9)
        assert load_transform(tmp_path / "second").dim == changed.dim

    @pytest.mark.parametrize("method", ["text_subspace", "prompt_posterior"])
    @pytest.mark.parametrize(
        ("change", "is_new"),
        [
            ({}, False),
            ({"texts": ["another thing", *TEXTS[1:]]}, True),
            ({"vectors": moved(TEXT)}, True),
            ({"vectors": TEXT[::-1]}, True),
            ({"texts": TEXTS[::-1], "vectors": TEXT[::-1]}, True),
            ({"texts": TEXTS[:-1], "vectors": TEXT[:-1]}, True),
            ({WEIGHTS: "others"}, True),
            ({LOGIT_SCALE: "36"}, None),  # of a method that uses it
            ({"device": "another"}, False),
        ],
        ids=["nothing", "a text", "a bit", "vectors", "the order", "a prompt", "weights",
             "logit scale", "device"],
    )  # fmt: skip
    def test_other_prompts_are_fitted_to(self, tmp_path, prompts, fits, method, change, is_new):
        dim = 3 if method == "text_subspace" else None
        of_method = task(tmp_path / "fit", method, dim, prompts=prompts)
        fit(of_method)
        before = Path(of_method.output).read_bytes()
        write_prompts(tmp_path, **change)
        fit(of_method)
        if is_new is None:
            is_new = method == "prompt_posterior"
        assert len(fits) == 1 + is_new
        assert (Path(of_method.output).read_bytes() != before) == is_new

    @pytest.mark.parametrize(
        ("change", "is_new"),
        [
            ({}, False),
            ({"vectors": moved(IMAGES)}, True),
            ({"labels": ["class 1", *LABELS[1:]]}, True),
            ({"labels": [*LABELS[:-1], None]}, True),
            ({"labels": [label.upper() for label in LABELS]}, True),
            ({WEIGHTS: "others"}, True),
            ({LOGIT_SCALE: "36"}, False),
        ],
        ids=["nothing", "a bit", "a label", "one less", "names", "weights", "logit scale"],
    )
    def test_other_labelled_images_are_fitted_to(self, tmp_path, fits, change, is_new):
        oracle = task(tmp_path / "fit", "oracle", 2, **write_images(tmp_path))
        fit(oracle)
        write_images(tmp_path, **change)
        fit(oracle)
        assert len(fits) == 1 + is_new
        labels = pd.Series(change.get("labels", LABELS))
        labelled = labels.notna().to_numpy()
        alone = Oracle(2).fit(change.get("vectors", IMAGES)[labelled], labels[labelled])
        np.testing.assert_array_equal(load_transform(oracle.output).U_, alone.U_)

    def test_an_embedding_without_a_label_is_not_what_a_fit_is_made_of(self, tmp_path, fits):
        labels = [*LABELS[:3], None, *LABELS[4:]]
        oracle = task(tmp_path / "fit", "oracle", 2, **write_images(tmp_path, labels=labels))
        fit(oracle)
        write_images(tmp_path, moved(IMAGES), labels)
        fit(oracle)
        assert len(fits) == 1

    def test_what_could_not_be_fitted_is_kept_too(self, tmp_path, prompts, fits):
        pca = task(tmp_path / "fit", "pca", 3, n_prompts=3, prompts=prompts)
        for _ in range(2):
            fit(pca)
            assert "needs more than 3 distinct prompts" in read_metadata(pca.output)["reason"]
        assert len(fits) == 1

    @pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: whole[:-1] + b"!"])
    def test_what_was_damaged_is_made_anew(self, tmp_path, prompts, fits, damage):
        first = task(tmp_path / "fit", prompts=prompts)
        fit(first)
        Path(first.output).unlink()
        (kept,) = (path for path in kept_beside(first).rglob("*") if path.is_file())
        kept.write_bytes(damage(kept.read_bytes()))
        fit(first)
        assert len(fits) == 2
        expected = TextSubspace(3).fit(TEXT).components_
        np.testing.assert_array_equal(load_transform(first.output).components_, expected)

    @pytest.mark.parametrize("n_threads", [1, 2])
    def test_an_interrupted_job_keeps_what_it_finished(
        self, tmp_path, prompts, fits, monkeypatch, n_threads
    ):
        tasks = [
            task(tmp_path / str(seed), "random_transform", 3, seed, prompts=prompts)
            for seed in range(3)
        ]

        def interrupted(self, *given, fit=RandomTransform.fit):
            if self.random_state == 0:
                raise KeyboardInterrupt
            return fit(self, *given)

        with monkeypatch.context() as patched:
            patched.setattr(RandomTransform, "fit", interrupted)
            with pytest.raises(KeyboardInterrupt):
                fit(*tasks, n_threads=n_threads)
        # As Snakemake does with the outputs of a job that failed.
        for of_seed in tasks:
            Path(of_seed.output).unlink(missing_ok=True)
        finished = {seed for _, seed in fits}
        assert 2 in finished, "the last are made first"
        fit(*tasks)
        assert sorted(seed for _, seed in fits) == [0, 1, 2]
        for seed, of_seed in enumerate(tasks):
            assert load_transform(of_seed.output).random_state == seed

    def test_a_task_that_is_added_is_the_only_one_that_is_fitted(self, tmp_path, prompts, fits):
        tasks = [task(tmp_path / str(dim), dim=dim, prompts=prompts) for dim in (1, 2, 3)]
        fit(*tasks[:2])
        del fits[:]
        fit(*tasks)
        assert len(fits) == 1
        assert load_transform(tmp_path / "3").components_.shape == (3, 6)

    def test_fits_are_kept_where_files_have_no_links(self, tmp_path, prompts, fits, monkeypatch):
        def refuse(existing, new):
            raise OSError("Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        first = task(tmp_path / "fit", prompts=prompts)
        fit(first)
        before = Path(first.output).read_bytes()
        Path(first.output).unlink()
        fit(first)
        assert len(fits) == 1
        assert Path(first.output).read_bytes() == before

    def test_what_was_forgotten_is_fitted_again(self, tmp_path, prompts, fits):
        tasks = [task(tmp_path / str(dim), dim=dim, prompts=prompts) for dim in (1, 2)]
        fit(*tasks)
        Path(tasks[0].output).unlink()
        Kept(kept_beside(tasks[0])).forget()
        fit(*tasks)
        assert len(fits) == 3
