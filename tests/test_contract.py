"""The contract of methods can be broken: a class for each promise, which that check alone finds.

That our own methods keep it is in test_methods.py.
"""

import random
import sys
from contextlib import nullcontext
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from threadpoolctl import threadpool_limits

from lanzdml.commands.main import lanzdml
from lanzdml.methods.base import Method, as_embeddings, normalise
from lanzdml.transforms.contract import CHECKS, check_method


class Kept(Method):
    """Random directions of what varies among the prompts: it keeps all promises."""

    name = "kept"
    learned = ("U_",)

    def __init__(self, dim=4, *, random_state=0):
        self.dim = dim
        self.random_state = random_state

    def draw(self, shape):
        return np.random.default_rng(self.random_state).standard_normal(shape, np.float32)

    def _fit(self, unit):
        self.U_ = self.draw((unit.shape[1], self.dim)) + unit.std(axis=0)[:, None]

    def _transform(self, images):
        return images @ self.U_


class Nameless(Kept):
    name = "kept/not"


class Anonymous(Kept):
    name = None


class Ours(Kept):
    name = "pca"


class NoTuple(Kept):
    learned = "U_"


class NoDefault(Kept):
    def __init__(self, sizes, dim=4, *, random_state=0):
        super().__init__(dim, random_state=random_state)
        self.sizes = sizes


class NeedsSomething(Kept):
    needs = ("prompts", "pictures")


class NoSeed(Kept):
    random_state = 0

    def __init__(self, dim=4):
        self.dim = dim


class NotStored(Kept):
    def __init__(self, dim=4, sharpness=1, *, random_state=0):
        super().__init__(dim, random_state=random_state)


class Computes(Kept):
    def __init__(self, dim=4, sizes=(), *, random_state=0):
        super().__init__(dim, random_state=random_state)
        self.sizes = list(sizes)


class OneSeed(Kept):
    def __init__(self, dim=4, *, random_state=0):
        super().__init__(dim, random_state=0)


class Undeclared(Kept):
    has_dim = False


class Raises(Kept):
    def _fit(self, unit):
        self.U_ = {}["directions"]


class Exits(Kept):
    def _fit(self, unit):
        sys.exit("no licence")


class ForgetsToLearn(Kept):
    learned = ("U_", "mean_")


class LearnsNoArray(Kept):
    def _fit(self, unit):
        super()._fit(unit)
        self.U_ = {"all": self.U_}

    def _transform(self, images):
        return images @ self.U_["all"]


class IgnoresDim(Kept):
    def _transform(self, images):
        return images


class TooFewRows(Kept):
    def _transform(self, images):
        return super()._transform(images)[1:]


class NotANumber(Kept):
    def _transform(self, images):
        return super()._transform(images) * np.nan


class Doubles(Kept):
    def transform(self, X, *, unit_images=True):
        return super().transform(X, unit_images=unit_images).astype(np.float64)


class OwnFit(Kept):
    def fit(self, X, y=None):
        self._fit(normalise(as_embeddings(X, "text_embeddings")))
        return self


class Unseeded(Kept):
    def draw(self, shape):
        return np.random.default_rng().standard_normal(shape, np.float32)


class Uncopied(Kept):
    """The seed is what it was made with, whatever it is set to later."""

    def set_params(self, **params):
        return super().set_params(**dict.fromkeys(params, 0))


class ChangesItsParameters(Kept):
    def _fit(self, unit):
        super()._fit(unit)
        self.dim = np.int64(self.dim)


class WithoutUnderscore(Kept):
    def _fit(self, unit):
        super()._fit(unit)
        self.unit = unit


class NoSelf(Kept):
    def fit(self, X, y=None):
        super().fit(X, y)


class IgnoresTheSeed(Kept):
    def draw(self, shape):
        return np.ones(shape, np.float32)


class DeterministicInWords(Kept):
    deterministic = True


class CountsSeeds(Kept):
    """How many seeds there were before is part of the result."""

    seen = frozenset()

    def draw(self, shape):
        type(self).seen = self.seen | {self.random_state}
        return super().draw(shape) * (2 if self.seen > {0, 2} else 1)


# Fits beside each other would draw from what another one seeded, which is another check's fault.
_ONE_AT_A_TIME = Lock()


class SeedsAll(Kept):
    def draw(self, shape):
        with _ONE_AT_A_TIME:
            np.random.seed(self.random_state)  # noqa: NPY002
            return np.random.standard_normal(shape).astype(np.float32)  # noqa: NPY002


class SeedsTorch(Kept):
    def draw(self, shape):
        with _ONE_AT_A_TIME:
            torch.manual_seed(self.random_state)
            return torch.randn(shape).numpy()


class Shuffles(Kept):
    def _fit(self, unit):
        super()._fit(unit)
        random.random()


class WarmStart(Kept):
    def _fit(self, unit):
        before = getattr(self, "U_", 0)
        super()._fit(unit)
        self.U_ = self.U_ + before


class InTheClass(Kept):
    def _fit(self, unit):
        super()._fit(unit)
        type(self).last = self.U_

    def _transform(self, images):
        return images @ type(self).last


class Remembers(Kept):
    """What comes after 20 images has other vectors."""

    def _transform(self, images):
        before, self.n_ = getattr(self, "n_", 0), len(images)
        return super()._transform(images) * (2 if before == 20 else 1)


class ChangesImages(Kept):
    def _transform(self, images):
        images *= 2
        return super()._transform(images)


class ChangesPrompts(Kept):
    def fit(self, X, y=None):
        super().fit(X, y)
        if isinstance(X, np.ndarray) and X.flags.writeable:
            X *= 2
        return self


class GivesItsOwn(Kept):
    by_position = True
    has_dim = True

    def _fit(self, unit):
        super()._fit(unit)
        self.U_ = self.draw((400, self.dim))

    def _transform(self, images):
        return self.U_[: len(images)]


class NoFrames(Kept):
    def fit(self, X, y=None):
        if isinstance(X, pd.DataFrame):
            raise TypeError("no data frames")
        return super().fit(X, y)


class ByLength(Kept):
    def transform(self, X, *, unit_images=True):
        return super().transform(X, unit_images=False)


class Unfitted(Kept):
    def transform(self, X, *, unit_images=True):
        if not hasattr(self, "U_"):
            return np.zeros((len(X), self.dim), np.float32)
        return super().transform(X, unit_images=unit_images)


class AnySize(Kept):
    def transform(self, X, *, unit_images=True):
        if isinstance(X, np.ndarray) and X.shape == (30, 9):
            X = np.pad(X, ((0, 0), (0, self.n_features_in_ - 9)))
        return super().transform(X, unit_images=unit_images)


class AnyNumber(Kept):
    def fit(self, X, y=None):
        is_float = isinstance(X, np.ndarray) and X.dtype.kind == "f"
        return super().fit(np.nan_to_num(X, nan=1.0) if is_float else X, y)


class AnySeed(Kept):
    def _check_parameters(self):
        pass

    def draw(self, shape):
        return np.random.default_rng(abs(int(self.random_state or 0))).random(shape, np.float32)


class NeedsTwo(Kept):
    def _fit(self, unit):
        super()._fit(unit)
        self.U_ = self.U_ + np.float32(unit[1, 0])


class Centres(Kept):
    def _transform(self, images):
        return super()._transform(images - images.mean(axis=0))


class NotTransductive(Kept):
    transductive = True


class OwnTransform(Kept):
    """Equal images have vectors that differ where more than a hundred are transformed."""

    def transform(self, X, *, unit_images=True):
        out = super().transform(X, unit_images=unit_images)
        out[100:] *= 2
        return out


class NotByPosition(Kept):
    by_position = True


class NotInLearned(Kept):
    learned = ()


class NotStorable(Kept):
    def __init__(self, dim=4, *, activation=np.tanh, random_state=0):
        super().__init__(dim, random_state=random_state)
        self.activation = activation


class ReadsHere(Kept):
    def _fit(self, unit):
        super()._fit(unit)
        self.U_ = self.U_ * np.float32(len(Path("scale.txt").read_text()))


class Prints(Kept):
    def _transform(self, images):
        print("transforming", len(images))
        return super()._transform(images)


class TakesAutoForTwo(Kept):
    def _fit(self, unit):
        dim = 2 if self.dim == "auto" else self.dim
        self.U_ = self.draw((unit.shape[1], dim)) + unit.std(axis=0)[:, None]


BROKEN = {
    TakesAutoForTwo: ("takes_auto_for_a_number_or_refuses", "compute with self.dim_ in place of"),
    Nameless: ("has_a_name_of_its_own", "name is 'kept/not', but may hold letters"),
    Anonymous: ("says_what_it_is", 'Anonymous has no name: give it a line name = "..."'),
    Ours: ("has_a_name_of_its_own", "name is 'pca', which is another method's"),
    NoTuple: ("says_what_it_is", "learned is the text 'U_': a tuple of one name has a comma"),
    NeedsSomething: ("says_what_it_is", "needs is ('prompts', 'pictures'): it is one of (prompts)"),
    NoDefault: ("stores_its_parameters", "parameter 'sizes' of __init__ has no default"),
    NoSeed: ("stores_its_parameters", "__init__ has no parameter random_state, the seed"),
    NotStored: ("stores_its_parameters", "does not store 'sharpness': write self.sharpness ="),
    Computes: ("stores_its_parameters", "stores [] as 'sizes' where it is given ()"),
    OneSeed: ("stores_its_parameters", "stores 0 as 'random_state' where it is given 3"),
    Undeclared: ("stores_its_parameters", "has a parameter dim, but has_dim is False"),
    Raises: ("makes_a_vector_an_image", "fit raises KeyError: 'directions' ("),
    Exits: ("makes_a_vector_an_image", "fit raises SystemExit: no licence"),
    ForgetsToLearn: ("makes_a_vector_an_image", "fit does not set mean_, which learned names"),
    LearnsNoArray: ("makes_a_vector_an_image", "U_ is a dict: what learned names are arrays"),
    IgnoresDim: ("makes_a_vector_an_image", "vectors have 24 components with dim=4"),
    TooFewRows: ("makes_a_vector_an_image", "a row for each of the 30 images; their shape is (29"),
    NotANumber: ("makes_a_vector_an_image", "vectors of not_anumber must be finite; row 0 has NaN"),
    Doubles: ("makes_a_vector_an_image", "transform gives float64 in place of float32"),
    OwnFit: ("makes_a_vector_an_image", "fit does not set n_features_in_ and fit_seconds_"),
    Unseeded: ("same_seed_same_fit", "np.random.default_rng(self.random_state)"),
    Uncopied: ("can_be_copied", "set_params(random_state=4) gives other vectors"),
    ChangesItsParameters: ("fit_sets_what_it_learns", "fit changes the parameter 'dim' from 4"),
    WithoutUnderscore: ("fit_sets_what_it_learns", "fit sets 'unit', which is no parameter"),
    NoSelf: ("fit_sets_what_it_learns", "fit does not give self"),
    IgnoresTheSeed: ("another_seed_differs_unless_deterministic", "say deterministic = True if"),
    DeterministicInWords: (
        "another_seed_differs_unless_deterministic",
        "deterministic is True, b",
    ),
    CountsSeeds: ("other_fits_do_not_matter", "fits with other seeds gives other vectors"),
    SeedsAll: ("leaves_shared_generators_alone", "draws from np.random's own generator, or seeds"),
    SeedsTorch: ("leaves_shared_generators_alone", "torch's own generator"),
    Shuffles: ("leaves_shared_generators_alone", "draws from random's own generator"),
    WarmStart: ("fit_forgets_the_last", "the second fit of an estimator gives other vectors"),
    InTheClass: ("estimators_share_nothing", "once another estimator is fitted, the first gives"),
    Remembers: ("transform_learns_nothing", "after a transform of others, the same images"),
    ChangesImages: ("leaves_arrays_alone", "transform changes the array that it is given"),
    ChangesPrompts: ("leaves_arrays_alone", "fit changes the array that it is given"),
    GivesItsOwn: ("leaves_arrays_alone", "what transform gives is no array of its own"),
    NoFrames: ("takes_any_array", "given a data frame, fit raises TypeError: no data frames"),
    ByLength: ("lengths_do_not_matter", "images of the same directions and other lengths have"),
    Unfitted: ("refuses_transform_before_fit", "transform before fit is accepted"),
    AnySize: ("refuses_another_size", "images of 9 components, after a fit to 24, is accepted"),
    AnyNumber: ("refuses_unusable_embeddings", "a row with NaN given to fit is accepted"),
    AnySeed: ("refuses_unusable_parameters", "random_state=-1 is accepted"),
    NeedsTwo: (
        "few_directions_give_vectors_or_a_reason",
        "fit to one vector, it raises Index",
    ),
    Centres: ("goes_by_the_image_alone_unless_transductive", "say transductive = True"),
    NotTransductive: ("goes_by_the_image_alone_unless_transductive", "transductive is True, but"),
    OwnTransform: ("equal_images_have_equal_vectors_unless_by_position", "leave transform to Met"),
    NotByPosition: ("equal_images_have_equal_vectors_unless_by_position", "by_position is True"),
    NotInLearned: ("a_stored_fit_makes_the_same", "fit sets U_, which learned does not name"),
    NotStorable: ("a_stored_fit_makes_the_same", "'activation' holds a ufunc, which is not stored"),
    ReadsHere: ("does_not_go_by_the_working_folder", "find files from Path(__file__).parent"),
    Prints: ("prints_nothing", "transform prints 'transforming 30'"),
}
NAMES = [check.__name__ for check in CHECKS]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Set once: each fit and transform would look for the libraries anew, which takes longest."""
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        patch.setattr("lanzdml.methods.base.one_blas_thread", nullcontext)
        yield


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "scale.txt").write_text("five!")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(cls):
    """Names of the checks that were made of a class, and what each found."""
    return dict(zip(NAMES, (outcome.fault for outcome in check_method(cls)), strict=False))


def test_kept():
    assert faults(Kept) == dict.fromkeys(NAMES, "")


def test_each_promise_can_be_broken():
    assert {check for check, _ in BROKEN.values()} == {*NAMES}


@pytest.mark.parametrize("cls", BROKEN, ids=lambda cls: cls.__name__)
def test_what_is_broken_is_said_by_its_check_only(cls, folder):
    check, words = BROKEN[cls]
    found = {name: fault for name, fault in faults(cls).items() if fault}
    assert found.keys() == {check}, found
    assert words in found[check]
    assert "\n" not in found[check]


# --- The command

METHOD = """
import numpy as np
from lanzdml.methods.base import Method

class Mine(Method):
    name = "mine"
    has_dim = False
    deterministic = True
    learned = ("mean_",)

    def __init__(self, *, random_state=0):
        self.random_state = random_state

    def _fit(self, unit):
        self.mean_ = unit.mean(axis=0)

    def _transform(self, images):
        return images - self.mean_

class Chatty(Mine):
    def _transform(self, images):
        print("so many images:", len(images))
        return super()._transform(images)

class Faulty(Mine):
    def _fit(self, unit):
        self.mean_ = unit.median()
"""


def run(method):
    result = CliRunner().invoke(lanzdml, ["check-method", method])
    # What ends a process in words is printed to either of both, by version of click.
    return result.exit_code, (result.stdout + result.stderr).splitlines()


@pytest.fixture
def mine(folder):
    (folder / "my_methods").mkdir()
    (folder / "my_methods/mine.py").write_text(METHOD)
    return "my_methods/mine.py"


def test_a_method_of_a_file_that_keeps_all(mine):
    code, lines = run(f"{mine}:Mine")
    assert code == 0
    assert lines[-1] == f"Mine keeps {len(CHECKS)} of {len(CHECKS)} promises"
    assert len(lines) == len(CHECKS) + 1
    assert all(line.startswith("ok      ") for line in lines[:-1])


def test_one_of_ours_by_its_name():
    code, lines = run("text_subspace")
    assert code == 0
    assert lines[-1].startswith("TextSubspace keeps")


def test_a_broken_promise_is_a_line_and_what_the_method_prints_none(mine):
    code, lines = run(f"{mine}:Chatty")
    assert code == 1
    assert len(lines) == len(CHECKS) + 1
    (line,) = [line for line in lines if line.startswith("broken")]
    assert "fit and transform print nothing: transform prints 'so many images: 30'" in line
    assert lines[-1] == f"Chatty keeps {len(CHECKS) - 1} of {len(CHECKS)} promises"


def test_what_raises_names_the_line_of_the_file(mine):
    code, lines = run(f"{mine}:Faulty")
    number = METHOD.splitlines().index("        self.mean_ = unit.median()") + 1
    assert code == 1
    assert f"has no attribute 'median' ({mine}:{number})" in lines[-2]
    assert lines[-1].endswith("were not looked at, as they stand on the last one")


@pytest.mark.parametrize("method", ["text_subspac", "no.py:Mine", "my_methods/mine.py:Other"])
def test_no_such_method_is_one_line(method, mine):
    code, (line,) = run(method)
    assert code == 1
    assert line.startswith("Error: ")


def test_without_torch_a_trained_one_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, lines = run("indirect")
    assert code == 1
    assert "this needs torch, which is not installed" in lines[-1]
    assert run("clip")[0] == 0
