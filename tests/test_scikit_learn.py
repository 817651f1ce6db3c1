"""The estimators follow scikit-learn: its own checks, and what its checks leave out."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

import lanzdml
from lanzdml import Oracle
from lanzdml.arithmetic.threads import one_torch_thread
from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.methods.base import EmbeddingError
from lanzdml.methods.needs import IMAGES as IMAGES_NEEDED
from lanzdml.methods.needs import PROMPTS

# Fits are cut short: their form is what is checked.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {"dim": 2, "hidden": 8, "max_iter": 20}

EVERY = tuple(METHODS)
EXPECTED_FAILED_CHECKS = {
    "check_estimators_dtypes": (
        EVERY,
        "its whole numbers have a row of zeros, which has no direction: no CLIP makes one, so it "
        "tells that something went wrong, and is refused",
    ),
    "check_methods_sample_order_invariance": (
        ("random",),
        "its vectors are drawn, and go by the position of an image",
    ),
    "check_methods_subset_invariance": (
        ("random", "clay"),
        "random goes by the position of an image; clay is transductive: it centres images by the "
        "mean of those that are transformed together",
    ),
    "check_fit2d_1sample": (
        ("pca",),
        "one prompt is refused, in words of prompts and dimensions that stand below the paper's "
        "tables; scikit-learn looks for '1 sample'",
    ),
    "check_fit2d_1feature": (
        ("pca",),
        "vectors of one component have one direction, so that there is one distinct prompt: "
        "refused in the same words",
    ),
}
# It is skipped unless the environment asks scipy for array API, which no method claims to take.
LEFT_OUT = {"check_array_api_input"}


class Alone:
    """Fitted as scikit-learn's checks do it: what is given stands for the collection's images."""

    def fit(self, X, y=None):
        return super().fit(X, y, images=X)


class TextLDA(Alone, lanzdml.TextLDA):
    name = "text_lda"


class SpLiCE(Alone, lanzdml.SpLiCE):
    name = "splice"


class FewShotPosterior(lanzdml.FewShotPosterior):
    name = "few_shot_posterior"

    def fit(self, X, y=None):
        n = X.shape[0] if hasattr(X, "shape") else len(np.asarray(X))
        return super().fit(X, images=X, labels=np.arange(n) % 2)


ALONE = {cls.name: cls for cls in (TextLDA, SpLiCE, FewShotPosterior)}


def make(name):
    cls = ALONE.get(name, METHODS[name])
    return cls(**{key: SMALL[key] for key in cls().get_params() if key in SMALL})


def test_all_that_see_images_are_made_so():
    assert {n for n in METHODS if {PROMPTS, IMAGES_NEEDED} <= {*METHODS[n].needs}} == {*ALONE}


def name_of(check):
    return check.func.__name__ if isinstance(check, partial) else check.__name__


def checks():
    for method in METHODS:
        estimator = make(method)
        try:
            pairs = estimator_checks.estimator_checks_generator(estimator)
        except AttributeError:  # scikit-learn before 1.6
            pairs = estimator_checks.check_estimator(estimator, generate_only=True)
        for estimator, check in pairs:
            if name_of(check) not in LEFT_OUT:
                variant = ",".join(map(str, getattr(check, "keywords", {})))
                identity = f"{method}-{name_of(check)}-{variant}".rstrip("-")
                yield pytest.param(method, estimator, check, id=identity)


@pytest.fixture(autouse=True)
def one_thread():
    with one_torch_thread():
        yield


@pytest.mark.parametrize(("method", "estimator", "check"), list(checks()))
def test_scikit_learns_checks(method, estimator, check):
    methods, reason = EXPECTED_FAILED_CHECKS.get(name_of(check), ((), ""))
    if method not in methods:
        check(estimator)
        return
    try:
        check(estimator)
    except (AssertionError, LanzdmlError):
        return
    pytest.fail(f"{name_of(check)} holds for {method}: it is no longer true that {reason}")


def test_expected_failures_are_of_checks_that_are_made():
    made = {tuple(parameters.id.split("-")[:2]) for parameters in checks()}
    expected = {
        (method, check)
        for check, (methods, _) in EXPECTED_FAILED_CHECKS.items()
        for method in methods
    }
    assert expected <= made
    assert {method for method, _ in made} == set(METHODS)


RNG = np.random.default_rng(0)
NAMES = [f"component_{number}" for number in range(6)]
TEXT, IMAGES = RNG.normal(size=(9, 6)) + 1, RNG.normal(size=(12, 6)) + 1
LABELS = np.array(["red", "green", "blue"])[np.arange(12) % 3]


def data_of(method, text=TEXT, images=IMAGES):
    return (text,) if PROMPTS in METHODS[method].needs else (images, LABELS)


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def test_in_a_pipeline(method):
    """What a pipeline gives is what the method gives: the vectors' length does not matter."""
    alone = make(method).fit(*data_of(method)).transform(IMAGES)
    pipeline = make_pipeline(Normalizer(), make(method)).fit(*data_of(method))
    np.testing.assert_allclose(pipeline.transform(IMAGES), alone, atol=1e-5)
    # Given labels that it has no use for, as a pipeline with a classifier at its end does.
    given = data_of(method)[0]
    labels = np.arange(len(given)) if PROMPTS in METHODS[method].needs else LABELS
    again = Pipeline([("method", make(method))]).fit(given, labels)
    np.testing.assert_array_equal(again.transform(IMAGES), alone)


def test_fit_transform_is_of_what_is_fitted_to(method):
    given = data_of(method)
    expected = make(method).fit(*given).transform(given[0])
    np.testing.assert_array_equal(make(method).fit_transform(*given), expected)


def test_vectors_have_names(method):
    estimator = make(method).set_output(transform="pandas").fit(*data_of(method))
    frame = estimator.transform(pd.DataFrame(IMAGES, index=range(100, 112)))
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.tolist() == list(range(100, 112))
    assert frame.columns.tolist() == estimator.get_feature_names_out().tolist()
    assert frame.columns[0] == f"{METHODS[method].__name__.lower()}0"
    np.testing.assert_array_equal(frame, make(method).fit(*data_of(method)).transform(IMAGES))


@pytest.mark.parametrize("check", [
    "check_transformer_get_feature_names_out", "check_transformer_get_feature_names_out_pandas",
    "check_set_output_transform", "check_set_output_transform_pandas",
    "check_global_output_transform_pandas", "check_get_feature_names_out_error",
])  # fmt: skip
def test_scikit_learns_checks_of_names(method, check):
    """Those that its estimators have to pass, and that it does not make of others'."""
    getattr(estimator_checks, check)(method, make(method))


def test_columns_in_another_order_are_refused(method):
    text, images = (pd.DataFrame(vectors, columns=NAMES) for vectors in (TEXT, IMAGES))
    estimator = make(method).fit(*data_of(method, text, images))
    assert estimator.feature_names_in_.tolist() == NAMES
    out = make(method).fit(*data_of(method)).transform(IMAGES)
    np.testing.assert_array_equal(estimator.transform(images), out)
    np.testing.assert_array_equal(estimator.transform(IMAGES), out)
    with pytest.raises(EmbeddingError, match="column 0 is 'component_5', not 'component_0'"):
        estimator.transform(images[NAMES[::-1]])
    with pytest.raises(EmbeddingError, match="column 2 is 'other', not 'component_2'"):
        estimator.transform(images.rename(columns={"component_2": "other"}))
    estimator.fit(*data_of(method))
    assert not hasattr(estimator, "feature_names_in_")
    estimator.transform(images[NAMES[::-1]])


def test_is_fitted_only_when_fit_has_ended(method):
    estimator = make(method)
    for unusable in (None, np.full_like(TEXT, np.nan)):
        if unusable is not None:
            with pytest.raises(EmbeddingError):
                estimator.fit(*data_of(method, unusable, np.full_like(IMAGES, np.nan)))
        with pytest.raises(AttributeError):  # NotFittedError is one, for hasattr
            check_is_fitted(estimator)
        with pytest.raises(ValueError, match="not fitted"):
            estimator.get_feature_names_out()
    check_is_fitted(estimator.fit(*data_of(method)))


def test_oracle_says_that_it_needs_labels():
    with pytest.raises(EmbeddingError, match="requires y to be passed, but the target y is None"):
        Oracle().fit(IMAGES)
