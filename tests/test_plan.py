"""The plan: which runs, fits, files and jobs a configuration asks for; no workflow is started."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lanzdml.config.config import parse_config
from lanzdml.datasets import DATASETS
from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS, QUICK
from lanzdml.plan import Fit, Plan, Run
from lanzdml.plan.jobs import fit_jobs, score_jobs
from lanzdml.plan.measurements import measure_jobs, measurements
from lanzdml.plan.shards import memory_mb
from lanzdml.sources import definitions_behind

ROOT = Path(__file__).parents[1]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())
PAPER = yaml.safe_load((ROOT / "configs/paper.yaml").read_text())
NOTIONS = ("car_model", "car_color", "background_color", "pair", "union", "mood")
MADE_OF_TWO = ["car_model", "car_color"]


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    """Paths of the configurations are relative to it."""
    monkeypatch.chdir(ROOT)


def test_scores_of_a_gallery_know_its_queries():
    """And those of the other protocol have none."""
    config = copy(DEFAULT, protocol=["paper", "query_gallery"], figures={}, experiments={})
    config["datasets"]["demo_cars"]["queries"] = {"share": 0.25, "seed": 3}
    _, scores = jobs_of(plan_of(config))
    asked = {
        (task.run["protocol"], task.queries and (task.queries.share, task.queries.seed))
        for job in scores for task in job.tasks
    }  # fmt: skip
    assert asked == {("paper", None), ("query_gallery", (0.25, 3))}


def copy(config, **changes):
    return yaml.safe_load(yaml.safe_dump(config | changes))


def plan_of(config):
    return Plan(parse_config(config))


def jobs_of(plan):
    return fit_jobs(plan, str), score_jobs(plan, str)


def files_of(plan):
    """All files of fits and scores."""
    fits, scores = jobs_of(plan)
    made = [task.output for job in fits for task in job.tasks]
    return made + [path for job in scores for task in job.tasks for path in task.outputs]


def some(names, least=1):
    return st.lists(st.sampled_from(names), min_size=least, unique=True)


@st.composite
def configurations(draw):
    """Configurations of the demo: any notions, models, methods, dims, seeds and experiments."""
    config = copy(DEFAULT, figures={})
    dataset = config["datasets"]["demo_cars"]
    named = dataset["notions"]
    del named["car_model_and_color"], named["any_color"]
    for notion in named.values():
        del notion["against"]  # which may name what is not chosen
    named["pair"] = {"combine": MADE_OF_TWO, "weights": [2, 1]}
    named["union"] = {"combine": MADE_OF_TWO, "by": "union"}
    named["mood"] = {"prompts": ["a happy car", "a sad car"], "scored": False}
    chosen = {*draw(some(NOTIONS[:3])), *draw(some(NOTIONS, 0))}
    if chosen & {"pair", "union"}:
        chosen |= {*MADE_OF_TWO}
    dataset["notions"] = {name: named[name] for name in NOTIONS if name in chosen}
    models = draw(some(list(config["models"])))
    config["models"] = {name: config["models"][name] for name in models}
    config["methods"] = draw(some(list(METHODS)))
    config["dims"] = draw(some([2, 8, 128, "auto"]))
    config["seeds"] = draw(some([0, 1, 7]))
    config["protocol"] = draw(some(["paper", "released"]))
    experiments = {"main": {"models": draw(some(models))}}
    shared = {
        "dataset": "demo_cars",
        "notions": draw(some([name for name in NOTIONS[:3] if name in chosen])),
        "seeds": draw(st.integers(1, len(config["seeds"]))),
    }
    from_prompts = [name for name in config["methods"] if not METHODS[name].supervised]
    if draw(st.booleans()):
        experiments["dimensions"] = shared | {"dims": draw(some([2, 4, 128, "auto"]))}
    if draw(st.booleans()):
        experiments["clip_size"] = shared | {"models": draw(some(models))}
    if draw(st.booleans()) and from_prompts:
        counts = draw(some([3, 5, 10]))
        experiments["prompt_count"] = shared | {
            "methods": draw(some(from_prompts)),
            "counts": counts,
        }
    if draw(st.booleans()):
        experiments["unseen"] = {"methods": draw(some(config["methods"])), "seeds": 1}
    if draw(st.booleans()) and len(chosen & {*NOTIONS[:3]}) > 1:
        experiments["specificity"] = {}
    if draw(st.booleans()):
        experiments["wording"] = {"methods": draw(some(config["methods"])), "seeds": 1}
    if draw(st.booleans()):
        experiments["label_worth"] = {"maps": draw(some(["lda", "oracle", "class_means"]))}
    sized = [name for name in from_prompts if METHODS[name].has_dim]
    if draw(st.booleans()) and sized:
        experiments["dim_choice"] = {"methods": draw(some(sized)), "seeds": 1}
    config["experiments"] = experiments
    return config


@given(configurations())
@settings(max_examples=60, deadline=None)
def test_every_run_and_fit_is_made_once(config):
    plan = plan_of(config)
    fits, scores = jobs_of(plan)
    outputs = files_of(plan)
    assert len(outputs) == len(set(outputs)), "no two share a path"
    assert {task.output for job in fits for task in job.tasks} == {
        plan.paths.transform(fit) for fit in plan.fits
    }
    assert [len(job.tasks) > 0 for job in (*fits, *scores)].count(False) == 0
    asked = {run for runs in plan.experiments.values() for run in runs}
    assert {task.output for job in scores for task in job.tasks} == {
        plan.paths.metrics(run) for run in asked
    }
    names = [job.name for job in fits], [job.name for job in scores]
    for of_stage in names:
        assert len(of_stage) == len(set(of_stage))


@given(configurations())
@settings(max_examples=40, deadline=None)
def test_jobs_have_what_they_need(config):
    """From embeddings of the plan, or from another job; what is stacked comes after its parts."""
    plan = plan_of(config)
    fits, scores = jobs_of(plan)
    given_to_all = {plan.paths.manifest("demo_cars")}
    for dataset, model in plan.embedded:
        given_to_all.add(plan.paths.images(dataset, model))
        given_to_all |= {plan.paths.prompts(dataset, model, name) for name in NOTIONS}
    made = {task.output for job in fits for task in job.tasks}
    for job in (*fits, *scores):
        assert set(job.inputs) <= given_to_all | made
    for job in fits:
        before = set(job.inputs)
        assert not before & {task.output for task in job.tasks}
        for task in job.tasks:
            assert {path for _, path, _ in task.parts} <= before
            before.add(task.output)
    for job in scores:
        for task in job.tasks:
            assert {task.transform, task.images, task.manifest} <= set(job.inputs)


@given(configurations())
@settings(max_examples=60, deadline=None)
def test_every_measurement_is_made_once_and_of_what_there_is(config):
    """Of fits that the tables have, of one r' and protocol, in a job each kind."""
    plan = plan_of(config)
    jobs = [*measure_jobs(plan, lambda *names: " ".join(names))]
    tasks = [task for job in jobs for task in job.tasks]
    assert sorted(task.output for task in tasks) == sorted(
        path for name in plan.measured for path in measurements(plan, name)
    )
    scored = {path for run in plan.main_runs for path in plan.siblings(run)}
    for task in tasks:
        section = plan.measured[task.experiment]
        method, notion = task.run["method"], task.run["notion"]
        assert {*task.transforms} <= scored
        assert len(task.seeds) <= section.seeds
        to_labels = method in section.fitted_to_labels
        if to_labels or task.wording not in (None, "own"):
            assert not task.transforms
        else:
            assert len(task.transforms) == len(task.seeds)
        assert to_labels or method in section.methods
        assert (task.wording in plan.wordings("demo_cars", notion)) == section.by_wording
        assert task.prompts or not section.fits_anew
        assert task.run["protocol"] == config["protocol"][0]
        assert task.dim in (None, config["dims"][0])
        assert next(iter(task.labels)) == task.run["notion"]
        assert len(task.labels) > 1 or task.experiment != "specificity"
        assert "union" not in [*task.labels][1:]
    assert len({job.name for job in jobs}) == len(jobs)
    for job in jobs:
        assert {path for task in job.tasks for path in task.files} == set(job.inputs)


def measured_of(**experiments):
    plan = plan_of(copy(DEFAULT, figures={}, experiments=experiments))
    return [task for job in measure_jobs(plan, str.__add__) for task in job.tasks]


def test_what_is_measured_depends_on_what_it_reads_only():
    """Specificity on no prompts, fits without some classes on no other notion's labels."""
    assert all(task.prompts is None and not task.against for task in measured_of(specificity={}))
    assert all(task.prompts and len(task.labels) == 1 for task in measured_of(unseen={}))


def test_notions_with_the_same_labels_count_once():
    experiments = {"main": {"models": ["demo-S"]}, "specificity": {}}
    config = copy(DEFAULT, figures={}, experiments=experiments, methods=["clip"])
    notions = config["datasets"]["demo_cars"]["notions"]
    notions["car_color_two"] = notions["car_color"] | {"labels": "car_color"}
    (job,) = measure_jobs(plan_of(config), str.__add__)
    scored_on = {task.run["notion"]: {*task.labels} - {task.run["notion"]} for task in job.tasks}
    assert scored_on["car_model"] == {"car_color", "background_color"}
    assert scored_on["car_color_two"] == {"car_model", "background_color"}


def test_an_experiment_with_nothing_to_measure_says_so():
    config = copy(DEFAULT, figures={}, experiments={"unseen": {}})
    for notion in config["datasets"]["demo_cars"]["notions"].values():
        notion["scored"] = "combine" in notion
    with pytest.raises(LanzdmlError, match=r"experiments\.unseen: there is nothing to measure"):
        list(measure_jobs(plan_of(config), str.__add__))


def test_what_is_measured_is_no_other_when_a_figure_changes():
    behind = {path.parts[-2:] for path, _ in definitions_behind(
        ROOT / "workflow_scripts/measure_runs.py", "lanzdml.experiments.unseen.measure",
        "lanzdml.experiments.specificity.measure",
    )}  # fmt: skip
    assert ("unseen", "measure.py") in behind
    assert not {("unseen", "table.py"), ("figures", "style.py"), ("config", "choice.py")} & behind


@given(configurations(), st.data())
@settings(max_examples=40, deadline=None)
def test_another_method_adds_its_files_and_no_others(config, data):
    left = [name for name in METHODS if name not in config["methods"]]
    if not left:
        return
    method = data.draw(st.sampled_from(left))
    before = set(files_of(plan_of(config)))
    after = set(files_of(plan_of(copy(config, methods=[*config["methods"], method]))))
    assert before < after
    assert all(f"/{method}/" in path for path in after - before)


@given(configurations())
@settings(max_examples=40, deadline=None)
def test_another_seed_adds_its_files_and_no_others(config):
    for ablation in list(config["experiments"].values())[1:]:
        ablation.pop("seeds", None)
    before = plan_of(config)
    after = plan_of(copy(config, seeds=[*config["seeds"], 99]))
    added = set(files_of(after)) - set(files_of(before))
    assert set(files_of(before)) < set(files_of(after)) or not added
    assert all(Path(path).stem == "seed-99" for path in added)


@given(configurations())
@settings(max_examples=40, deadline=None)
def test_a_method_without_chance_has_one_fit_for_all_seeds(config):
    plan = plan_of(config)
    for fit in plan.fits:
        drawn = fit.n_prompts is not None or not METHODS[fit.method].deterministic
        assert (fit.seed is not None) == drawn
    for run in plan.main_runs:
        seeds = plan.seeds_of(run)
        assert seeds == (config["seeds"] if run.fit.seed is None else [run.fit.seed])


@given(configurations())
@settings(max_examples=40, deadline=None)
def test_what_the_tables_show_comes_first_and_keeps_evidence(config):
    plan = plan_of(config)
    of_tables = {plan.paths.metrics(run) for run in plan.main_runs}
    for job in score_jobs(plan, str):
        for task in job.tasks:
            assert (task.output in of_tables) == job.is_main == (task.evidence is not None)
    needed = {plan.paths.transform(plan.fit_of(run)) for run in plan.main_runs}
    first = {task.output for job in fit_jobs(plan, str) if job.is_main for task in job.tasks}
    assert needed <= first


def test_paths_are_those_of_the_names():
    fit = Fit("cars", "m", "color", "ae", 16, None, 3)
    assert str(fit.path) == "cars/m/color/ae/dim-16/seed-3"
    some_prompts = Fit("cars", "m", "color", "clay", None, 5, 3)
    assert str(some_prompts.path) == "cars/m/color/clay/dim-full/prompts-5/seed-3"
    assert str(Run("paper", Fit("cars", "m", "color", "clip", None)).path) == (
        "paper/cars/m/color/clip/dim-full/every-seed"
    )


def test_the_default_runs():
    plan = plan_of(DEFAULT)
    methods = plan.config.methods
    to_labels = {"lda", "class_means", "few_shot_posterior"}
    assert {*methods} == {*METHODS} - to_labels, "which experiments fit to some labels"
    seeded = sum(not METHODS[name].deterministic for name in methods)
    assert len(plan.main_runs) == 5 * (5 * seeded + len(methods) - seeded)
    assert list(plan.grids) == [
        "main", "dimensions", "clip_size", "prompt_count", "protocols", "specificity", "unseen",
        "wording", "label_worth", "dim_choice",
    ]  # fmt: skip
    assert plan.seeds_shown("dimensions") == [0, 1]
    assert plan.figures == [
        "dimensions", "clip_size", "prompt_count", "protocols", "specificity", "unseen", "wording",
        "label_worth", "dim_choice", "critical_difference", "trimap", "saliency", "gallery",
    ]  # fmt: skip
    assert {fit.dim for fit in plan.shown_in("saliency").values()} == {2}
    assert {fit.dim for fit in plan.shown_in("gallery").values()} == {128}


def test_the_papers_runs():
    plan = plan_of(PAPER)
    assert len(plan.paper_runs) == len(plan.main_runs) == 13 * (7 * 5 + 1), "CLIP has no seed"
    assert len({run.fit.dataset for run in plan.main_runs}) == 5
    # A large dataset's scores are a job a notion.
    of_birds = [job for job in score_jobs(plan, str) if "cub200" in job.key and job.is_main]
    of_cars = [job for job in score_jobs(plan, str) if "synthetic_cars" in job.key and job.is_main]
    assert len(of_birds) == len(of_cars) == 5, "four that are costly to fit, and all others"
    of_fashion = [job for job in score_jobs(plan, str) if "deepfashion" in job.key and job.is_main]
    assert len(of_fashion) == 4 * 5


def test_quick_methods_share_jobs_and_costly_ones_do_not():
    plan = plan_of(DEFAULT)
    for job in (*fit_jobs(plan, str), *score_jobs(plan, str)):
        costly = {
            task.method if hasattr(task, "method") else task.run["method"] for task in job.tasks
        }
        if job.cost:
            assert costly == {job.key[-1]}
            assert METHODS[job.key[-1]].cost
        else:
            assert job.key[-1] == QUICK
            assert not any(METHODS[name].cost for name in costly)


def test_a_protocol_may_take_prompts_and_labels_of_other_notions():
    methods = ["ae", "oracle", "clip"]
    config = copy(PAPER, protocol="released", methods=methods, experiments={}, figures={})
    plan = plan_of(config)
    of = {
        (run.fit.notion, run.fit.method): plan.fit_of(run).notion
        for run in plan.main_runs
        if run.fit.dataset in ("deepfashion", "cub200")
    }
    assert of["texture", "ae"] == "clothing_category"
    assert of["texture", "oracle"] == "texture"
    assert of["bird_species", "oracle"] == "bird_species_case_matched"
    assert of["bird_species", "ae"] == "bird_species"
    columns = {
        task.run["notion"]: task.labels
        for job in score_jobs(plan, str)
        for task in job.tasks
        if task.run["dataset"] == "cub200"
    }
    assert columns == {"bird_species": "bird_species_case_matched"}


def test_labels_of_a_notion():
    config = copy(DEFAULT)
    notions = config["datasets"]["demo_cars"]["notions"]
    for notion in notions.values():
        notion.pop("against", None)  # which names what is not kept
    notions["paint"] = notions["car_color"] | {"labels": "car_color"}
    notions["both"] = {"combine": ["paint", "car_model"]}
    plan = plan_of(config)
    assert plan.label_columns("demo_cars", "paint") == "car_color"
    assert plan.label_columns("demo_cars", "both") == ["car_color", "car_model"]
    assert ("demo_cars", "paint") not in plan.counted, "the first of equal labels stands for all"
    assert ("demo_cars", "both") not in plan.counted


def test_prompts_are_made_of_what_their_files_hold(tmp_path):
    aspects = tmp_path / "aspects.txt"
    aspects.write_text("red\nblue\n")
    config = copy(DEFAULT)
    notions = config["datasets"]["demo_cars"]["notions"]
    notions["car_color"]["aspects"] = str(aspects)
    notions["background_color"] = {"prompts": ["a dark scene", "a light scene"]}
    notions["car_model"]["aspects"] = "labels"
    sources = {source["name"]: source for source in plan_of(config).prompt_sources("demo_cars")}
    assert list(sources)[-1] == "car_model_and_color", "after its parts"
    assert sources["car_color"]["aspects"] == ["red", "blue"]
    assert sources["background_color"]["template"] == "{aspect}"
    assert sources["background_color"]["aspects"] == ["a dark scene", "a light scene"]
    assert sources["car_model"]["labels"] == "car_model"
    assert sources["car_model"]["aspects"] is None
    assert sources["car_model_and_color"]["parts"] == ["car_model", "car_color"]
    aspects.write_text("red\ngreen\n")
    again = {source["name"]: source for source in plan_of(config).prompt_sources("demo_cars")}
    assert again["car_color"]["aspects"] == ["red", "green"]


def test_unscored_notions_have_transforms_and_no_runs():
    config = copy(DEFAULT, experiments={}, figures={}, methods=["clip", "indirect", "oracle"])
    config["datasets"]["demo_cars"]["notions"] = {
        "mood": {"prompts": ["a happy car", "a sad car"], "scored": False}
    }
    plan = plan_of(config)
    assert plan.main_runs == []
    assert {fit.method for fit in plan.fits} == {"clip", "indirect"}
    assert plan.figures == []


@pytest.mark.parametrize(("names", "ranks"), [(["paint"], False), (["paint", "car_model"], True)])
def test_ranks_are_over_notions_with_labels_of_their_own(names, ranks):
    """One of the same labels and one that combines both are no more notions."""
    config = copy(DEFAULT, experiments={}, figures={})
    notions = config["datasets"]["demo_cars"]["notions"]
    for notion in notions.values():
        notion.pop("against", None)  # which names what is not kept
    notions["paint"] = notions["car_color"] | {"labels": "car_color"}
    kept = {name: notions[name] for name in ("car_color", *names)}
    kept["pair"] = {"combine": ["car_color", "paint"]}
    config["datasets"]["demo_cars"]["notions"] = kept
    assert plan_of(config).has_ranks == ranks


@pytest.mark.parametrize(
    ("n_images", "expected"),
    [(100_000, 1), (100_001, 2), (200_000, 4), (1_000_000, 100), (10_000_000, 4096)],
)
def test_a_shard_is_ranked_in_the_time_of_100000_images(n_images, expected, monkeypatch):
    monkeypatch.setitem(DATASETS, "demo_cars", replace(DATASETS["demo_cars"], n_images=n_images))
    plan = plan_of(copy(DEFAULT, figures={}, experiments={}, methods=["clip", "indirect"]))
    tasks = [task for job in jobs_of(plan)[1] for task in job.tasks]
    assert {len(task.shards) for task in tasks} == {0 if expected == 1 else expected}
    assert {task.clusters is None for task in tasks} == {expected == 1}
    asked = copy(DEFAULT, figures={}, experiments={}, methods=["clip", "indirect"])
    asked["datasets"]["demo_cars"]["rank_shards"] = 7
    tasks = [task for job in jobs_of(plan_of(asked))[1] for task in job.tasks]
    parts = [path for task in tasks for path in (*task.shards, task.clusters)]
    assert len(parts) == len(set(parts)) == 8 * len(tasks), "no two runs share one"
    assert memory_mb(plan, tasks[0]) > 2_000


def test_more_shards_than_can_be_planned_are_refused():
    config = copy(DEFAULT, figures={}, experiments={}, seeds=[*range(40)])
    config["datasets"]["demo_cars"]["rank_shards"] = 4096
    with pytest.raises(LanzdmlError, match=r"for .* shards of queries, and 1,000,000 are"):
        jobs_of(plan_of(config))
