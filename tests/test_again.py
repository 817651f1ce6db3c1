"""What a run makes when something has changed: its own fits and scores, and no others."""

import subprocess

import pytest
import yaml

from lanzdml.methods import QUICK
from tests.test_workflow import (
    ROOT,
    SMALL,
    all_runs,
    methods_of,
    plan,
    snakemake,
    working_folder,
)

pytestmark = pytest.mark.slow  # tests/test_plan.py says in seconds what is planned

CONFIG = SMALL | {
    "methods": ["random", "clip", "indirect", "oracle"],
    "experiments": {"main": {"models": ["demo-S"]}},
    "figures": {},
}


ROWS = "results/metrics.parquet"
PROMPTS = "results/embeddings/demo_cars/demo-S/prompts"


def ran_again(folder, config, code=ROOT):
    """The jobs that a changed configuration or code asks for, and files made by fits and scores.

    Results that are what they were are the same file: a second link to what is kept.
    """
    before = {path: path.stat().st_ino for path in (folder / "results").rglob("*.*")}
    working_folder(folder, config)
    jobs = plan(folder, code)
    snakemake(folder, "--cores", "2", ROWS, code=code)
    assert plan(folder, code, ROWS) == {}
    made = {
        str(path.relative_to(folder / "results"))
        for stage in ("transforms", "metrics")
        for path in (folder / "results" / stage).rglob("*.*")
        if before.get(path) != path.stat().st_ino
    }
    return jobs, made


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = working_folder(tmp_path_factory.mktemp("run"), CONFIG)
    snakemake(folder, "--cores", "2")
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the finished run that a test may change; links between its files are kept."""
    subprocess.run(["cp", "-a", finished, tmp_path / "run"], check=True)
    return tmp_path / "run"


def changed(**notions):
    """The configuration with other settings of its notions."""
    config = yaml.safe_load(yaml.safe_dump(CONFIG))
    for name, settings in notions.items():
        of_notion = config["datasets"]["demo_cars"]["notions"].setdefault(name, {})
        of_notion |= settings
    return config


def test_other_prompts_are_fitted_and_scored_and_nothing_else(folder):
    config = changed(car_model={"aspects": ["sedan", "van", "suv"]})
    jobs, made = ran_again(folder, config)
    assert jobs["embed_prompts_demo_cars"] == 1
    assert "embed_images" not in jobs
    assert made
    assert all("/car_model/" in path and "/oracle/" not in path for path in made), "of images"


def test_another_wording_makes_its_own_prompts_and_nothing_else(folder):
    bare = {"bare": {"template": "{aspect}"}}
    for new, ensemble in (("bare", None), ("ensemble", ["{aspect}", "a {aspect}"])):
        target = f"{PROMPTS}/car_color/wordings/{new}.parquet"
        working_folder(folder, changed(car_color={"variants": bare, "ensemble": ensemble}))
        told = {"all", "make_report", "record_run"}
        assert not plan(folder).keys() - told, "which show the configuration"
        assert plan(folder, target=target) == {"embed_wordings_demo_cars": 1}
        snakemake(folder, "--cores", "2", target)
    # What else has changed at once is seen.
    config = changed(car_model={"variants": bare}, car_color={"variants": bare})
    config["datasets"]["demo_cars"]["notions"]["car_color"]["aspects"] = ["red", "green", "blue"]
    working_folder(folder, config)
    assert plan(folder)["embed_prompts_demo_cars"] == 1


def test_another_method_and_seed_make_their_own_runs_and_no_others(folder):
    methods = [*CONFIG["methods"], "clay"]
    jobs, made = ran_again(folder, CONFIG | {"methods": methods})
    assert methods_of(jobs, "fit") == methods_of(jobs, "score") == {QUICK}
    assert jobs["make_beyond"] == jobs["compute_significance"] == 1
    assert not jobs.keys() & {"embed_images", "embed_prompts_demo_cars"}
    assert len(made) == 2 * 2
    assert all("/clay/" in path for path in made)
    before = all_runs(folder)
    jobs, made = ran_again(folder, CONFIG | {"methods": methods, "seeds": [0, 1, 2]})
    seedless = {path for path in made if path.endswith("every-seed.parquet")}
    assert {path.split("/")[5] for path in seedless} == {"clip", "clay"}, "clustered once more"
    assert all("seed-2." in path for path in made - seedless)
    after = all_runs(folder)
    both = before.merge(after, how="left", indicator=True)
    assert (both["_merge"] == "both").all(), "to the bit, seconds included"


def test_a_combination_adds_its_own_runs_and_no_others(folder):
    parts = {"combine": ["car_model", "car_color"]}
    config = changed(pair=parts | {"weights": [2, 1]}, union=parts | {"by": "union"})
    jobs, made = ran_again(folder, config)
    assert jobs["make_beyond"] == 1
    assert not jobs.keys() & {"prepare_dataset", "embed_images"}
    assert {path.split("/")[-4] for path in made} == {"pair", "union"}
    runs = all_runs(folder).set_index(["notion", "method"]).sort_index()
    for notion in ("pair", "union"):
        of_notion = runs.loc[(notion, "indirect")]
        assert of_notion["status"].tolist() == ["ok", "ok"]
        assert set(of_notion["n_prompts"]) == {6 + 17}
        assert set(of_notion["n_images"]) == {1000}
        assert of_notion["n_classes"].min() > runs.loc[("car_color", "indirect"), "n_classes"].max()
    both = sum(runs.loc[(part, "indirect"), "iterations"].to_numpy() for part in parts["combine"])
    assert runs.loc[("pair", "indirect"), "iterations"].tolist() == both.tolist(), "fitted once"
    map_at_r = runs["map_at_r"]
    assert map_at_r["pair", "indirect"].min() > 2 * map_at_r["pair", "random"].max()

    config["datasets"]["demo_cars"]["notions"]["pair"]["weights"] = [1, 1]
    _, made = ran_again(folder, config)
    assert {path.split("/")[-4] for path in made} == {"pair"}


def test_other_labels_score_anew_and_fit_what_learns_from_them(folder):
    jobs, made = ran_again(folder, changed(car_color={"labels": "car_model"}))
    assert not jobs.keys() & {"embed_prompts_demo_cars", "embed_images", "prepare_dataset"}
    fitted = {path for path in made if path.startswith("transforms/")}
    assert {path.split("/")[4] for path in fitted} == {"oracle"}
    scored = {tuple(path.split("/")[4:6]) for path in made - fitted}
    assert scored == {("car_color", method) for method in CONFIG["methods"]}
