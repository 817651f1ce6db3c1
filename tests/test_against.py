"""What must not matter: the methods that are told, beside plain references, and who tells them."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.errors import CannotFitError
from lanzdml.methods import METHODS
from lanzdml.methods.base import EmbeddingError
from lanzdml.methods.needs import AGAINST
from lanzdml.metrics.scores import compute_metrics
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs
from lanzdml.transforms.fitting import fit_transforms
from lanzdml.transforms.storage import read_metadata
from tests.test_documents import MINIMAL
from tests.test_fitting import IMAGES, TEXT, task, write_prompts

RNG = np.random.default_rng(0)
R = 32
OTHER = RNG.normal(1, 1, (7, R)).astype(np.float32)
OWN = RNG.normal(1, 1, (9, R)).astype(np.float32)
VECTORS = RNG.normal(1, 1, (20, R)).astype(np.float32)
TOLD = [name for name in METHODS if AGAINST in METHODS[name].needs]


def unit(vectors):
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cosines(vectors):
    return unit(vectors) @ unit(vectors).T


def covariance(vectors):
    return np.cov(unit(vectors).T, bias=True)


def contrast(own, other, images):
    values, directions = np.linalg.eigh(0.5 * covariance(own) - 0.5 * covariance(other))
    kept = values > 1e-9
    return unit(images) @ directions[:, kept] * values[kept] ** (1 / 16)


def held(other, share=0.99):
    values, directions = np.linalg.eigh(covariance(other))
    values, directions = values[::-1], directions[:, ::-1]
    n = np.flatnonzero(np.cumsum(values) >= share * values.sum())[0] + 1
    return np.eye(R) - directions[:, :n] @ directions[:, :n].T


def null_space(own, other, images):
    free = held(other)
    values, directions = np.linalg.eigh(free @ covariance(own) @ free)
    return unit(images) @ directions[:, values > 1e-9]


def ignore(own, other, images):
    return unit(images) @ held(other)


REFERENCES = {"contrast_subspace": contrast, "null_space": null_space, "ignore": ignore}


@pytest.mark.parametrize("name", TOLD)
def test_a_told_method_is_that_of_a_plain_reference(name):
    made = METHODS[name]().fit(OWN, against=OTHER).transform(VECTORS)
    np.testing.assert_allclose(
        cosines(made), cosines(REFERENCES[name](OWN, OTHER, VECTORS)), atol=2e-5
    )


@pytest.mark.parametrize("power", [0, 0.5, 1, 2])
def test_soft_subspace_is_that_of_a_plain_reference(power):
    centred = unit(OWN) - unit(OWN).mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred)
    kept = values > 1e-9
    expected = unit(VECTORS) @ directions[:, kept] * values[kept] ** (power / 2)
    made = METHODS["soft_subspace"](power=power).fit(OWN).transform(VECTORS)
    np.testing.assert_allclose(cosines(made), cosines(expected), atol=2e-5)
    if power == 0:
        plain = METHODS["text_subspace"]().fit(OWN).transform(VECTORS)
        np.testing.assert_allclose(cosines(made), cosines(plain), atol=1e-5)


def test_crl_and_the_root_of_the_posterior():
    coordinates = METHODS["crl"]().fit(OWN).transform(VECTORS)
    np.testing.assert_allclose(coordinates, unit(unit(VECTORS) @ unit(OWN).T), atol=1e-5)
    posterior, root = (METHODS[name](20.0).fit(OWN).transform(VECTORS)
                       for name in ("prompt_posterior", "sqrt_posterior"))  # fmt: skip
    np.testing.assert_allclose(root**2, posterior, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(root, axis=1), 1, atol=1e-5)


def test_what_is_told_not_to_matter_does_not():
    """Images of two factors, and prompts that vary in both: what is told, rules no longer."""
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(R, 12)))[0].T
    mine, theirs, common = axes[:4], axes[4:8], axes[9]
    a, b = rng.integers(0, 4, (2, 200))
    images = mine[a] + 2 * theirs[b] + 0.3 * rng.normal(size=(200, R))
    i, j = np.divmod(np.arange(16), 4)
    own = mine[i] + theirs[j] + common
    other = theirs[j] + 0.02 * rng.normal(size=(16, R)) + common
    plain = METHODS["text_subspace"]().fit(own).transform(images)
    assert compute_metrics(plain, a)["map_at_r"] < 0.3
    assert compute_metrics(plain, b)["map_at_r"] > 0.7
    for name in ("contrast_subspace", "null_space"):
        told = METHODS[name]().fit(own, against=other).transform(images)
        assert compute_metrics(told, a)["map_at_r"] > 0.7, name
        assert compute_metrics(told, b)["map_at_r"] < 0.3, name
    left = METHODS["ignore"]().fit(own, against=other).transform(images)
    assert compute_metrics(left, b)["map_at_r"] < 0.3


@pytest.mark.parametrize("name", ["contrast_subspace", "null_space"])
def test_a_notion_is_not_contrasted_with_itself(name):
    with pytest.raises(CannotFitError, match="those of what must not matter"):
        METHODS[name]().fit(OWN, against=OWN)


@pytest.mark.parametrize("name", TOLD)
def test_of_another_model_is_refused(name):
    with pytest.raises(EmbeddingError, match="against has 31 features, but text_embeddings"):
        METHODS[name]().fit(OWN, against=OTHER[:, 1:])


@pytest.mark.parametrize(("name", "parameter", "value"), [
    ("contrast_subspace", "weight", 1.5), ("contrast_subspace", "power", -1),
    ("null_space", "share", 0), ("ignore", "share", 1.1), ("soft_subspace", "power", np.inf),
])  # fmt: skip
def test_parameters_that_mean_nothing_are_refused(name, parameter, value):
    with pytest.raises(EmbeddingError, match=parameter):
        METHODS[name](**{parameter: value}).fit(OWN)


class TestFits:
    def test_are_told_the_prompts_of_several_notions(self, tmp_path):
        prompts = write_prompts(tmp_path)
        others = {}
        for name, vectors in (("size", IMAGES[:4]), ("paint", IMAGES[4:9])):
            (tmp_path / name).mkdir()
            texts = [f"{name} {number}" for number in range(len(vectors))]
            others[name] = str(write_prompts(tmp_path / name, vectors, texts))
        one = task(tmp_path / "one.safetensors", "contrast_subspace", 4, prompts=prompts,
                   against=others)  # fmt: skip
        fit_transforms([one], kept=tmp_path / "kept")
        stored = read_metadata(one.output)
        assert stored["against"] == "size, paint"
        expected = METHODS["contrast_subspace"](4).fit(TEXT, against=IMAGES[:9])
        from lanzdml.transforms.storage import load_transform

        np.testing.assert_array_equal(load_transform(one.output).axes_, expected.axes_)

    @pytest.mark.parametrize("name", TOLD)
    def test_that_are_told_nothing_say_so(self, name, tmp_path):
        one = task(tmp_path / "one.safetensors", name, 4, prompts=write_prompts(tmp_path))
        fit_transforms([one], kept=tmp_path / "kept")
        stored = read_metadata(one.output)
        assert stored["status"] == "not_fitted"
        assert stored["reason"].startswith("nothing says what must not matter")


def config(**against):
    """Three notions of the demo cars, one that combines two, and one with the labels of another."""
    cars = MINIMAL["datasets"]["demo_cars"]
    notion = {"template": "a {aspect} car", "aspects": ["red", "blue"]}
    notions = {
        "car_color": notion, "car_model": notion | {"template": "a car, {aspect}"},
        "background_color": notion | {"template": "{aspect}"},
        "paint": notion | {"labels": "car_color", "template": "a car in {aspect}"},
        "both": {"combine": ["car_color", "background_color"], "by": "union"},
    }  # fmt: skip
    for name, given in against.items():
        notions[name] = notions[name] | {"against": given}
    methods = ["clip", "contrast_subspace"]
    datasets = {"demo_cars": cars | {"notions": notions}}
    return parse_config(MINIMAL | {"datasets": datasets, "methods": methods})


class TestPlan:
    def test_unless_told_it_is_the_other_notions(self):
        plan = Plan(config())
        assert plan.against("demo_cars", "car_model") == ["car_color", "background_color", "paint"]
        assert plan.against("demo_cars", "car_color") == ["car_model", "background_color"]
        assert plan.against("demo_cars", "both") == ["car_model"]

    def test_a_notion_names_others_or_none_or_has_prompts(self):
        own = {"prompts": ["a small car", "a large car"]}
        plan = Plan(config(car_model=["paint"], paint=[], car_color=own))
        assert plan.against("demo_cars", "car_model") == ["paint"]
        assert plan.against("demo_cars", "paint") == []
        assert plan.against("demo_cars", "car_color") == ["car_color/against"]
        (source,) = [source for source in plan.prompt_sources("demo_cars")
                     if source["name"] == "car_color/against"]  # fmt: skip
        assert source["aspects"] == own["prompts"]

    def test_only_who_is_told_waits_for_it(self):
        plan = Plan(config(car_model=["paint"]))
        tasks = {(each.method, each.output.split("/")[4]): each
                 for job in fit_jobs(plan, str) for each in job.tasks}  # fmt: skip
        told = tasks["contrast_subspace", "car_model"]
        assert list(told.against) == ["paint"]
        assert told.against["paint"].endswith("demo_cars/demo-M/prompts/paint.parquet")
        assert not tasks["clip", "car_model"].against

    @pytest.mark.parametrize(("given", "says"), [
        (["color"], "'color' is no notion of the dataset; did you mean 'car_color'"),
        (["car_model"], "car_model cannot be what must not matter for itself"),
        (["paint", "paint"], "'paint' is listed twice"),
        ("paint", "should be a list of notions, or template and aspects, or prompts"),
        ({"prompts": ["one"]}, "there is only one"),
        ({"template": "a {aspect}"}, "needs template and aspects, or else prompts; it has tem"),
        ({"template": "{aspect}", "aspects": "labels"}, "are written out here"),
    ])  # fmt: skip
    def test_what_is_wrong_is_one_line(self, given, says):
        with pytest.raises(ConfigError) as error:
            config(car_model=given)
        (line,) = error.value.lines
        assert line.startswith("datasets.demo_cars.notions.car_model.against")
        assert says in line


def test_rows_say_what_was_told():
    from lanzdml.metrics.runs import COLUMNS

    assert COLUMNS["against"] == "string"
    assert pd.Series(list(COLUMNS)).is_unique
