"""Other wordings of a notion: what a configuration may say of them, and the plan."""

import numpy as np
import pytest

from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.plan import Plan
from lanzdml.plan.given import Given
from lanzdml.plan.jobs import fit_jobs, score_jobs
from lanzdml.plan.measurements import measure_jobs
from tests.test_documents import MINIMAL

CARS = {"template": "a {aspect} car", "aspects": ["red", "blue", "green"]}
VARIANTS = {
    "photo": {"template": "a photo of a {aspect} car"},
    "coarse": {"aspects": ["light", "dark"]},
    "classes": {"aspects": "labels"},
    "sentences": {"prompts": ["this car is red", "this car is blue"]},
}
ENSEMBLE = ["a {aspect} car", "{aspect}", "the car is {aspect}"]


def config(notion, **others):
    cars = MINIMAL["datasets"]["demo_cars"]
    notions = {"car_color": notion, "car_model": CARS, **others}
    datasets = {"demo_cars": cars | {"notions": notions}}
    return MINIMAL | {"datasets": datasets, "methods": ["clip", "indirect", "contrast_subspace"]}


def plan_of(notion, **others):
    return Plan(parse_config(config(notion, **others)))


class TestConfiguration:
    @pytest.mark.parametrize(("variant", "says"), [
        ({}, "needs another template or other aspects, or else prompts; it has none of them"),
        ({"template": "a {aspect} car"}, "changes nothing: the notion itself has the same"),
        ({"aspects": ["green", "red", "blue"]}, "changes nothing: the notion itself has the same"),
        ({"prompts": ["a red car", "a blue car", "a green car"]}, "changes nothing: the notion"),
        ({"template": "{aspect}"}, "changes nothing: bare has the same prompts; delete it"),
        ({"template": "a car"}, "template: must hold {aspect} once and no other braces, not 'a ca"),
        ({"template": "{aspect} {x}"}, "template: must hold {aspect} once and no other braces, no"),
        ({"template": ""}, "template: must hold {aspect} once and no other braces, not ''"),
        ({"aspects": ["red"]}, "aspects: there is only one; a notion needs two or more"),
        ({"aspects": ["red", "red"]}, "aspects: the list: aspect 'red' is there twice"),
        ({"aspects": "no.txt"}, "aspects: there is no file no.txt"),
        ({"aspects": 3}, "aspects: should be a list of strings or the path of a file, not 3"),
        ({"aspects": ["red", "x" * 5000]}, "aspects: the list: aspect number 2 has more than"),
        ({"prompts": ["one"]}, "prompts: there is only one; a notion needs two or more"),
        ({"prompts": ["a", "b"], "template": "{aspect}"}, "or else prompts; it has template and p"),
        ({"temlate": "{aspect}"}, "temlate: unknown key; did you mean 'template'"),
        ({"prompts": ["a", "b"], "vectors": {"demo-M": "no"}}, "vectors.demo-M: there is no no"),
        ("{aspect}", "should be a section with the keys template, aspects, prompts, vectors"),
    ])  # fmt: skip
    def test_what_is_wrong_with_a_variant_is_one_line(self, variant, says):
        variants = {"bare": {"template": "{aspect}"}, "other": variant}
        with pytest.raises(ConfigError) as error:
            parse_config(config(CARS | {"variants": variants}))
        (line,) = error.value.lines
        assert line.startswith("datasets.demo_cars.notions.car_color.variants.other")
        assert says in line

    @pytest.mark.parametrize(("key", "value", "says"), [
        ("variants", {"own": {"template": "{aspect}"}}, ".own: own and ensemble are taken; choose"),
        ("variants", {"ensemble": {"template": "{aspect}"}}, ".ensemble: own and ensemble are tak"),
        ("variants", {"../x": {"template": "{aspect}"}}, ": a name may hold letters a to z"),
        ("variants", {"x" * 61: {"template": "{aspect}"}}, ": a name may hold letters a to z"),
        ("variants", [], ": should be a valid dictionary, not []"),
        ("ensemble", "{aspect}", ": should be a valid list"),
        ("ensemble", ["{aspect}"], ": should have at least 2 entries"),
        ("ensemble", ["{aspect}", "a car"], "[1]: must hold {aspect} once and no other braces, "),
        ("ensemble", ["{aspect}", "{aspect}"], ": '{aspect}' is listed twice"),
        ("ensemble", [f"{{aspect}} {i}" for i in range(501)], ": should have at most 500 entries"),
    ])  # fmt: skip
    def test_what_is_wrong_with_names_and_templates_is_one_line(self, key, value, says):
        with pytest.raises(ConfigError) as error:
            parse_config(config(CARS | {key: value}))
        (line,) = error.value.lines
        assert line.startswith(f"datasets.demo_cars.notions.car_color.{key}")
        assert says in line

    @pytest.mark.parametrize(("notion", "says"), [
        ({"prompts": ["a", "b"], "ensemble": ENSEMBLE}, "car_color.ensemble: its templates are"),
        ({"prompts": ["a", "b"], "variants": {"x": {"template": "{aspect}"}}},
         "car_color.variants.x: needs template and aspects, or else prompts, as those of the not"),
        ({"combine": ["car_model", "size"], "variants": VARIANTS},
         "car_color.variants: is that of the parts in a notion that combines others"),
        ({"combine": ["car_model", "size"], "ensemble": ENSEMBLE},
         "car_color.ensemble: is that of the parts in a notion that combines others"),
        ({"template": "{aspect}", "variants": VARIANTS},
         "car_color: needs template and aspects, or else prompts, or else combine; it has temp"),
    ])  # fmt: skip
    def test_what_a_notion_cannot_have_is_one_line(self, notion, says):
        with pytest.raises(ConfigError) as error:
            parse_config(config(notion, size=CARS | {"labels": "car_model"}))
        (line,) = error.value.lines
        assert says in line

    def test_labels_that_are_not_there_are_no_aspects(self):
        mood = CARS | {"scored": False, "variants": {"classes": {"aspects": "labels"}}}
        with pytest.raises(ConfigError, match=r"notions.mood: .* aspects: labels needs them$"):
            parse_config(config(CARS, mood=mood))

    def test_an_ensemble_makes_as_many_prompts_as_a_list_may_hold(self, monkeypatch):
        monkeypatch.setattr("lanzdml.config.wordings.MOST_PROMPTS", 8)
        with pytest.raises(ConfigError, match="ensemble: makes more than 8 prompts of 3 templates"):
            parse_config(config(CARS | {"ensemble": ENSEMBLE}))

    def test_a_model_of_given_vectors_needs_those_of_each_variant(self, tmp_path):
        for name, n in (("images", 1000), ("own", 3), ("photo", 3)):
            np.save(tmp_path / f"{name}.npy", np.random.default_rng(n).normal(size=(n, 4)))
        given = {name: {"m": str(tmp_path / f"{name}.npy")} for name in ("images", "own", "photo")}
        photo = VARIANTS["photo"]
        asked = config(CARS | {"vectors": given["own"], "ensemble": ENSEMBLE,
                               "variants": {"photo": photo}})  # fmt: skip
        asked["models"], asked["dims"] = {"m": {}}, [2]
        cars = asked["datasets"]["demo_cars"]
        cars["vectors"] = given["images"]
        del cars["notions"]["car_model"]
        with pytest.raises(ConfigError) as error:
            parse_config(asked)
        of_ensemble, of_variant = error.value.lines
        assert "car_color.ensemble: is averaged of what a model embeds, and m has no" in of_ensemble
        assert "car_color.variants.photo.vectors: are needed of model m, which has" in of_variant
        del cars["notions"]["car_color"]["ensemble"]
        cars["notions"]["car_color"]["variants"]["photo"] = photo | {"vectors": given["photo"]}
        of_photo = "car_color/wordings/photo"
        sources = Given(parse_config(asked)).vectors_of_prompts("demo_cars", "m", [of_photo])
        assert {name: each["file"] for name, each in sources.items()} == {
            of_photo: given["photo"]["m"]
        }

    def test_lists_in_a_dataset_are_no_links_to_elsewhere(self, tmp_path, monkeypatch):
        """Also those of variants and of what must not matter."""
        (tmp_path / "data").mkdir()
        (tmp_path / "secret.txt").write_text("a\nb\n")
        (tmp_path / "data/list.txt").symlink_to(tmp_path / "secret.txt")
        (tmp_path / "data/labels.csv").write_text("image,color\na.png,red\nb.png,blue\n")
        listed = {"aspects": "data/list.txt", "template": "{aspect}"}
        color = CARS | {"variants": {"x": listed}, "against": listed}
        mine = {"labels": "data/labels.csv", "notions": {"color": color}}
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError) as error:
            parse_config(MINIMAL | {"datasets": {"mine": mine}})
        found = [line for line in error.value.lines if "list.txt" in line]
        assert [line.partition(": ")[0] for line in found] == [
            "datasets.mine.notions.color.against.aspects",
            "datasets.mine.notions.color.variants.x.aspects",
        ]


class TestPlan:
    def test_wordings_have_names_and_prompts_of_their_own(self):
        plan = plan_of(CARS | {"variants": VARIANTS, "ensemble": ENSEMBLE})
        assert plan.wordings("demo_cars", "car_color") == ["own", *VARIANTS, "ensemble"]
        assert plan.wordings("demo_cars", "car_model") == ["own"]
        worded = plan.wording_sources("demo_cars")
        names = [f"car_color/wordings/{name}" for name in (*VARIANTS, "ensemble")]
        assert [source["name"] for source in worded] == names
        assert {source["wording_of"] for source in worded} == {"car_color"}
        assert [name for _, _, name in plan.prompts] == ["car_color", "car_model"]
        given = config(CARS | {"variants": VARIANTS, "ensemble": ENSEMBLE})
        measured = Plan(parse_config(given | {"experiments": {"wording": {}}}))
        asked = [name for _, _, name in measured.prompts]
        assert asked == ["car_color", "car_model", *names], "all, so that no change is missed"
        own, photo, coarse, classes, sentences, ensemble = (
            {key: source[key] for key in ("template", "ensemble", "aspects", "labels")}
            for source in (plan.prompt_sources("demo_cars")[0], *worded)
        )
        assert own == {"template": "a {aspect} car", "ensemble": None, "labels": None,
                       "aspects": ["red", "blue", "green"]}  # fmt: skip
        assert photo == own | {"template": "a photo of a {aspect} car"}
        assert coarse == own | {"aspects": ["light", "dark"]}
        assert classes == own | {"aspects": None, "labels": "car_color"}
        assert sentences == own | {"template": "{aspect}",
                                   "aspects": VARIANTS["sentences"]["prompts"]}  # fmt: skip
        assert ensemble == own | {"template": None, "ensemble": ENSEMBLE}

    def test_nothing_is_fitted_or_scored_anew_for_another_wording(self):
        before, after = plan_of(CARS), plan_of(CARS | {"variants": VARIANTS, "ensemble": ENSEMBLE})
        for jobs in (fit_jobs, score_jobs):
            assert [*jobs(before, str)] == [*jobs(after, str)]
        assert before.prompt_sources("demo_cars") == after.prompt_sources("demo_cars")

    def test_another_angle_measures_no_other_wording_anew(self):
        def tasks(angle):
            experiments = {"main": {}, "wording": {"angles": [angle]}}
            plan = Plan(parse_config(asked | {"experiments": experiments}))
            return {
                task.output: task for job in measure_jobs(plan, str.__add__) for task in job.tasks
            }

        asked = config(CARS | {"variants": VARIANTS})
        before, after = tasks(5), tasks(7)
        changed = {before[path].wording for path in before if before[path] != after[path]}
        assert changed == {"own"}
