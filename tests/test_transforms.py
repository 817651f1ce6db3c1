"""Stored transforms: complete, readable again, and never silently something else."""

import json
from importlib.metadata import version
from threading import Barrier, Event

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_info, threadpool_limits

from lanzdml import CLIP, PCA, InDiReCT, LinearAutoencoder, RandomTransform
from lanzdml.embeddings.storage import LOGIT_SCALE, WEIGHTS, write_embeddings
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.files import replacing
from lanzdml.transforms.storage import (
    check_weights,
    draw_prompts,
    fit_transforms,
    load_transform,
    read_metadata,
    save_not_fitted,
    save_transform,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
MADE_BY = {WEIGHTS: "those"}
TEXT = np.random.default_rng(0).standard_normal((9, 6)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "indirect" / "dim-3" / "seed-2.safetensors"


@pytest.fixture
def indirect():
    return InDiReCT(3, random_state=2, max_iter=5).fit(TEXT)


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_metadata_describe_the_run(path, indirect):
    save_transform(path, indirect, n_prompts=9, notion="car_color")
    metadata = read_metadata(path)
    assert json.loads(metadata.pop("params")) == indirect.get_params()
    assert metadata == {
        "method": "indirect",
        "seed": "2",
        "status": "ok",
        "reason": "",
        "n_features": "6",
        "loss": str(indirect.loss_),
        "iterations": "5",
        "fit_seconds": str(indirect.fit_seconds_),
        "n_prompts": "9",
        "notion": "car_color",
        **{package: version(package) for package in ("numpy", "scipy", "scikit-learn", "torch")},
    }


def test_arrays_are_what_transform_needs(path, indirect):
    save_transform(path, indirect)
    (array,) = load_file(path).items()
    assert array[0] == "U_"
    np.testing.assert_array_equal(array[1], indirect.U_)


def test_loaded_is_the_fitted_estimator(path, indirect):
    save_transform(path, indirect, n_prompts=9)
    loaded = load_transform(path)
    assert loaded.get_params() == indirect.get_params()
    for name in ("loss_", "n_iter_", "fit_seconds_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(indirect, name)
        assert type(getattr(loaded, name)) is type(getattr(indirect, name))


def test_a_method_that_learns_nothing_has_no_arrays(path):
    save_transform(path, CLIP().fit(TEXT))
    assert load_file(path) == {}
    assert {"loss", "iterations"}.isdisjoint(read_metadata(path))
    with pytest.raises(LanzdmlError, match="4 components"):
        load_transform(path).transform(TEXT[:, :4])


def test_numpy_parameters_are_stored(path):
    save_transform(path, RandomTransform(np.int64(3), random_state=np.int64(4)).fit(TEXT))
    assert load_transform(path).get_params() == {"dim": 3, "random_state": 4}


def test_a_run_that_could_not_be_fitted(path):
    pca = PCA(16)
    with pytest.raises(CannotFitError) as error:
        pca.fit(TEXT)
    save_not_fitted(path, pca, str(error.value), n_prompts=9)
    metadata = read_metadata(path)
    assert metadata["status"] == "not_fitted"
    assert metadata["reason"] == str(error.value)
    assert metadata["method"] == "pca"
    assert metadata["n_prompts"] == "9"
    assert {"loss", "fit_seconds"}.isdisjoint(metadata)
    with pytest.raises(CannotFitError, match="more than 16 distinct prompts, but there are 9"):
        load_transform(path)


def test_only_what_is_fitted_is_stored(path):
    with pytest.raises(NotFittedError):
        save_transform(path, InDiReCT(3))
    assert not path.parent.exists()


@pytest.mark.parametrize("key", ["status", "loss", "method"])
def test_own_keys_cannot_be_overwritten(path, indirect, key):
    with pytest.raises(ValueError, match=key):
        save_transform(path, indirect, **{key: "mine"})
    with pytest.raises(ValueError, match=key):
        save_not_fitted(path, indirect, "reason", **{key: "mine"})
    assert not path.exists()


def test_replaces_an_older_file(path, indirect):
    save_transform(path, LinearAutoencoder(3, max_iter=2).fit(TEXT))
    save_transform(path, indirect)
    assert type(load_transform(path)) is InDiReCT
    assert files_below(path.parent) == [path]


@pytest.mark.parametrize("read", [load_transform, read_metadata])
class TestUnreadable:
    def test_missing(self, path, read):
        with pytest.raises(LanzdmlError, match=r"seed-2\.safetensors cannot be read"):
            read(path)

    def test_folder(self, tmp_path, read):
        with pytest.raises(LanzdmlError, match="cannot be read"):
            read(tmp_path)

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(data=st.data())
    def test_cut_short(self, path, indirect, read, data):
        save_transform(path, indirect)
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(LanzdmlError, match=r"seed-2\.safetensors cannot be read"):
            read(path)

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(content=st.binary(max_size=200))
    def test_something_else(self, tmp_path, read, content):
        path = tmp_path / "other.safetensors"
        path.write_bytes(content)
        with pytest.raises(LanzdmlError, match=r"other\.safetensors"):
            read(path)

    def test_safetensors_of_another_kind(self, tmp_path, read):
        path = tmp_path / "clip.safetensors"
        save_file({"weight": TEXT}, path)
        with pytest.raises(LanzdmlError, match=r"clip\.safetensors is not a transform.*method"):
            read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "indirct"}, "there is no method 'indirct'; did you mean 'indirect'"),
        ({"params": '{"dimension": 3}'}, "dimension"),
        ({"params": "{"}, "does not fit"),
        ({"loss": "small"}, "small"),
        ({"method": "lae"}, r"holds \['U_'\], not \['W1_', 'b1_'\]"),
    ],
)
def test_a_file_of_another_version(path, indirect, change, message):
    save_transform(path, indirect)
    save_file(load_file(path), path, read_metadata(path) | change)
    with pytest.raises(LanzdmlError, match=message) as error:
        load_transform(path)
    assert str(path) in str(error.value)


class TestReplacing:
    def test_nothing_is_at_the_path_until_the_end(self, tmp_path):
        path = tmp_path / "new" / "folder" / "a.tar.gz"
        with replacing(path) as temporary:
            temporary.write_text("half")
            assert temporary.parent == path.parent
            assert temporary.name.endswith(".tar.gz")
            assert not path.exists()
        assert path.read_text() == "half"
        assert files_below(tmp_path) == [path]

    def test_an_error_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("old")

        def fail_half_way():
            with replacing(str(path)) as temporary:
                temporary.write_text("half")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail_half_way()
        assert path.read_text() == "old"
        assert files_below(tmp_path) == [path]

    def test_writers_at_the_same_time_do_not_meet(self, tmp_path):
        path = tmp_path / "a.txt"
        with replacing(path) as one, replacing(path) as other:
            one.write_text("1")
            other.write_text("2")
        assert path.read_text() == "1"
        assert files_below(tmp_path) == [path]

    def test_a_block_that_writes_nothing_is_an_error(self, tmp_path):
        with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
            pass
        assert files_below(tmp_path) == []


@pytest.mark.parametrize("method", ["random", "pca", "lae"])
def test_a_dim_beyond_the_embeddings_is_refused(tmp_path, path, method):
    prompts = tmp_path / "prompts.parquet"
    write_embeddings(prompts, pd.DataFrame({"prompt": [str(i) for i in range(9)]}), TEXT, MADE_BY)
    with pytest.raises(LanzdmlError, match=r"^dims: 7 is larger than the 6 dimensions of .*prompt"):
        fit_transforms(method, ["7"], [0], prompts_file=prompts, outputs=[path])
    assert not path.exists()
    fit_transforms("random", ["6"], [0], prompts_file=prompts, outputs=[path])
    assert load_transform(path).dim == 6


def test_fits_side_by_side_have_one_thread_each(tmp_path, monkeypatch):
    """Also when one beside has ended."""
    prompts = tmp_path / "prompts.parquet"
    write_embeddings(prompts, pd.DataFrame({"prompt": [str(i) for i in range(9)]}), TEXT, MADE_BY)
    seen = []

    def blas_threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    both_fit, one_is_stored = Barrier(2, timeout=60), Event()

    def fit(self, unit):
        both_fit.wait()
        if self.random_state:
            assert one_is_stored.wait(60)
        seen.append(blas_threads())
        self.mean_, self.components_ = unit[0], unit[:2]

    def save(*given, **metadata):
        save_transform(*given, **metadata)
        one_is_stored.set()

    monkeypatch.setattr(PCA, "_fit", fit)
    monkeypatch.setattr("lanzdml.transforms.storage.save_transform", save)
    outputs = [tmp_path / str(seed) for seed in range(2)]
    with threadpool_limits(2, user_api="blas"):
        fit_transforms("pca", [2], range(2), prompts_file=prompts, outputs=outputs, n_threads=2)
        assert blas_threads() == {2}
    assert seen == [{1}, {1}]


@pytest.mark.parametrize("n_threads", [1, 3])
def test_one_call_fits_all_dims_counts_and_seeds(tmp_path, n_threads):
    """Each is, bit for bit, what a fit alone gives, and counts draw the same for every method."""
    prompts = tmp_path / "prompts.parquet"
    write_embeddings(prompts, pd.DataFrame({"prompt": [str(i) for i in range(9)]}), TEXT, MADE_BY)
    for method in ("indirect", "random"):
        runs = [(dim, count, seed) for dim in (2, 3) for count in (None, 5) for seed in (0, 1)]
        paths = [tmp_path / method / f"{dim}-{count}-{seed}" for dim, count, seed in runs]
        fit_transforms(
            method,
            [2, 3],
            [0, 1],
            counts=[None, 5],
            prompts_file=prompts,
            outputs=paths,
            n_threads=n_threads,
        )
        for (dim, count, seed), path in zip(runs, paths, strict=True):
            fitted, metadata = load_transform(path), read_metadata(path)
            assert (fitted.dim, fitted.random_state) == (dim, seed)
            assert metadata["n_prompts"] == str(count or 9)
            assert metadata[WEIGHTS] == "those"
            if method == "indirect":
                rows = slice(None) if count is None else draw_prompts(9, count, seed)
                alone = InDiReCT(dim=dim, random_state=seed).fit(TEXT[rows])
                np.testing.assert_array_equal(fitted.U_, alone.U_)


def test_a_fit_that_diverges_is_stored_with_its_reason(tmp_path, path, monkeypatch):
    prompts = tmp_path / "prompts.parquet"
    write_embeddings(prompts, pd.DataFrame({"prompt": [str(i) for i in range(9)]}), TEXT, MADE_BY)
    monkeypatch.setattr(
        "lanzdml.transforms.storage.new_estimator",
        lambda method, dim: InDiReCT(3, learning_rate=1e10),
    )
    fit_transforms("indirect", ["3"], [0], prompts_file=prompts, outputs=[path])
    metadata = read_metadata(path)
    assert metadata["status"] == "not_fitted"
    assert metadata["reason"].startswith("training diverged: the loss is nan in iteration 2")


def test_transforms_of_another_models_embeddings_are_refused(tmp_path, indirect):
    ours, none = tmp_path / "ours", tmp_path / "none"
    save_transform(ours, indirect, **MADE_BY)
    save_transform(none, indirect)
    check_weights([ours], "those", "images.parquet")
    for path, weights in ((ours, "these"), (none, "those")):
        with pytest.raises(
            LanzdmlError, match=rf"{path.name} was fitted .* of images\.parquet: del"
        ):
            check_weights([ours, path], weights, "images.parquet")


def test_prompts_must_say_which_weights_made_them(tmp_path, path):
    prompts = tmp_path / "prompts.parquet"
    write_embeddings(prompts, pd.DataFrame({"prompt": [str(i) for i in range(9)]}), TEXT, {})
    with pytest.raises(LanzdmlError, match=r"prompts\.parquet does not say which weights made it"):
        fit_transforms("clip", ["full"], [0], prompts_file=prompts, outputs=[path])


def test_a_method_that_needs_the_logit_scale_gets_that_of_the_model(tmp_path, path):
    prompts, rows = tmp_path / "prompts.parquet", pd.DataFrame({"prompt": list("abcdefghi")})
    write_embeddings(prompts, rows, TEXT, MADE_BY | {LOGIT_SCALE: "35.8763427734375"})
    fit_transforms("prompt_posterior", ["full"], [0], prompts_file=prompts, outputs=[path])
    assert load_transform(path).logit_scale == 35.8763427734375
    write_embeddings(prompts, rows, TEXT, MADE_BY)
    with pytest.raises(LanzdmlError, match=r"prompts\.parquet does not say .* delete it"):
        fit_transforms("prompt_posterior", ["full"], [0], prompts_file=prompts, outputs=[path])
    fit_transforms("text_subspace", ["3"], [0], prompts_file=prompts, outputs=[path])
    assert load_transform(path).components_.shape == (3, 6)


@given(st.integers(1, 200), st.data(), st.integers(0, 2**32 - 1))
def test_drawn_prompts_are_distinct(n, data, seed):
    count = data.draw(st.integers(1, n))
    drawn = draw_prompts(n, count, seed)
    assert len(set(drawn.tolist())) == count
    assert sorted(drawn) == drawn.tolist()
    assert set(drawn.tolist()) <= set(range(n))
    assert drawn.tolist() == draw_prompts(n, count, seed).tolist()


def test_each_seed_and_count_draws_anew():
    draws = {tuple(draw_prompts(171, count, seed)) for count in (10, 20) for seed in range(5)}
    assert len(draws) == 10
    small, large = set(draw_prompts(171, 10, 0)), set(draw_prompts(171, 20, 0))
    assert not small <= large, "the smaller draw is no part of the larger one"


def test_no_more_prompts_are_drawn_than_there_are():
    with pytest.raises(LanzdmlError, match="counts: 6 is more than the 5 prompts there are"):
        draw_prompts(5, 6, 0)
