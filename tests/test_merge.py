"""Results of several folders put together: as one run, and never what does not belong together."""

import json
import os
import re
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.numpy import save_file

from lanzdml.commands.main import lanzdml
from lanzdml.config.config import parse_config
from lanzdml.errors import LanzdmlError
from lanzdml.methods.elsewhere import forget
from lanzdml.metrics.images import ScoredImages
from lanzdml.metrics.runs import collect_runs
from lanzdml.metrics.shards import gather_shards, read_clusters
from lanzdml.plan import Plan
from lanzdml.plan.jobs import score_jobs
from lanzdml.plan.versions import no_version
from lanzdml.report.provenance import Commit
from lanzdml.sharing import keeping
from lanzdml.sharing.merging import merge
from lanzdml.sharing.parts import MERGED, read_parts
from lanzdml.sharing.record import write_record
from lanzdml.sharing.verifying import verify
from tests.made_results import (
    COLORS,
    CONFIG,
    NOTIONS,
    make_fits_and_scores,
    make_results,
    manifest,
)
from tests.test_workflow import SMALL, plan, planned_jobs, snakemake, working_folder

METHODS = CONFIG["methods"]
TABLES = {
    "all", "collect_metrics", "compute_significance", "make_beyond", "make_classes",
    "make_overview", "make_report", "make_tables", "plot_critical_difference", "record_run",
}  # fmt: skip
HALVES = {
    "methods": [{"methods": METHODS[:2]}, {"methods": METHODS[2:]}],
    "seeds": [{"seeds": [0]}, {"seeds": [1]}],
    "seeds in batches": [{"seeds": [seed], "kmeans_batch_size": 5} for seed in (0, 1)],
    "notions": [
        {"datasets": {"demo_cars": {"root": "r", "notions": {name: NOTIONS[name]}}}}
        for name in NOTIONS
    ],
    "models": [{"models": {name: CONFIG["models"]["small"]}} for name in ("small", "other")],
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of results by the changes of their configuration, each made once; nobody writes."""
    base, known = tmp_path_factory.mktemp("made"), {}

    def of(**changes):
        key = repr(changes)
        if key not in known:
            known[key] = make_results(base / str(len(known)), **changes)
        return known[key]

    return of


@pytest.fixture
def copied(made, tmp_path):
    """A copy of such a folder, under a name."""

    def of(name="theirs", **changes):
        shutil.copytree(made(**changes), tmp_path / name)
        return tmp_path / name

    return of


def files(folder, *stages):
    return {
        path.relative_to(folder): path
        for stage in stages
        for path in sorted((folder / stage).rglob("*"))
        if path.is_file()
    }


def without_times(path):
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        metadata = {k: v for k, v in (table.schema.metadata or {}).items() if k != b"pandas"}
        return table.to_pandas().drop(columns="fit_seconds", errors="ignore").to_csv(), metadata
    with safe_open(path, "numpy") as file:
        told = {key: value for key, value in file.metadata().items() if key != "fit_seconds"}
        return told, {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118


def change(path, edit):
    """Another cell in a Parquet file, with all else as it is."""
    table = pq.read_table(path)
    frame = table.to_pandas()
    edit(frame)
    pq.write_table(type(table).from_pandas(frame, table.schema, preserve_index=False), path)


@pytest.mark.parametrize("kind", HALVES)
def test_halves_are_as_one_run(made, tmp_path, kind):
    whole = {
        "models": {"models": {**HALVES["models"][0]["models"], **HALVES["models"][1]["models"]}},
        "seeds in batches": {"kmeans_batch_size": 5},
    }
    one = made(**whole.get(kind, {}))
    merged = tmp_path / "merged"
    merge([made(**half) for half in HALVES[kind]], merged)
    stages = ("datasets", "embeddings", "transforms", "metrics")
    ours, theirs = files(merged, *stages), files(one, *stages)
    assert ours.keys() == theirs.keys()
    for name, path in ours.items():
        assert without_times(path) == without_times(theirs[name]), name
    evidence = "queries", "clusterings", "draws"
    assert {n: p.read_bytes() for n, p in files(merged, *evidence).items()} == {
        n: p.read_bytes() for n, p in files(one, *evidence).items()
    }


def test_the_workflow_goes_on_with_tables_and_makes_nothing_else(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        lanzdml, ["merge", *(str(made(**half)) for half in HALVES["seeds"]), "-o", "merged"]
    )
    assert result.exit_code == 0, result.output
    assert "snakemake --cores 1 --configfile merged/config.yaml" in result.output
    shutil.copy("merged/config.yaml", "config.yaml")
    (tmp_path / "merged/configuration.txt").write_text("")
    assert plan(tmp_path).keys() == TABLES


def in_shards(n):
    return {"demo_cars": {"root": "r", "rank_shards": n, "notions": NOTIONS}}


def test_rankings_in_shards_are_taken_along(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alike = {"datasets": in_shards(3), "kmeans_batch_size": 20}
    merged = merge([made(**half, **alike) for half in HALVES["methods"]], Path("merged"))
    assert not merged.left
    shutil.copy("merged/config.yaml", "config.yaml")
    Path("merged/configuration.txt").touch()
    assert plan(tmp_path).keys() == TABLES


def test_clusters_of_more_seeds_than_a_shard_knows_are_left_to_the_workflow(made, tmp_path):
    """What is taken along is as it would be made: a job that scores does not refuse it."""
    halves = [half | {"datasets": in_shards(2)} for half in HALVES["seeds"]]
    merged = merge([made(**half) for half in halves], tmp_path / "merged")
    (left,) = merged.left
    assert re.fullmatch(r"\d+ clusters of runs in shards by small \(.*\)", left)
    config = parse_config(yaml.safe_load((tmp_path / "merged/config.yaml").read_text()))
    tasks = [task for job in score_jobs(Plan(config), no_version) for task in job.tasks]
    there = [task for task in tasks if Path(task.clusters).exists()]
    assert len(tasks) - len(there) == int(left.split()[0])
    assert {task.run["method"] for task in there} == {"indirect", "oracle"}, "of the first seed"
    for task in tasks:
        images = ScoredImages(*task.source)
        gather_shards(task, images)
        if task in there:
            read_clusters(task, images)


def test_rankings_in_other_shards_are_left_to_the_workflow(made, tmp_path):
    halves = [
        half | {"datasets": in_shards(n)} for half, n in zip(HALVES["methods"], (2, 3), strict=True)
    ]
    merged = merge([made(**half) for half in halves], tmp_path / "merged")
    # Of two notions each, with two seeds where these matter.
    assert merged.left == ["6 rankings of runs in shards by small (text_subspace, oracle)"]


def committed(folder):
    """A folder that says of which commit it is, which nobody changed."""
    path = folder / "record.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"commit": "d4" * 20, "dirty": False})
    )
    return folder


@pytest.mark.parametrize("dirty", [False, True])
def test_what_was_taken_is_not_made_again_beside_another_run(copied, tmp_path, monkeypatch, dirty):
    """By a job that has one more, if the same code made it; whatever others say that they kept."""
    monkeypatch.setattr(keeping, "commit", lambda: Commit("d4" * 20, dirty))
    folders = [
        committed(copied(name, **half)) for name, half in zip("ab", HALVES["methods"], strict=True)
    ]
    for kept in folders[1].glob("kept/*/*"):
        kept.rename(kept.with_name(f"{'0' * 64}.0.{kept.name.split('.')[2]}"))
    merge(folders, tmp_path / "merged")
    assert not list(tmp_path.glob("merged/kept/00/000000*"))
    config = parse_config(yaml.safe_load((tmp_path / "merged/config.yaml").read_text()))
    plan, stages = Plan(config), ("transforms", "metrics", "queries", "clusterings", "draws")
    before = files(tmp_path / "merged", *stages)
    contents = {name: path.read_bytes() for name, path in before.items()}
    for path in before.values():
        path.unlink()
    make_fits_and_scores(plan)
    after = files(tmp_path / "merged", *stages)
    assert after.keys() == before.keys()
    same = {name for name, path in after.items() if path.read_bytes() == contents[name]}
    anew = {name for name in after if name.parts[0] == "transforms"}  # whose seconds differ
    assert (same == after.keys()) != dirty
    assert after.keys() - same <= anew | {name for name in after if name.parts[0] == "metrics"}


def test_the_originals_stay_as_they_are(made, tmp_path):
    folders = [made(**half) for half in HALVES["methods"]]
    before = [
        (path, path.stat().st_mtime_ns, path.stat().st_nlink, path.read_bytes())
        for folder in folders
        for path in files(folder, ".").values()
    ]
    merge(folders, tmp_path / "merged")
    after = [
        (path, s.st_mtime_ns, s.st_nlink, path.read_bytes())
        for path, *_ in before
        for s in [path.stat()]
    ]
    assert after == before


@pytest.mark.parametrize("stage", ["metrics", "queries", "draws", "clusterings"])
def test_the_same_run_has_to_be_the_same(made, copied, tmp_path, stage):
    ours, theirs = made(), copied()
    name = "paper/demo_cars/small/car_color/indirect/dim-3/seed-1.parquet"
    column = "ami" if stage == "clusterings" else "map_at_r"
    change(theirs / stage / name, lambda rows: rows.__setitem__(column, rows[column] + 0.25))
    with pytest.raises(LanzdmlError) as raised:
        merge([ours, theirs], tmp_path / "merged")
    assert str(ours / stage / name) in str(raised.value)
    assert str(theirs / stage / name) in str(raised.value)
    value = pd.read_parquet(ours / stage / name)[column].iloc[0].item()
    assert repr(value) in str(raised.value)
    assert column in str(raised.value)
    assert os.listdir(tmp_path) == ["theirs"]  # nothing half-written


@pytest.mark.parametrize("stage", ["queries", "draws"])
def test_the_same_run_has_the_same_rows(made, copied, tmp_path, stage):
    theirs, name = copied(), "paper/demo_cars/small/car_color/indirect/dim-3/seed-1.parquet"
    rows = pd.read_parquet(theirs / stage / name)
    rows.head(3).to_parquet(theirs / stage / name, index=False)
    with pytest.raises(LanzdmlError, match=f"{stage}.* differ: only one has rows at seed 1"):
        merge([made(), theirs], tmp_path / "merged")


def test_a_run_has_the_seeds_of_its_folder(made, copied, tmp_path):
    theirs = copied()
    path = next((theirs / "metrics").rglob("clip/**/*.parquet"))
    pq.write_table(pq.read_table(path).slice(0, 1), path)
    with pytest.raises(LanzdmlError, match=rf"{path} has seeds \[0\], not \[0, 1\]"):
        merge([made(), theirs], tmp_path / "merged")


def test_another_logit_scale_has_another_name(made, tmp_path):
    """Some methods go by it, though weights are the same."""
    theirs = make_results(tmp_path / "theirs", logit_scale=3.0)
    merged = merge([made(), theirs], tmp_path / "merged")
    assert any("its logit scale (3.0) is another one (100.0)" in note for note in merged.notes)
    config = yaml.safe_load((tmp_path / "merged/config.yaml").read_text())
    assert len(config["models"]) == 2


def test_seconds_of_fits_may_differ(made, copied, tmp_path):
    theirs = copied()
    for path in files(theirs, "metrics").values():
        change(path, lambda rows: rows.__setitem__("fit_seconds", rows["fit_seconds"] + 1))
    merge([made(), theirs], tmp_path / "merged")


def rewrite_transform(path, **told):
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    save_file(arrays, path, metadata | told)


def test_another_version_has_another_name(made, copied, tmp_path):
    theirs = copied()
    for path in files(theirs, "transforms").values():
        rewrite_transform(path, numpy="1.0.0")
    merged = merge([made(), theirs], tmp_path / "merged")
    models = yaml.safe_load(merged.config.read_text())["models"]
    assert len(models) == 2
    first, other = models
    assert first == "small"
    assert other.startswith("small-")
    assert len(other) == len("small-") + 8
    assert any(other in note and "numpy" in note for note in merged.notes)
    paths = sorted((tmp_path / "merged/metrics").rglob("*.parquet"))
    collect_runs(paths, tmp_path / "all.parquet")
    rows = pd.read_parquet(tmp_path / "all.parquet")
    assert rows["model"].value_counts().to_dict() == {first: 16, other: 16}
    for path in paths:
        assert pd.read_parquet(path)["model"].unique().tolist() == [
            path.relative_to(tmp_path / "merged/metrics").parts[2]
        ]


def test_other_weights_have_another_name(made, tmp_path):
    merged = merge([made(), made(weights="1" * 64)], tmp_path / "merged")
    assert len(yaml.safe_load(merged.config.read_text())["models"]) == 2
    assert any("weights" in note for note in merged.notes)


def test_seeds_of_other_weights_are_no_seeds_of_one_run(made, tmp_path):
    """Each model would have half of the seeds: the rest could only be made by something else."""
    folders = [made(seeds=[0]), made(seeds=[1], weights="1" * 64)]
    merged = merge(folders, tmp_path / "merged")
    assert any("scores" in line and "indirect" in line for line in merged.left)


def other_labels():
    images = manifest()
    images.loc[0, "car_color"] = "white"
    return images


@pytest.mark.parametrize("what", ["labels", "images", "prompts"])
def test_other_data_has_another_name(made, tmp_path, what):
    changes = {
        "labels": {"images": other_labels()},
        "images": {"images": manifest().assign(path=lambda rows: "other/" + rows["path"])},
        "prompts": {
            "datasets": {"demo_cars": {"root": "r", "notions": {
                "car_color": {"template": "a {aspect} car", "aspects": ["red", "green", "blue"]},
                "car_model": NOTIONS["car_model"],
            }}},
        },
    }[what]  # fmt: skip
    merged = merge([made(), made(**changes)], tmp_path / "merged")
    datasets = yaml.safe_load(merged.config.read_text())["datasets"]
    assert len(datasets) == 2
    assert any(f"other {what}" in note for note in merged.notes)
    paths = sorted((tmp_path / "merged/metrics").rglob("*.parquet"))
    collect_runs(paths, tmp_path / "all.parquet")  # which compares digests
    assert pd.read_parquet(tmp_path / "all.parquet")["dataset"].nunique() == 2


def test_another_processor_is_the_same_benchmark(made, tmp_path):
    halves = [{"methods": METHODS[:2]}, {"methods": METHODS[2:], "turn": 1e-6}]
    merged = merge([made(**half) for half in halves], tmp_path / "merged")
    assert list(yaml.safe_load(merged.config.read_text())["models"]) == ["small"]
    assert any("rounded otherwise" in note for note in merged.notes)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"kmeans_repeats": 2}, "kmeans_repeats"),
        ({"metrics": ["ari"]}, "metrics"),
        (
            {"datasets": {"demo_cars": {"root": "r", "notions": {
                "car_color": NOTIONS["car_color"] | {"labels": "background_color"},
                "car_model": NOTIONS["car_model"]}}}},
            "datasets.demo_cars.notions.car_color.labels",
        ),
    ],
)  # fmt: skip
def test_settings_that_change_numbers_are_refused(made, tmp_path, changes, key):
    with pytest.raises(LanzdmlError, match=key) as raised:
        merge([made(), made(**changes)], tmp_path / "merged")
    for folder in (made(), made(**changes)):
        assert str(folder) in str(raised.value)


def test_what_no_folder_has_is_said(made, tmp_path):
    folders = [made(seeds=[0]), made(seeds=[1], methods=METHODS[:1])]
    merged = merge(folders, tmp_path / "merged")
    assert any("fits" in line and "indirect" in line for line in merged.left)
    assert not any("clip" in line for line in merged.left)


def test_merged_folders_are_merged(made, tmp_path):
    """By methods first and then by seeds, as one run, which says of which folders it is."""
    seeds = [{"seeds": [seed]} for seed in (0, 1)]
    for name, of in zip(("first", "second"), seeds, strict=True):
        merge([made(**half, **of) for half in HALVES["methods"]], tmp_path / name)
        collect(tmp_path / name)
    merged = tmp_path / "merged"
    assert not merge([tmp_path / "first", tmp_path / "second"], merged).left
    stages = ("metrics", "queries", "clusterings", "draws", "transforms")
    ours, theirs = files(merged, *stages), files(made(), *stages)
    assert ours.keys() == theirs.keys()
    assert all(without_times(ours[name]) == without_times(theirs[name]) for name in ours)
    parts = read_parts(merged)
    assert [part.folder for part in parts] == ["first", "second"]
    assert [len(part.parts) for part in parts] == [2, 2]
    (merged / MERGED).write_text('[{"folder": 3}]')
    with pytest.raises(LanzdmlError, match=r"merged/merged\.json cannot be read: .*merge anew"):
        read_parts(merged)


def collect(folder):
    """What the workflow makes of a merged folder before its tables."""
    config = parse_config(yaml.safe_load((folder / "config.yaml").read_text()))
    runs = [Path(Plan(config).paths.metrics(run)) for run in Plan(config).runs]
    collect_runs(runs, folder / "metrics.parquet")
    told = config.model_dump(mode="json", exclude={"embeddings": True, "limits": True})
    write_record(folder / "record.json", told)


def test_what_another_version_would_make_is_refused(made, copied, tmp_path):
    theirs = copied(seeds=[0], methods=METHODS[:2])
    for path in files(theirs, "transforms").values():
        rewrite_transform(path, numpy="1.0.0")
    with pytest.raises(LanzdmlError, match="in none of the folders"):
        merge([made(seeds=[0]), theirs], tmp_path / "merged")


def test_experiments_have_the_seeds_of_the_folders_that_have_them(made, tmp_path):
    """What is measured of more seeds than one folder has is made anew, of what is there."""
    chosen = {"dimensions": {"dataset": "demo_cars", "dims": [2, 3], "methods": ["indirect"]}}
    measured = chosen | {"specificity": {}}
    first, second = HALVES["seeds"]
    for number, (others, n_seeds, left) in enumerate(
        [({}, 1, []), (measured, 2, ["4 measurements of specificity"])]
    ):
        folders = [made(**first, experiments=measured), made(**second, experiments=others)]
        merged = merge(folders, tmp_path / str(number))
        found = yaml.safe_load(merged.config.read_text())["experiments"]
        assert {found[name]["seeds"] for name in measured} == {n_seeds}
        assert [line.partition(" by ")[0] for line in merged.left] == left


def test_measurements_are_taken(made, tmp_path):
    changes = {"experiments": {"specificity": {}, "unseen": {"splits": 2, "methods": ["clip"]}}}
    one = made(**changes)
    halves = [
        changes | {"methods": METHODS[:2]},
        {"methods": METHODS[2:], "experiments": {"specificity": {}}},
    ]
    merged = merge([made(**half) for half in halves], tmp_path / "merged")
    ours, theirs = files(tmp_path / "merged", "experiments"), files(one, "experiments")
    assert not merged.left
    assert {n: p.read_bytes() for n, p in ours.items()} == {
        n: p.read_bytes() for n, p in theirs.items()
    }


MINE = """
from lanzdml.methods.text_subspace import TextSubspace

class Mine(TextSubspace):
    name = "mine"
"""


def test_nothing_of_the_owners_machine_is_needed(tmp_path, monkeypatch):
    """A table of one's own with its images, a file of prompts; and a method that is named here."""
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "there"
    there.mkdir()
    images = manifest().rename(columns={"path": "image"})
    images.to_csv("there/labels.csv", index=False)
    for name in images["image"]:
        (there / name).touch()
    (there / "colors.txt").write_text("\n".join(COLORS))
    (there / "mine.py").write_text(MINE)
    notions = {
        "car_color": {"template": "a {aspect} car", "aspects": "there/colors.txt"},
        "car_model": NOTIONS["car_model"],
        "both": {"combine": ["car_color", "car_model"]},
    }
    given = {"labels": "there/labels.csv", "queries": {"share": 0.3}, "notions": notions}
    theirs = {"datasets": {"cars": given}, "protocol": ["paper", "query_gallery"], "seeds": [0]}
    for name, methods in (("a", ["clip", "indirect"]), ("b", ["there/mine.py:Mine", "oracle"])):
        make_results(name, **theirs, methods=methods)
    shutil.rmtree(there)
    forget()
    command = ["merge", "a", "b", "-o", "merged"]
    refused = CliRunner().invoke(lanzdml, command)
    assert "b has runs of 'mine', no method of this version" in refused.output
    (tmp_path / "mine.py").write_text(MINE)
    merged = CliRunner().invoke(lanzdml, [*command, "--method", "mine.py:Mine"])
    assert merged.exit_code == 0, merged.output
    assert "left to the workflow" not in merged.output
    shutil.copy("merged/config.yaml", "config.yaml")
    (tmp_path / "merged/configuration.txt").write_text("")
    assert plan(tmp_path).keys() == TABLES
    assert not verify(Path("b"), runs=4).wrong


# What comes in


def test_folders_that_are_none(made, copied, tmp_path):
    ours = made()
    (tmp_path / "empty").mkdir()
    damaged = copied("damaged")
    damaged.joinpath(
        "metrics/paper/demo_cars/small/car_color/indirect/dim-3/seed-1.parquet"
    ).write_bytes(b"PAR1")
    partly = copied("partly")
    shutil.rmtree(partly / "draws")
    linked = copied("linked")
    (linked / "tables").mkdir()
    (linked / "tables/table2.csv").symlink_to("/etc/passwd")
    for others, words in (
        ([tmp_path / "nowhere"], "there is no folder"),
        ([tmp_path / "empty"], "record.json"),
        ([damaged], "cannot be read"),
        ([partly], "not complete"),
        ([linked], "out of"),
        ([ours], "same folder"),
        ([], "two or more"),
    ):
        with pytest.raises(LanzdmlError, match=words):
            merge([ours, *others], tmp_path / "merged")
        assert not (tmp_path / "merged").exists()


def test_a_place_that_is_taken(made, tmp_path):
    folders = [made(**half) for half in HALVES["methods"]]
    (tmp_path / "there").mkdir()
    for output in (tmp_path / "there", folders[0] / "inside", folders[0].parent):
        with pytest.raises(LanzdmlError, match=r"name another folder|delete it"):
            merge(folders, output)


def tell(folder, edit):
    record = json.loads((folder / "record.json").read_text())
    edit(record["config"])
    (folder / "record.json").write_text(json.dumps(record))


def put(*keys, value):
    """A change of a configuration, at some keys in each other."""

    def edit(config):
        *outer, last = keys
        for key in outer:
            config = config[key]
        config[last] = value

    return edit


OF_CLIP = {"architecture": "RN50", "pretrained": "openai"}
OF_DATA = {"root": "r", "notions": NOTIONS}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (put("methods", value=["clip", "evil.py:Evil"]), "names code"),
        (put("methods", value=["clip", "nobody"]), "no method of this version"),
        (put("methods", value=["clip", "../../out"]), "no method of this version"),
        (put("datasets", "../out", value=OF_DATA), "name may hold"),
        (put("models", "..", value=OF_CLIP), "name may hold"),
        (put("experiments", "main", "models", value=["../x"]), "is not in models"),
        (put("seeds", value="all"), "seeds"),
        (put("datasets", "demo_cars", "notions", "both", value={"combine": ["a", "b"]}), "combine"),
    ],
)
def test_a_hostile_configuration(made, copied, tmp_path, monkeypatch, edit, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w').close()")
    theirs = copied()
    tell(theirs, edit)
    with pytest.raises(LanzdmlError, match=words):
        merge([made(), theirs], tmp_path / "merged")
    assert not (tmp_path / "ran").exists()


# As users do it: by the workflow, which goes on with what was merged


def half_of(config, results, methods):
    """A configuration with some of the methods, wherever they are listed."""
    experiments = {}
    for name, section in config["experiments"].items():
        chosen = {
            key: [method for method in section[key] if method in methods]
            for key in ("methods", "influence")
            if key in section
        }
        if chosen.get("methods", methods):
            experiments[name] = section | chosen
    half = config | {"results": results, "methods": methods, "experiments": experiments}
    return half if "indirect" in methods else half | {"figures": {}}


@pytest.mark.slow
def test_two_halves_by_the_workflow_are_one_run_bit_for_bit(tmp_path, monkeypatch):
    """They take from the whole run what it kept, but for what makes them halves."""
    working_folder(tmp_path, SMALL)
    snakemake(tmp_path, "--cores", "2")
    one, methods = tmp_path / "results", SMALL["methods"]
    for name, some in (("first", methods[:4]), ("second", methods[4:])):
        config = tmp_path / f"{name}.yaml"
        config.write_text(yaml.safe_dump(half_of(SMALL, name, some)))
        shutil.copytree(one / "kept", tmp_path / name / "kept")
        (tmp_path / name / "configuration.txt").touch()
        snakemake(tmp_path, "--cores", "2", "--configfile", config)
    monkeypatch.chdir(tmp_path)
    merged = CliRunner().invoke(lanzdml, ["merge", "first", "second", "-o", "merged"])
    assert merged.exit_code == 0, merged.output
    assert "left to the workflow" not in merged.output
    given = ("--cores", "2", "--configfile", tmp_path / "merged/config.yaml")
    planned = planned_jobs(snakemake(tmp_path, *given, "--dry-run", "--quiet", "rules"))
    assert not [job for job in planned if job.startswith(("embed", "fit", "score", "measure"))]
    snakemake(tmp_path, *given)
    stages = ("metrics", "queries", "draws", "clusterings", "transforms", "experiments")
    ours, theirs = files(tmp_path / "merged", *stages), files(one, *stages)
    assert ours.keys() == theirs.keys()
    assert [n for n in ours if ours[n].read_bytes() != theirs[n].read_bytes()] == []
    tables = {path.name for path in (one / "tables").iterdir()} - {"saliency.csv", "saliency.md"}
    for name in ("metrics.parquet", *(f"tables/{table}" for table in tables)):
        assert (tmp_path / "merged" / name).read_bytes() == (one / name).read_bytes(), name
    assert (tmp_path / "merged/report.html").stat().st_size > 100_000
    verified = CliRunner().invoke(lanzdml, ["verify", "merged", "--runs", "8"])
    assert verified.exit_code == 0, verified.output
    path = next((tmp_path / "merged/metrics").rglob("*.parquet"))
    change(path, lambda rows: rows.__setitem__("map_at_r", rows["map_at_r"] + 0.01))
    forged = CliRunner().invoke(lanzdml, ["verify", "merged", "--runs", "0"])
    assert forged.exit_code == 1
    assert str(path.relative_to(tmp_path)) in forged.output
