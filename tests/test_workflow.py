"""The workflow as a user runs it: planned, run end to end on a small configuration, and rerun."""

import ast
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from html import unescape
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
import yaml
from PIL import Image

from lanzdml.config.explorer import A_HANDFUL
from lanzdml.datasets import DATASETS
from lanzdml.datasets.class_counts import COUNTS_FILE
from lanzdml.embeddings.models import WEIGHTS_FILE
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measured import Measured
from lanzdml.experiments.measuring import module_of
from lanzdml.explorer import ASSETS as EXPLORER_ASSETS
from lanzdml.figures.catalogue import all_words
from lanzdml.methods import METHODS, QUICK
from lanzdml.metrics.scores import METRICS
from lanzdml.report import ASSETS
from lanzdml.sources import definitions_behind, lines_of, source_fingerprint
from lanzdml.tables.overview import PAPER_COUNTS
from tests.file_server import FileServer
from tests.raw_datasets import build_cub200
from tests.tiny_clip import CONFIG, publish
from tests.workflow_runs import run_workflow

ROOT = Path(__file__).parents[1]
SMALL = yaml.safe_load((ROOT / "tests" / "configs" / "small.yaml").read_text())


def snakemake(folder, *arguments, check=True, code=ROOT, forked_jobs=True):
    """Run the workflow of a copy of this repository in a folder; returns what it printed.

    Its jobs start at once, but are no processes of their own from the beginning, which the run of
    ``finished`` has: see tests/workflow_runs.py.
    """
    where = ("--snakefile", code / "Snakefile", "--directory", folder)
    returned, output = run_workflow(code, [*where, *arguments], forked_jobs=forked_jobs)
    if check:
        assert returned == 0, output
    return output if check else (returned, output)


def working_folder(folder, config):
    """A folder with a config; the resources are those of the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "resources").exists():
        (folder / "resources").symlink_to(ROOT / "resources")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def planned_jobs(output):
    """Jobs by rule from a dry run's table; there is none where nothing is left to do."""
    if "Nothing to be done" in output:
        return {}
    table = output.rpartition("Job stats:")[2].split("\n\n")[0].splitlines()[3:]
    jobs = {line.split()[0]: int(line.split()[1]) for line in table if line.strip()}
    jobs.pop("total", None)
    return jobs


def stages_of(jobs):
    """Fits and scores by stage, all other jobs by rule."""
    stages = Counter()
    for name, count in jobs.items():
        stage = name.partition("_")[0]
        stages[stage if stage in ("fit", "score") else name] += count
    return stages


def methods_of(jobs, stage):
    """The methods, or "quick" for all that are quick to fit, whose jobs of a stage are planned."""
    known = sorted([*METHODS, QUICK], key=len, reverse=True)
    names = [name for name in jobs if name.startswith(f"{stage}_")]
    return {next(method for method in known if name.endswith(f"_{method}")) for name in names}


def plan(folder, code=ROOT, target="all"):
    arguments = ("--dry-run", "--quiet", "rules", "--cores", "1", target)
    return planned_jobs(snakemake(folder, *arguments, code=code))


# As sitecustomize.py, which Python runs first: each job tells which functions of the library it
# called, but for those that importing a module calls: nobody listens then, as this would take long.
LISTEN = """
import atexit, importlib._bootstrap, json, os, sys, threading

called, codes = set(), set()

def listen(frame, event, argument):
    code = frame.f_code
    if code in codes or "/lanzdml/" not in code.co_filename:
        return
    # No module or class, nothing that a library made and has no line of its own, and no template.
    if not code.co_flags & 2 or not code.co_filename.endswith(".py"):
        return
    codes.add(code)
    called.add((code.co_filename, code.co_firstlineno, code.co_name))

def tell():
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if job is not None:
        told = {
            "rule": job.rule, "script": sys.argv[0], "called": sorted(called),
            "version": job.params.get("version"), "tasks": job.params.get("tasks"),
        }
        with open(os.path.join(os.path.dirname(__file__), f"{os.getpid()}.json"), "w") as file:
            json.dump(told, file)

find = importlib._bootstrap._find_and_load

def find_unheard(*given):
    before = sys.gettrace()  # none in what an import imports
    sys.settrace(None)
    try:
        return find(*given)
    finally:
        sys.settrace(before)

atexit.register(tell)
threading.settrace(listen)
sys.settrace(listen)
importlib._bootstrap._find_and_load = find_unheard
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which the small configuration has run."""
    folder = working_folder(tmp_path_factory.mktemp("run") / "with space", SMALL)
    (folder / "told").mkdir()
    (folder / "told/sitecustomize.py").write_text(LISTEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder / "told"))
        snakemake(folder, "--cores", "2", forked_jobs=False)
    return folder


# What is called to print a line, or for the words of an error, only.
PRINTED = {
    (ROOT / "lanzdml/datasets/manifest.py", "summary"),
    *((ROOT / "lanzdml/names.py", name) for name in ("one_line", "shortened", "spelled_out")),
}


MEASURED = [name for name in SMALL["experiments"] if issubclass(EXPERIMENTS[name], Measured)]


def named_by_rules(job):
    """What a job's script does not import by name, which its rule has to tell."""
    rule = job["rule"]
    if rule == "make_report":
        return [*ASSETS, *map(EXPERIMENTS.module, MEASURED)]
    if rule == "make_explorer":
        shown = [name for name in A_HANDFUL if name in SMALL["methods"]]
        return [*EXPLORER_ASSETS, *map(METHODS.module, shown)]
    if rule == "make_overview":
        return [PAPER_COUNTS, COUNTS_FILE]
    if rule == "prepare_dataset":
        return ["lanzdml.datasets.demo_cars", COUNTS_FILE]
    if rule.removeprefix("plot_") in EXPERIMENTS:
        return [EXPERIMENTS.module(rule.removeprefix("plot_"))]
    if rule.startswith("tabulate_"):
        return [module_of(rule.removeprefix("tabulate_"), "table")]
    if rule in ("compute_trimap", "compute_saliency", "plot_gallery"):
        return [METHODS.module("indirect")]
    return []


def scripts_of(job):
    name = Path(job["script"]).name.split(".")[-2]
    return [ROOT / "workflow_scripts" / f"{script}.py" for script in (name, "job")]


def called_beside(job, sources):
    """What a job called that is not behind the fingerprint of its script and of more sources."""
    behind = {*definitions_behind(*scripts_of(job), *sources), *PRINTED}
    lines = {(str(path), line) for path, line in lines_of(behind)}
    return [
        (file, function)
        for file, line, function in job["called"]
        if (file, line) not in lines and not file.endswith("lanzdml/errors.py")
    ]


def test_what_a_job_calls_is_in_its_fingerprint(finished):
    jobs = [json.loads(path.read_text()) for path in (finished / "told").glob("*.json")]
    assert len({job["rule"] for job in jobs}) > 15
    for job in jobs:
        if job["tasks"] is None:
            sources = named_by_rules(job)
            version = source_fingerprint(*scripts_of(job), *sources)
            assert job["version"].split()[0] == version, job["rule"]
        else:
            methods = {task.get("method") or task["run"]["method"] for task in job["tasks"]}
            measured = {task["experiment"] for task in job["tasks"] if "experiment" in task}
            measures = [module_of(name, "measure") for name in measured]
            sources = [*map(METHODS.module, methods), *measures]
        assert not called_beside(job, sources), job["rule"]


def test_default_is_planned_in_full(tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    jobs = plan(working_folder(tmp_path, config))
    stages = stages_of(jobs)
    # What pictures show at another size is not scored; other protocols score what is fitted.
    assert stages["fit"] == stages["score"] + 1 - 3
    assert jobs["prepare_dataset"] == 1
    assert jobs["embed_images"] == jobs["embed_prompts_demo_cars"] == 3
    assert jobs["embed_wordings_demo_cars"] == 1, "of the model of the tables"
    gathered = ("fit", "score", "embed", "measure")
    others = {name for name in jobs if name.partition("_")[0] not in gathered}
    assert methods_of(jobs, "measure") == {"quick", "indirect", "oracle"}
    assert others == {
        "all", "prepare_dataset", "collect_metrics", "make_overview", "make_tables", "make_beyond",
        "make_classes", "compute_significance", "plot_critical_difference", "plot_dimensions",
        "plot_clip_size", "plot_prompt_count", "plot_protocols", "compute_trimap", "plot_trimap",
        "compute_saliency", "plot_saliency", "plot_gallery", "make_explorer", "make_report",
        "record_run",
        *(f"{verb}_{name}" for verb in ("tabulate", "plot") for name in MEASURED),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("methods", "tables"),
    [
        (["clip", "oracle"], {"make_tables"}),
        (["clip", "clay"], {"make_tables", "make_beyond"}),
        (["clay"], {"make_beyond"}),
    ],
)
def test_there_are_tables_of_the_methods_that_are_there(tmp_path, methods, tables):
    config = SMALL | {"methods": methods, "experiments": {}, "figures": {}}
    jobs = plan(working_folder(tmp_path, config))
    assert jobs.keys() & {"make_tables", "make_beyond", "compare_published"} == tables


def test_the_paper_is_planned_without_its_data():
    output = snakemake(
        ROOT, "--dry-run", "--quiet", "rules", "--cores", "1",
        "--configfile", "configs/paper.yaml", "--forceall",
    )  # fmt: skip
    jobs = planned_jobs(output)
    assert jobs["prepare_dataset"] == 5
    assert jobs["embed_images"] == 5 + 2, "two more models for the size ablation"
    assert jobs["compare_published"] == jobs["make_report"] == 1


def test_missing_datasets_are_one_line_each(tmp_path):
    config = yaml.safe_load((ROOT / "configs" / "paper.yaml").read_text())
    folder = working_folder(tmp_path, config)
    code, output = snakemake(folder, "--cores", "2", check=False)
    assert code != 0
    assert sorted(line for line in output.splitlines() if line.startswith("Error: ")) == [
        f"Error: {dataset}: there is no data/{dataset}; docs/datasets.md says what to place there"
        for dataset in sorted(config["datasets"])
    ]
    assert "Traceback" not in output


def test_a_download_without_a_network_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    config = yaml.safe_load((ROOT / "configs" / "clevr4.yaml").read_text())
    code, output = snakemake(working_folder(tmp_path, config), "--cores", "2", check=False)
    assert code != 0
    (line,) = (line for line in output.splitlines() if line.startswith("Error: "))
    assert line.startswith("Error: clevr4: cannot download https://thor.robots.ox.ac.uk/clevr4/SHA")
    assert line.endswith(
        "or place clevr_4_10k_v1.zip in data/clevr4 yourself (docs/datasets.md) and leave out "
        "download"
    )


def test_prompts_wait_for_a_dataset_that_is_not_there_and_not_for_one_that_is(tmp_path):
    config = SMALL | {"experiments": {}, "figures": {}}
    config = yaml.safe_load(yaml.safe_dump(config))
    config["datasets"]["demo_cars"]["root"] = "data/cars.parquet"
    folder = working_folder(tmp_path, config)
    prompts = "results/embeddings/demo_cars/demo-S/prompts/car_color.parquet"
    assert plan(folder, target=prompts) == {"prepare_dataset": 1, "embed_prompts_demo_cars": 1}
    (folder / "data").mkdir()
    (folder / "data/cars.parquet").write_text("")
    assert plan(folder, target=prompts) == {"embed_prompts_demo_cars": 1}


def test_aspects_can_be_the_labels(tmp_path):
    config = yaml.safe_load(yaml.safe_dump(SMALL))
    notions = config["datasets"]["demo_cars"]["notions"]
    notions["car_model"]["aspects"] = "labels"
    folder = working_folder(tmp_path, config)
    target = "results/embeddings/demo_cars/demo-S/prompts/car_model.parquet"
    snakemake(folder, "--cores", "2", target)
    assert pd.read_parquet(folder / target)["prompt"].tolist() == [
        f"a photo of a {name}"
        for name in ("convertible", "hatchback", "pickup", "sedan", "suv", "van")
    ]


def test_other_weights_in_a_folder_are_embedded_anew(tmp_path):
    model = publish(tmp_path / "tiny.json")
    models = {"tiny": {"architecture": f"local-dir:{model.name}"}}
    config = SMALL | {"models": models, "experiments": {}}
    folder = working_folder(tmp_path, config)
    target = "results/embeddings/demo_cars/tiny/prompts/car_model.parquet"
    snakemake(folder, "--cores", "2", target)
    assert len(pd.read_parquet(folder / target)["embedding"][0]) == CONFIG["embed_dim"]
    assert plan(folder, target=target) == {}
    (model / WEIGHTS_FILE).touch()
    assert plan(folder, target=target) == {"embed_prompts_demo_cars": 1}


@pytest.mark.parametrize("other", ["8.30.0", "9.18.2", "10.0.0"])
def test_another_snakemake_is_refused_in_one_line(tmp_path, other):
    folder = working_folder(tmp_path, SMALL)
    program = (
        f"import snakemake.common; snakemake.common.__version__ = {other!r}\n"
        f"from snakemake.cli import main; main(['-n', '--snakefile', {str(ROOT / 'Snakefile')!r}])"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert result.returncode != 0
    assert f"Error: Snakemake {other} is not supported: install 9.19 or a later 9" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_snakemake_cannot_read_is_one_line(tmp_path):
    (tmp_path / "broken.yaml").write_text("a: b\n  c: [1,\n")
    for given, said in (("typo.yaml", "there is no file typo.yaml;"), ("broken.yaml", "line 2: ")):
        arguments = ("-n", "--cores", "1", "--configfile", str(tmp_path / given))
        status, output = snakemake(tmp_path, *arguments, check=False)
        assert status != 0
        assert re.search(f"^Error: .*{given}.*", output, re.MULTILINE)
        assert said.replace(given, str(tmp_path / given)) in output
        assert "Traceback" not in output


def test_a_mistake_in_the_config_stops_before_any_job(tmp_path):
    folder = working_folder(tmp_path, SMALL | {"sedes": [1], "methods": ["indirct"]})
    code, output = snakemake(folder, "--cores", "1", check=False)
    assert code != 0
    assert "sedes: unknown key; did you mean 'seeds'?" in output
    assert not (folder / "results").exists()


def test_values_of_the_command_line_count(tmp_path):
    config = SMALL | {"experiments": {}, "figures": {}}
    folder = working_folder(tmp_path, config)
    values = ("--config", "dims=[4]", "methods=[clip]", "results=other")
    arguments = ("-n", "--cores", "1", *values, "datasets={demo_cars: {shards: 2}}")
    output = snakemake(folder, *arguments)
    assert "other/metrics/paper/demo_cars/demo-S/car_color/clip/dim-full" in output
    jobs = planned_jobs(output)
    assert jobs["embed_shard"] == 2 * len(SMALL["models"])
    assert methods_of(jobs, "fit") == {"quick"}
    code, output = snakemake(folder, *arguments, "nonsense=1", check=False)
    assert code != 0
    assert "Error: nonsense: unknown key; allowed: results, datasets" in output


def all_runs(folder):
    return pd.read_parquet(folder / "results" / "metrics.parquet")


def main_runs(folder):
    """The runs of the tables."""
    all_prompts = "(notion != 'car_color' or n_prompts.isna() or n_prompts == 17)"
    of_tables = f"protocol == 'paper' and model == 'demo-S' and dim in (16, 512) and {all_prompts}"
    return all_runs(folder).query(of_tables)


def test_there_is_a_row_for_every_run(finished):
    runs = main_runs(finished)
    keys = runs[["notion", "method", "seed"]]
    assert len(keys.drop_duplicates()) == len(keys) == 2 * 8 * 2
    assert list(runs.columns[:17]) == [
        "dataset", "notion", "model", "protocol", "method", "dim", "dim_auto", "n_prompts",
        "against", "seed", *METRICS,
    ]  # fmt: skip
    assert set(runs["n_images"]) == {1000}
    prompted = runs[runs["method"] != "oracle"]
    assert set(zip(prompted["notion"], prompted["n_prompts"], strict=True)) == {
        ("car_model", 6),
        ("car_color", 17),
    }
    assert runs[runs["method"] == "oracle"]["n_prompts"].isna().all(), "it sees images instead"
    assert set(runs.query("method == 'clip'")["dim"]) == {512}


def test_ablations_add_their_runs_and_share_those_of_the_tables(finished):
    runs = all_runs(finished)
    keys = ["protocol", "notion", "model", "method", "dim", "n_prompts", "seed"]
    assert len(runs[keys].drop_duplicates()) == len(runs)
    added = runs.drop(main_runs(finished).index)
    split = added.query("protocol == 'query_gallery'")
    assert set(map(tuple, split[["method", "seed"]].to_numpy())) == {("clip", 0), ("indirect", 0)}
    added = added.query("protocol == 'paper'")
    dims = added.query("notion == 'car_model'")
    assert set(map(tuple, dims[["method", "dim", "dim_auto", "seed"]].to_numpy())) == {
        (method, dim, dim == 5, 0) for method in ("indirect", "pca") for dim in (2, 5, 32)
    }, "six car names say 5"
    counts = added.query("notion == 'car_color'")
    some = counts.query("model == 'demo-S'")
    assert set(map(tuple, some[["method", "n_prompts", "seed"]].to_numpy())) == {
        (method, count, seed)
        for method in ("indirect", "pca") for count in (5, 10) for seed in (0, 1)
    }  # fmt: skip
    models = counts.query("model == 'again'")
    assert set(map(tuple, models[["method", "seed"]].to_numpy())) == {("clip", 0), ("indirect", 0)}
    assert len(added) == 6 + 8 + 2
    assert dims.query("method == 'pca'")["status"].tolist() == ["ok", "not_fitted", "ok"]


def test_every_figure_is_there(finished):
    folder = finished / "results" / "figures"
    expected = {"dimensions", "clip_size", "prompt_count", "protocols", *MEASURED}
    expected |= {"critical_difference", "trimap", "saliency", "gallery"}
    assert {path.stem for path in folder.iterdir()} == expected
    for name in expected:
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        with Image.open(folder / f"{name}.png") as image:
            image.load()
            # Content: no large part of it is of one colour but the background.
            colors = sorted(image.convert("L").histogram(), reverse=True)
            assert sum(colors[1:]) > 0.03 * image.width * image.height
            assert image.width >= 900
    shares = pd.read_csv(finished / "results" / "tables" / "saliency.csv")
    assert shares["notion"].tolist() == ["car_model"]
    assert shares["n_images"].tolist() == [3]


def test_the_report_holds_all_of_it(finished):
    page = (finished / "results" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 13
    assert "InDiReCT" in page
    for link in ("metrics.parquet", "tables/table2.csv", "figures/trimap.pdf", "explorer.html"):
        assert f'href="{link}"' in page
        assert (finished / "results" / link).is_file()
    for name, words in all_words().items():
        assert words.caption in unescape(page)
        assert (finished / f"results/figures/{name}.rst").read_text() == f"{words.caption}\n"
    for prompts in ("Car Model, Demo Cars: 6 prompts", "Car Color, Demo Cars: 17 prompts"):
        assert f"<summary>{prompts}</summary>" in page


def test_snakemakes_own_report(finished, tmp_path):
    path = tmp_path / "report.zip"
    # Of results that others made it takes no caption, as it would run what is in it.
    received, code_ran = finished / "results/figures/gallery.rst", tmp_path / "code_ran"
    caption, dates = received.read_text(), received.stat()
    received.write_text(f"x {{{{ cycler.__init__.__globals__.os.mknod('{code_ran}') }}}}")
    snakemake(finished, "--report", str(path))
    received.write_text(caption)
    os.utime(received, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert not code_ran.exists()
    with ZipFile(path) as archive:
        figures = {Path(name).stem for name in archive.namelist() if name.endswith(".png")}
        text = archive.read("report/report.html").decode()
    assert figures == {path.stem for path in (finished / "results/figures").glob("*.png")}
    for words in (
        "Ablations",
        "Significance",
        "Pictures",
        "prompt_count",
        "Each seed draws its own prompts",
    ):
        assert words in text


def test_another_colour_redraws_figures_only(finished, copied_code):
    edit(
        copied_code / "lanzdml/figures/style.py", 'TEXT, MUTED = "#222222"', 'TEXT, MUTED = "#111"'
    )
    jobs = plan(finished, copied_code)
    plots = {f"plot_{path.stem}" for path in (finished / "results/figures").glob("*.png")}
    assert jobs.keys() == {*plots, "make_report", "all"}


def test_another_look_of_one_figure_redraws_it_only(finished, copied_code):
    edit(
        copied_code / "lanzdml/experiments/prompt_count.py",
        '"number of prompts (of',
        '"prompts (of',
    )
    assert plan(finished, copied_code).keys() == {"plot_prompt_count", "make_report", "all"}


def test_another_caption_redraws_its_figure_only(finished, copied_code):
    edit(copied_code / "lanzdml/figures/gallery/picture.py", "nearest images of", "closest ones of")
    assert plan(finished, copied_code).keys() == {"plot_gallery", "make_report", "all"}


def test_a_method_that_cannot_be_fitted_is_reported(finished):
    runs = main_runs(finished)
    not_fitted = runs[runs["status"] != "ok"]
    # six prompts are too few for PCA with 16 components, seventeen are enough
    assert set(zip(not_fitted["method"], not_fitted["notion"], strict=True)) == {
        ("pca", "car_model")
    }
    assert not_fitted["reason"].str.contains("16").all()
    assert not_fitted[list(METRICS)].isna().all(axis=None)
    assert runs[runs["status"] == "ok"][list(METRICS)].notna().all(axis=None)


def test_the_order_of_methods_is_as_expected(finished):
    runs = main_runs(finished)
    map_at_r = runs.groupby(["notion", "method"])["map_at_r"].mean()
    for notion in ("car_model", "car_color"):
        assert map_at_r[notion, "oracle"] == map_at_r[notion].max()
        assert map_at_r[notion, "indirect"] > map_at_r[notion, "clip"] > map_at_r[notion, "random"]


def test_tables_are_written(finished):
    tables = finished / "results" / "tables"
    for table in ("table2", "appendix_table1"):
        for suffix in ("md", "csv", "tex"):
            assert (tables / f"{table}.{suffix}").stat().st_size > 200
    assert "InDiReCT" in (tables / "table2.md").read_text()
    overview = (tables / "table1.md").read_text()
    assert (
        "| Car Model | a photo of a {aspect} | sedan, hatchback, … | 1,000 | 1,000 | 6 | 6 |"
        in overview
    )
    assert not list(tables.glob("published*")), "nothing was published about the demo"
    classes = pd.read_csv(tables / "classes.csv").query("notion == 'car_color'")
    table2 = pd.read_csv(tables / "table2.csv").query("notion == 'car_color'")
    means = table2[table2["metric"] == "map_at_r"].set_index("method")["mean"]
    for method, rows in classes.groupby("method"):
        total = (rows["map_at_r"] * rows["n_images"]).sum()
        assert total / rows["n_images"].sum() == pytest.approx(means[method], 1e-6)


def test_queries_of_the_tables_runs_are_kept_and_no_others(finished):
    results = finished / "results"
    runs = main_runs(finished)
    keys = ["notion", "method", "seed"]
    metrics = ["map_at_r", "precision_at_1"]
    for folder in ("queries", "clusterings", "draws"):
        # CLIP's are the same for both seeds.
        assert len(list((results / folder).rglob("*.parquet"))) == 2 * (7 * 2 + 1)
    kept = pd.concat(map(pd.read_parquet, (results / "queries").rglob("*.parquet")))
    means = kept.astype(dict.fromkeys(metrics, float)).groupby(keys)[metrics].mean()
    expected = runs.dropna(subset="map_at_r").set_index(keys)[metrics].sort_index()
    assert len(expected) == 30, "PCA could be made for one of the two notions"
    pd.testing.assert_frame_equal(means, expected, check_index_type=False, rtol=1e-6)


def test_significance_is_that_of_the_runs(finished):
    rows = pd.read_csv(finished / "results" / "tables" / "significance.csv")
    values = main_runs(finished).groupby(["notion", "method"])["map_at_r"].mean()
    pairs = rows[(rows["part"] == "difference") & (rows["metric"] == "map_at_r")]
    assert pairs.groupby("notion").size().to_dict() == {"car_color": 28, "car_model": 21}
    for row in pairs.itertuples():
        expected = values[row.notion, row.method] - values[row.notion, row.other]
        assert row.value == pytest.approx(100 * expected, abs=1e-4)
        assert row.low <= row.value <= row.high
        assert row.low_classes <= row.value <= row.high_classes
    unranked = rows[(rows["part"] == "mean_rank") & rows["reason"].notna()]
    assert set(unranked["method"]) == {"pca", "oracle"}


def test_the_readmes_python_gives_a_row_of_the_results(finished):
    text = (ROOT / "README.md").read_text().replace("demo-M", "demo-S").replace("dim=128", "dim=16")
    use, read = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    code = f"{read}\n{use}"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=finished, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    row = (
        main_runs(finished)
        .query("notion == 'car_color' and method == 'indirect' and seed == 0")
        .iloc[0]
    )
    assert ast.literal_eval(printed) == {name: row[name] for name in METRICS}


def test_nothing_is_left_to_do(finished):
    assert plan(finished) == {}


def test_embeddings_say_where_they_come_from(finished):
    from lanzdml.embeddings.storage import read_embeddings

    folder = finished / "results" / "embeddings" / "demo_cars" / "demo-S"
    _, images, metadata = read_embeddings(folder / "images.parquet")
    assert images.shape == (1000, 512)
    assert metadata["architecture"] == "demo-S"
    assert metadata["manifest_fingerprint"]
    prompts, _, metadata = read_embeddings(folder / "prompts" / "car_color.parquet")
    assert prompts["prompt"][0] == "a aqua car"
    assert metadata["weights_sha256"]


@pytest.mark.slow
def test_shards_give_the_same_bytes(finished, tmp_path):
    config = yaml.safe_load(yaml.safe_dump(SMALL))
    config["datasets"]["demo_cars"]["shards"] = 3
    folder = working_folder(tmp_path, config)
    images = "results/embeddings/demo_cars/demo-S/images.parquet"
    output = snakemake(folder, "--cores", "2", images)
    assert "Embedding shard 3 of 3 of the images of demo_cars with demo-S" in output
    assert (folder / images).read_bytes() == (finished / images).read_bytes()
    assert not list(folder.rglob("*-of-3.parquet")), "shards go when they are gathered"
    assert plan(folder, target=images) == {}


def test_results_are_those_of_one_configuration(finished):
    before = all_runs(finished)
    other = finished / "other.yaml"
    other.write_text(yaml.safe_dump(SMALL | {"seeds": [7]}))
    arguments = ("--cores", "1", "--configfile", str(other))
    code, output = snakemake(finished, *arguments, check=False)
    assert code != 0
    assert "Error: results: results holds results of config.yaml; name another folder" in output
    assert "Traceback" not in output
    pd.testing.assert_frame_equal(all_runs(finished), before)
    code, output = snakemake(finished, "--cores", "1", "--config", "seeds=[7]", check=False)
    assert code != 0
    assert 'name another folder in config.yaml and --config {"seeds": [7]}, or' in output
    pd.testing.assert_frame_equal(all_runs(finished), before)
    assert plan(finished) == {}
    snakemake(finished, "--cores", "1", "--config", "embeddings={batch_size: 3}")  # no lock is left


def test_a_second_run_in_a_folder_is_refused(finished):
    arguments = ("--cores", "1", "--forcerun", "make_report")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *arguments]
    first = subprocess.Popen(
        [*map(str, command), "--directory", str(finished)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while first.poll() is None and not list(finished.glob(".snakemake/locks/*.lock")):
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)
    code, output = snakemake(finished, *arguments, check=False)
    first.send_signal(signal.SIGCONT)
    assert code != 0
    assert "LockException" in output
    assert "--unlock" in output
    assert first.wait() == 0, "the one that was there first goes on"


def test_other_settings_of_the_machine_rerun_nothing(finished):
    changed = SMALL | {"embeddings": {"device": "auto", "batch_size": 64, "workers": 0}}
    try:
        assert plan(working_folder(finished, changed)) == {}
    finally:
        working_folder(finished, SMALL)


def copy_code(folder):
    """A copy of the workflow and its library that a test may edit."""
    folders = ("rules", "workflow_scripts", "lanzdml", "envs", "profiles")
    for name in ("Snakefile", *folders):
        source, copy = ROOT / name, folder / name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy2(source, copy)
    (folder / "resources").symlink_to(ROOT / "resources")
    return folder


@pytest.fixture
def copied_code(tmp_path):
    return copy_code(tmp_path)


def link_environment(folder):
    """The interpreter of an environment that is this one, but in a folder of another name."""
    library = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "bin").mkdir(parents=True)
    library.mkdir(parents=True)
    (library / "site-packages").symlink_to(sysconfig.get_path("purelib"))
    base = os.path.realpath(sys.executable)
    (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(base)}\n")
    python = folder / "bin" / "python"
    python.symlink_to(base)
    return python


def test_paths_may_have_any_signs(tmp_path):
    clone = tmp_path / "a b'\"ü(&$x`;\n[y]*?#%20\\"
    python = link_environment(clone / "environment")
    copy_code(clone)
    data, other = clone / "data & [more] *", tmp_path / "'{x} $y \""
    data.mkdir()
    other.mkdir()
    (data / "cars.parquet").symlink_to(ROOT / "resources/demo_cars/test.parquet")
    config = yaml.safe_load(yaml.safe_dump(SMALL)) | {"results": "out '\"$(x) [y]*"}
    config["datasets"]["demo_cars"]["root"] = f"{data.name}/cars.parquet"
    (other / "my {x} '.yaml").write_text(yaml.safe_dump(config))
    places = dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME"), str(other))
    manifest = f"{config['results']}/datasets/demo_cars/manifest.parquet"
    done = subprocess.run(
        [
            *(python, "-m", "snakemake", "--cores", "1", manifest),
            *("--configfile", other / "my {x} '.yaml"),
        ],
        cwd=clone, env=os.environ | places, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(pd.read_parquet(clone / manifest)) == 1000


def test_a_clone_with_braces_in_its_path_is_refused_in_one_line(tmp_path):
    code = tmp_path / "a {b}"
    code.mkdir()
    returned, output = snakemake(tmp_path, "-n", code=copy_code(code), check=False)
    assert returned != 0
    (line,) = (line for line in output.splitlines() if line.startswith("Error"))
    assert line == (
        f"Error: {code} has braces in its name, which Snakemake takes for a pattern: rename it"
    )
    assert "Traceback" not in output


def test_what_a_submitted_job_cannot_be_told_is_refused_in_one_line(tmp_path):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    folder = working_folder(tmp_path / "it's", SMALL)
    manifest = "results/datasets/demo_cars/manifest.parquet"
    returned, output = snakemake(
        folder, manifest, "--executor", "slurm", "--jobs", "1", check=False
    )
    assert returned != 0
    (line,) = (line for line in output.splitlines() if line.startswith("Error"))
    assert line.startswith(f"Error: {folder}: jobs elsewhere cannot be told paths with quotes")
    assert not (folder / "results/configuration.txt").exists()


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_edited_method_reruns_itself_only(finished, copied_code):
    for path in (copied_code / "workflow_scripts").iterdir():
        path.touch()
    assert plan(finished, copied_code) == {}, "a copy of the code, as new as a clone, is the same"
    edit(copied_code / "lanzdml/methods/indirect.py", "return normalise(", "return -normalise(")
    jobs = plan(finished, copied_code)
    assert methods_of(jobs, "fit") == methods_of(jobs, "score") == {"indirect"}
    assert "embed_images" not in jobs


def test_edited_metrics_rerun_the_scores_and_no_fit(finished, copied_code):
    edit(copied_code / "lanzdml/metrics/clusters.py", '"max_iter": 25', '"max_iter": 26')
    jobs = plan(finished, copied_code)
    stages = stages_of(jobs)
    assert stages["score"] == stages_of(plan(finished, copied_code))["score"] > 5
    assert not stages.keys() & {"fit", "embed_images", "embed_prompts_demo_cars"}


def test_a_new_notion_of_a_dataset_reads_it_anew(finished, copied_code):
    registry = copied_code / "lanzdml/datasets/__init__.py"
    edit(registry, '"background_color", "any_color")', '"background_color", "any_color", "mood")')
    assert plan(finished, copied_code)["prepare_dataset"] == 1


def test_a_new_method_and_other_comments_rerun_nothing(finished, copied_code):
    registry = copied_code / "lanzdml/methods/__init__.py"
    edit(registry, "METHODS = Methods(\n", 'METHODS = Methods(\n    mine="indirect:InDiReCT",\n')
    edit(copied_code / "lanzdml/metrics/scores.py", '"""The metrics of', '"""All metrics of')
    assert plan(finished, copied_code) == {}


def test_other_words_of_errors_and_code_beside_rerun_nothing(finished, copied_code):
    manifest = copied_code / "lanzdml/datasets/manifest.py"
    edit(manifest, "has no images", "has not one image")
    edit(copied_code / "lanzdml/errors.py", "did you mean", "is it")
    with open(manifest, "a") as file:
        file.write("\n\ndef count(rows):\n    return len(rows)\n")
    assert plan(finished, copied_code) == {}


def test_a_dataset_is_downloaded_once(tmp_path, copied_code, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "original").mkdir()
    expected = build_cub200(tmp_path / "original")
    archive = Path(shutil.make_archive(str(tmp_path / "birds"), "gztar", tmp_path / "original"))
    published = DATASETS["cub200"].download
    record, manifest = (
        f"results/datasets/cub200/{name}" for name in ("download.json", "manifest.parquet")
    )
    config = yaml.safe_load((ROOT / "configs" / "paper.yaml").read_text())
    config["results"] = "results"
    config["datasets"] = {"cub200": config["datasets"]["cub200"] | {"download": True}}
    del config["experiments"], config["figures"]
    folder = working_folder(tmp_path / "run", config)
    with FileServer(archive.read_bytes()) as server:
        registry = copied_code / "lanzdml/datasets/__init__.py"
        md5 = hashlib.md5(server.content).hexdigest()
        edit(registry, published.url, server.url)
        edit(registry, published.md5, md5)
        snakemake(folder, "--cores", "1", manifest, code=copied_code)
    images = pd.read_parquet(folder / manifest)
    assert images["image_id"].tolist() == expected["image_id"].tolist()
    assert json.loads((folder / record).read_text()) == {
        "url": server.url,
        "file": "data/cub200/CUB_200_2011.tgz",
        "md5": md5,
        "bytes": len(server.content),
    }
    # Without the record the archive is found as it is, and no server is needed.
    (folder / record).unlink()
    snakemake(folder, "--cores", "1", record, code=copied_code)
    assert server.asked == [None]


@pytest.mark.slow
def test_results_do_not_depend_on_the_cores_or_the_run(finished, tmp_path):
    config = yaml.safe_load(yaml.safe_dump(SMALL)) | {
        "methods": ["random", "indirect", "ae", "oracle"],
        "seeds": [1],
        "experiments": {"main": {"models": ["demo-S"]}},
        "figures": {},
    }
    del config["datasets"]["demo_cars"]["notions"]["car_color"]
    folder = working_folder(tmp_path, config)
    snakemake(folder, "--cores", "1", "results/metrics.parquet", forked_jobs=False)
    images = "results/embeddings/demo_cars/demo-S/images.parquet"
    assert (folder / images).read_bytes() == (finished / images).read_bytes()
    runs = all_runs(folder)
    assert len(runs) == 4
    keys = ["notion", "model", "method", "dim", "seed"]
    before = runs[keys].merge(main_runs(finished), how="left", on=keys)
    columns = [*METRICS, "loss", "iterations"]
    pd.testing.assert_frame_equal(runs[columns], before[columns], check_exact=True)
