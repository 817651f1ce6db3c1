"""docs/your-own.md, done as it says; and what else own data can be, in the workflow."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from lanzdml.config.config import parse_config
from lanzdml.embeddings.storage import read_embeddings
from lanzdml.methods import QUICK
from lanzdml.metrics.scores import METRICS
from lanzdml.plan import Plan
from lanzdml.transforms.storage import read_metadata
from tests.test_workflow import (
    edit,
    methods_of,
    plan,
    snakemake,
    stages_of,
    working_folder,
)

ROOT = Path(__file__).parents[1]
EMBEDDED = yaml.safe_load((ROOT / "config.yaml").read_text())["datasets"]


def blocks(language):
    """The document's code blocks in a language, in their order."""
    text = (ROOT / "docs" / "your-own.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


DRAW, METHOD, NEIGHBOURS = blocks("python")
(BRIGHTNESS,) = blocks("text")
# The published model would have to be fetched.
SMALLEST, NOTIONS, PUBLISHED, MY_CLIP, METHODS = map(yaml.safe_load, blocks("yaml"))
MY_METHOD, _ = METHODS["methods"][-1].split(":")
RESULTS = SMALLEST["results"]
IMAGES = f"{RESULTS}/embeddings/my_flowers/my_clip/images.parquet"


def run_python(code, folder, library=ROOT):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def own_folder(folder, *changes):
    """The document's images and files, and its config with sections replaced."""
    config = SMALLEST | {"embeddings": {"device": "cpu", "workers": 0}}
    for change in changes:
        config = config | change
    working_folder(folder, config)
    run_python(DRAW, folder)
    (folder / "data/flowers/brightness.txt").write_text(BRIGHTNESS)
    (folder / "models").mkdir()
    for suffix in ("json", "safetensors"):
        demo = ROOT / f"resources/demo_clip/demo-S.{suffix}"
        (folder / f"models/my_clip.{suffix}").symlink_to(demo)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which all of the document has been done, with its method in a file there."""
    methods = {"methods": ["indirect", METHODS["methods"][-1]], "seeds": [0]}
    folder = own_folder(tmp_path_factory.mktemp("run"), NOTIONS, MY_CLIP, methods)
    (folder / MY_METHOD).parent.mkdir()
    (folder / MY_METHOD).write_text(METHOD)
    snakemake(folder, "--cores", "2")
    return folder


def test_the_smallest_block_is_planned_with_all_methods(tmp_path):
    jobs = plan(own_folder(tmp_path))
    assert jobs["embed_images"] == jobs["embed_prompts_my_flowers"] == 1
    costly = {"indirect", "lae", "ae", "oracle"}
    assert methods_of(jobs, "fit") == methods_of(jobs, "score") == {*costly, QUICK}
    assert stages_of(jobs)["fit"] == stages_of(jobs)["score"] + 1, "r' = 2 for saliency"
    assert jobs["plot_gallery"] == jobs["plot_trimap"] == jobs["plot_saliency"] == 1


def test_every_block_is_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(own_folder(tmp_path))
    for block in (SMALLEST, NOTIONS, PUBLISHED, MY_CLIP):
        parse_config(SMALLEST | block)


def test_the_own_method_is_in_the_table_beyond_the_paper_only(finished):
    tables = finished / RESULTS / "tables"
    lines = [line for line in (tables / "beyond.md").read_text().splitlines() if "|" in line]
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        ["| Paper", "InDiReCT"], ["| Beyond", "Prompt span"]
    ]  # fmt: skip
    assert "Prompt span" not in (tables / "table2.md").read_text()
    report = (finished / RESULTS / "report.html").read_text()
    assert report.index('id="results"') < report.index('id="beyond"') < report.index('id="data"')


def test_the_table_is_the_one_that_is_shown(finished):
    table = (finished / "data/flowers/labels.csv").read_text()
    assert table.startswith(blocks("csv")[0])
    assert len(list((finished / "data/flowers").glob("*.png"))) == 20
    manifest = pd.read_parquet(finished / RESULTS / "datasets/my_flowers/manifest.parquet")
    assert list(manifest) == ["image_id", "path", "color", "background"]
    assert len(manifest) == 20


def test_there_are_figures_and_a_report(finished):
    figures = {path.name for path in (finished / RESULTS / "figures").glob("*.png")}
    assert figures == {"gallery.png", "trimap.png", "saliency.png"}
    report = (finished / RESULTS / "report.html").read_text()
    assert report.count("data:image/png;base64,") == 3
    assert "my_flowers" in report
    shares = (finished / RESULTS / "tables/saliency.md").read_text()
    assert "no masks" in shares


def test_scored_notions_have_rows_and_names(finished):
    runs = pd.read_parquet(finished / RESULTS / "metrics.parquet")
    assert set(runs["dataset"]) == {"my_flowers"}
    keys = runs[["notion", "method", "dim"]].itertuples(index=False, name=None)
    assert sorted(keys) == [
        ("background", "indirect", 128), ("background", "prompt_span", 512),
        ("color", "indirect", 128), ("color", "prompt_span", 512),
    ]  # fmt: skip
    assert set(runs["n_images"]) == {20}
    assert dict(zip(runs["notion"], runs["n_classes"], strict=True)) == {
        "color": 4,
        "background": 5,
    }
    assert (runs["status"] == "ok").all()
    assert runs[list(METRICS)].notna().all(axis=None)
    table = (finished / RESULTS / "tables/beyond.md").read_text()
    for name in ("my_flowers", "Color", "background", "InDiReCT", "Prompt span"):
        assert name in table


def test_prompts_are_those_of_the_document(finished):
    prompts = {
        notion: read_embeddings(finished / f"{Path(IMAGES).parent}/prompts/{notion}.parquet")[0]
        for notion in ("color", "background", "brightness")
    }
    assert prompts["color"]["prompt"][0] == "a red flower"
    assert len(prompts["color"]) == 9
    assert sorted(prompts["background"]["aspect"]) == ["black", "blue", "gray", "green", "teal"]
    assert prompts["brightness"]["prompt"].tolist() == BRIGHTNESS.splitlines()[1:]
    assert prompts["brightness"]["aspect"].tolist() == BRIGHTNESS.splitlines()[1:]


def test_an_unscored_notion_is_fitted(finished):
    fits = finished / RESULTS / "transforms/my_flowers/my_clip/brightness"
    assert {read_metadata(path)["status"] for path in fits.rglob("*.safetensors")} == {"ok"}
    assert {path.name for path in fits.iterdir()} == {"indirect", "prompt_span"}
    neighbours = run_python(NEIGHBOURS, finished).splitlines()
    assert len(neighbours) == 20
    assert re.fullmatch(r"01\.png \d\d\.png", neighbours[0])


def plan_with(finished, file, content):
    """What would be done if a file had another content."""
    path = finished / file
    before, changed = path.read_bytes(), path.stat().st_mtime_ns
    try:
        path.write_text(content)
        return plan(finished)
    finally:
        path.write_bytes(before)  # with its line breaks
        os.utime(path, ns=(changed, changed))


def test_a_new_notion_embeds_no_image(finished):
    config = yaml.safe_load((finished / "config.yaml").read_text())
    mood = {"prompts": ["a merry flower", "a sad flower"], "scored": False}
    config["datasets"]["my_flowers"]["notions"]["mood"] = mood
    jobs = plan_with(finished, "config.yaml", yaml.safe_dump(config))
    assert jobs["embed_prompts_my_flowers"] == jobs["plot_gallery"] == jobs["make_overview"] == 1
    assert not jobs.keys() & {"prepare_dataset", "embed_images"}


def test_an_edited_table_is_read_anew(finished):
    table = (finished / "data/flowers/labels.csv").read_text()
    jobs = plan_with(finished, "data/flowers/labels.csv", table.replace("purple", "violet"))
    assert jobs["prepare_dataset"] == jobs["embed_images"] == 1


def test_an_edited_method_is_fitted_anew_and_no_other(finished):
    edited = METHOD.replace("1e-3 * sizes[0]", "1e-2 * sizes[0]")
    assert edited != METHOD
    jobs = plan_with(finished, MY_METHOD, edited)
    made = [name for name in jobs if name.startswith(("fit_", "score_"))]
    assert len(made) == 2
    assert all(name.endswith("_prompt_span") for name in made)


# Other data than the document's


def test_encoded_images_give_the_embeddings_of_their_files(finished, tmp_path):
    table = pd.read_csv(finished / "data/flowers/labels.csv")
    table["image"] = [(finished / "data/flowers" / name).read_bytes() for name in table["image"]]
    config = yaml.safe_load(yaml.safe_dump(NOTIONS))
    config["datasets"]["my_flowers"]["labels"] = "flowers.parquet"
    own_folder(tmp_path, config, MY_CLIP)
    table.to_parquet(tmp_path / "flowers.parquet")
    snakemake(tmp_path, "--cores", "2", IMAGES)
    rows, embeddings, _ = read_embeddings(tmp_path / IMAGES)
    _, expected, _ = read_embeddings(finished / IMAGES)
    np.testing.assert_array_equal(embeddings, expected)
    assert rows["image_id"].tolist() == [str(row) for row in range(20)]


def test_mistakes_in_a_table_are_one_line(tmp_path):
    own_folder(tmp_path)
    table = tmp_path / "data/flowers/labels.csv"
    edit(table, "07.png", "7.png")
    arguments = ("--cores", "1", "--until", "prepare_dataset")
    code, output = snakemake(tmp_path, *arguments, check=False)
    assert code != 0
    assert "Error: data/flowers/labels.csv, line 8: there is no image 7.png" in output
    assert "Traceback" not in output
    edit(table, "image,color", "image,colour")
    code, output = snakemake(tmp_path, *arguments, check=False)
    assert code != 0
    assert "labels.csv has no column 'color' of names or integers; did you mean" in output


def test_a_notion_can_have_the_labels_of_another(tmp_path):
    """Its prompts are others, so what learns from prompts differs, and nothing else does."""
    config = yaml.safe_load(yaml.safe_dump(NOTIONS | MY_CLIP))
    shades = ["crimson", "ivory", "violet"]
    config["datasets"]["my_flowers"]["notions"] = {
        "color": NOTIONS["datasets"]["my_flowers"]["notions"]["color"],
        "shade": {"labels": "color", "template": "a {aspect} flower", "aspects": shades},
        "named": {"labels": "background", "template": "{aspect}", "aspects": "labels"},
    }
    config |= {"methods": ["clip", "indirect", "oracle"], "seeds": [0]}
    folder = own_folder(tmp_path, config | {"figures": {}})
    wanted = (f"{RESULTS}/metrics.parquet", f"{RESULTS}/tables/table1.csv")
    snakemake(folder, "--cores", "2", *wanted)
    runs = pd.read_parquet(folder / RESULTS / "metrics.parquet").set_index(["notion", "method"])
    found = runs[[*METRICS, "n_classes"]]
    for method in ("clip", "oracle"):
        pd.testing.assert_series_equal(
            found.loc["shade", method], found.loc["color", method], check_names=False
        )
    assert (found.loc["shade", "indirect"] != found.loc["color", "indirect"]).any()
    overview = pd.read_csv(folder / RESULTS / "tables/table1.csv").set_index("notion")
    assert overview.loc["shade", ["n_classes", "n_prompts", "n_named"]].tolist() == [4, 3, 0]
    assert overview.loc["named", ["n_classes", "n_prompts", "n_named"]].tolist() == [5, 5, 5]


def unscored_demo(*notions):
    datasets = yaml.safe_load(yaml.safe_dump(EMBEDDED))
    for notion in notions:
        datasets["demo_cars"]["notions"][notion]["scored"] = False
    return SMALLEST | {"datasets": datasets, "figures": {}}


def test_an_unscored_notion_of_any_dataset_needs_no_labels(tmp_path, monkeypatch):
    config = unscored_demo("car_color")
    notions = config["datasets"]["demo_cars"]["notions"]
    plain = {name: notion for name, notion in notions.items() if "combine" not in notion}
    config["datasets"]["demo_cars"]["notions"] = plain  # a stack would want Oracle of its parts
    monkeypatch.chdir(working_folder(tmp_path, config))
    of = Plan(parse_config(config))
    fitted = {(fit.notion, fit.method) for fit in of.fits}
    assert {(run.fit.notion, run.fit.method) for run in of.runs} == {
        (notion, method) for notion, method in fitted if notion != "car_color"
    }
    assert {method for notion, method in fitted if notion == "car_color"} == {
        *SMALLEST["methods"]
    } - {"oracle"}
    assert len({notion for notion, _ in fitted}) == len(plain)


def test_without_any_scored_notion_there_are_no_tables_of_scores(tmp_path):
    notions = EMBEDDED["demo_cars"]["notions"]
    jobs = plan(working_folder(tmp_path, unscored_demo(*notions)))
    assert methods_of(jobs, "fit") == {"indirect", "lae", "ae", QUICK}
    assert {name for name in jobs if not name.startswith("fit_")} == {
        "all", "prepare_dataset", "embed_images", "embed_prompts_demo_cars", "make_overview",
        "make_report",
    }  # fmt: skip
