"""Stored transforms: complete, readable again, and never silently something else."""

import json
from collections import namedtuple
from enum import Enum, IntEnum
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from sklearn.exceptions import NotFittedError

from lanzdml import CLIP, PCA, InDiReCT, LinearAutoencoder, RandomTransform
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.files import digest
from lanzdml.methods import METHODS
from lanzdml.methods.base import Method
from lanzdml.transforms import parameters, storage
from lanzdml.transforms.contract.subject import Data, Subject
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
        "dim": "3",
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


class Mine(Method):
    """A user's own, with a parameter of any kind."""

    name = "mine"
    has_dim = False

    def __init__(self, *, file: object = Path("words.txt"), random_state: int = 0) -> None:
        self.file, self.random_state = file, random_state


@pytest.fixture
def mine(monkeypatch):
    for module in (parameters, storage):
        monkeypatch.setattr(module, "METHODS", {"mine": Mine})
    return Mine


STORED = [
    Path("a/b.txt"), None, True, 2**70, 0.1, float("inf"), "é", "", (), (1, (2, "x")),
    [1, [Path("a")]], {}, {"b": 1, "a": (2,)}, {"path": "no path"}, {"tuple": [1]},
]  # fmt: skip


@pytest.mark.parametrize("value", STORED, ids=repr)
def test_a_parameter_comes_back_as_it_was(value, mine, path):
    save_transform(path, mine(file=value).fit(TEXT))
    loaded = load_transform(path).file
    assert repr(loaded) == repr(value), "also the types, and the order of a dict"


@pytest.mark.parametrize(
    ("value", "plain"),
    [(np.int8(3), 3), (np.float32(0.5), 0.5), (np.str_("a"), "a"), (np.True_, True)],
)
def test_numbers_of_numpy_become_those_of_python(value, plain, mine, path):
    save_transform(path, mine(file=(value, [value])).fit(TEXT))
    assert repr(load_transform(path).file) == repr((plain, [plain]))


Pair = namedtuple("Pair", "one other")
REFUSED = {
    "set": {"a", "b"}, "frozenset": frozenset("ab"), "ndarray": np.arange(3), "function": digest,
    "object": object(), "CLIP": CLIP(), "Color": Enum("Color", "RED").RED,
    "Number": IntEnum("Number", "ONE").ONE, "Pair": Pair(1, 2), "bytes": b"a", "complex": 1j,
    "type": int, "dict": {1: "a"},
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("inside", [False, True])
def test_a_parameter_that_no_text_says_is_refused(kind, inside, mine, path):
    value = REFUSED[kind]
    with pytest.raises(LanzdmlError) as caught:
        save_transform(path, mine(file=[(value,)] if inside else value).fit(TEXT))
    assert str(caught.value) == (
        f"mine: parameter 'file' holds a {kind}, which is not stored; parameters are None, "
        "numbers, texts and paths, and lists, tuples and dicts of these"
    )
    assert not path.parent.exists()


def test_files_that_defaults_name_are_known_by_what_they_hold(mine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parameters.contents_of("mine") == []
    seen = set()
    for text in ("one", "two"):
        Path("words.txt").write_text(text)
        seen.add(tuple(parameters.contents_of("mine")))
    assert len(seen) == 2
    assert all(len(contents) == 1 for contents in seen)
    Path("words.txt").unlink()
    Path("words.txt").mkdir()
    assert parameters.contents_of("mine") == []


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
        ({"method": "indirct"}, "of the method 'indirct', which is not known here"),
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


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda u: u.reshape(-1), r"U_ \(18,\), transform no vectors of 6 numbers"),
        (lambda u: u[:1].copy(), r"U_ \(1, 3\), transform no vectors of 6"),
        (lambda u: u[:0].copy(), r"U_ \(0, 3\), transform no vectors of 6"),
        (lambda u: u[:, :0].copy(), r"U_ \(6, 0\), make vectors of 0 numbers, not of 1 to 3"),
        (lambda u: u[None].copy(), r"U_ \(1, 6, 3\), transform no vectors of 6"),
        (lambda u: np.repeat(u, 2, axis=1), r"U_ \(6, 6\), make vectors of 6 numbers, not of 1 to"),
        (lambda u: u * np.float32("nan"), "transform no vectors of 6"),
        ({"n_features": "0"}, "transform no vectors of 0"),
        ({"n_features": "7"}, "transform no vectors of 7"),
        ({"n_features": "9" * 12}, "transform no vectors of 999,999,999,999"),
        ({"dim": "99"}, "its dim is 99, but 3 in its params"),
        ({"dim": "2"}, "make vectors of 3 numbers, not of 1 to 2"),
        ({"dim": "-1"}, "its dim is -1"),
    ],
    ids=range(13),
)
def test_arrays_that_do_not_fit_are_refused_on_loading(path, indirect, change, says):
    save_transform(path, indirect)
    tensors, metadata = load_file(path), read_metadata(path)
    if callable(change):
        save_file({"U_": change(tensors["U_"])}, path, metadata)
    else:
        save_file(tensors, path, metadata | change)
    with pytest.raises(
        LanzdmlError, match=rf"seed-2\.safetensors .*{says}.*delete it and run again"
    ):
        load_transform(path)


@pytest.mark.filterwarnings("error:::lanzdml")
@pytest.mark.parametrize("cls", METHODS.values(), ids=METHODS)
def test_what_any_method_learns_of_little_is_loaded(cls, path):
    for r in (1, 6):
        estimator = Subject(cls).make(dim=1, max_iter=2)
        images = TEXT[:, :r]
        try:
            Subject(cls).call_fit(estimator, Data(images[:3], images, np.arange(9) % 3))
        except CannotFitError:
            continue
        save_transform(path, estimator)
        made = load_transform(path).transform(images)
        assert np.array_equal(made, estimator.transform(images))


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
