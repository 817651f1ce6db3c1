"""Stored transforms: complete, readable again, and never silently something else."""

import json
from importlib.metadata import version

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from sklearn.exceptions import NotFittedError

from lanzdml import CLIP, PCA, InDiReCT, LinearAutoencoder, RandomTransform
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.transforms.storage import (
    check_weights,
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
    with pytest.raises(LanzdmlError, match="4 features"):
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
