"""configs/paper.yaml, run on the five datasets built small in their original formats."""

import pandas as pd
import pytest
import yaml
from pandas.testing import assert_frame_equal

from lanzdml.datasets.manifest import read_manifest
from lanzdml.embeddings.prompts import make_prompts
from lanzdml.tables.overview import PAPER_COUNTS
from tests.raw_datasets import BUILDERS, EXCLUDED_POSTERS
from tests.test_workflow import ROOT, plan, snakemake, working_folder

PAPER = yaml.safe_load((ROOT / "configs" / "paper.yaml").read_text())
ROWS = "results/metrics.parquet"
SMALL_MODEL = {
    "demo-S": {
        "architecture": "resources/demo_clip/demo-S.json",
        "pretrained": "resources/demo_clip/demo-S.safetensors",
    }
}


def small(**changes):
    """The paper's datasets and notions, with a small model, fewer methods and one seed."""
    less = {"models": SMALL_MODEL, "seeds": [0], "experiments": {}, "figures": {}}
    less["results"] = "results"
    return PAPER | less | {"embeddings": {"device": "cpu"}} | changes


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which it ran, and the manifests that were to come of it."""
    folder = working_folder(tmp_path_factory.mktemp("paper"), small(methods=["random_transform"]))
    manifests = {}
    for dataset, settings in PAPER["datasets"].items():
        root = folder / settings["root"]
        root.mkdir(parents=True)
        manifests[dataset] = BUILDERS[dataset](root)
    tables = ("table1.csv", "published_comparison.csv")
    snakemake(folder, "--cores", "2", ROWS, *(f"results/tables/{table}" for table in tables))
    return folder, manifests


@pytest.fixture(scope="module")
def released(finished):
    """The same folder after both protocols ran on the two datasets that they differ in.

    The jobs that this took, what they fitted, and all runs.
    """
    folder, _ = finished
    datasets = {name: dict(PAPER["datasets"][name]) for name in ("cub200", "deepfashion")}
    notions = datasets["deepfashion"]["notions"]
    datasets["deepfashion"]["notions"] = {
        name: notions[name] for name in ("clothing_category", "texture")
    }
    config = small(
        datasets=datasets, methods=["random_transform", "oracle"], protocol=["paper", "released"]
    )
    working_folder(folder, config)
    jobs, before = plan(folder), transforms_of(folder)
    snakemake(folder, "--cores", "2", ROWS)
    after = transforms_of(folder)
    assert before.items() <= after.items(), "what was fitted before is as it was, to its seconds"
    return jobs, after.keys() - before.keys(), pd.read_parquet(folder / "results/metrics.parquet")


def transforms_of(folder):
    """What was fitted: bytes by dataset, notion and method."""
    below = folder / "results/transforms"
    return {
        (path.parts[-6], *path.parts[-4:-2]): path.read_bytes()
        for path in below.rglob("*.safetensors")
    }


@pytest.mark.parametrize("dataset", PAPER["datasets"])
def test_manifests_are_exactly_right(finished, dataset):
    folder, manifests = finished
    manifest = read_manifest(folder / f"results/datasets/{dataset}/manifest.parquet")
    assert_frame_equal(manifest, manifests[dataset], check_dtype=False)


def test_what_is_left_out_is_listed(finished):
    folder, _ = finished
    for dataset in PAPER["datasets"]:
        excluded = pd.read_csv(folder / f"results/datasets/{dataset}/excluded.csv")
        assert len(excluded) == (len(EXCLUDED_POSTERS) if dataset == "movie_posters" else 0)


@pytest.mark.parametrize(
    ("dataset", "notion"),
    [
        (dataset, notion)
        for dataset, entry in PAPER["datasets"].items()
        for notion, settings in entry["notions"].items()
        if settings.get("scored", True)
    ],
)
def test_prompts_are_exactly_right(finished, dataset, notion):
    folder, manifests = finished
    settings = PAPER["datasets"][dataset]["notions"][notion]
    aspects = settings["aspects"]
    if aspects == "labels":
        aspects = sorted(set(manifests[dataset][notion].dropna()))
    else:
        aspects = str(ROOT / aspects)
    expected = make_prompts(settings["template"], aspects)
    file = folder / f"results/embeddings/{dataset}/demo-S/prompts/{notion}.parquet"
    prompts = pd.read_parquet(file)
    assert_frame_equal(prompts[["prompt", "aspect"]], expected, check_dtype=False)
    assert len(prompts) == published_count(dataset, notion, len(expected))


def published_count(dataset, notion, found):
    """Prompts in the paper's Table 1, where they do not come from the data."""
    counts = pd.read_csv(PAPER_COUNTS)
    count = counts.query("dataset == @dataset and notion == @notion")["paper_aspects"].item()
    if dataset == "movie_posters":
        return found
    return 17 if count == 18 else count  # colours of CSS 2.1


def test_every_run_has_a_row(finished):
    folder, manifests = finished
    runs = pd.read_parquet(folder / "results/metrics.parquet")
    assert len(runs) == 13
    assert set(runs["status"]) == {"ok"}
    assert set(runs["protocol"]) == {"paper"}
    for row in runs.itertuples():
        labels = manifests[row.dataset][row.notion].dropna()
        assert (row.n_images, row.n_classes) == (len(labels), labels.nunique())


def test_table1_has_the_counts_beside_those_of_the_paper(finished):
    folder, manifests = finished
    text = (folder / "results/tables/table1.md").read_text()
    assert "| Bird Species | a photo of a {aspect} |" in text
    table = pd.read_csv(folder / "results/tables/table1.csv")
    drawn = (table["dataset"] == "cars196") & (table["notion"] == "car_color")
    assert drawn.sum() == 1, "the notion that is only drawn is there, too"
    table = table[~drawn]
    assert len(table) == 13
    assert table["n_classes"].tolist() == [
        manifests[row.dataset][row.notion].nunique() for row in table.itertuples()
    ]
    notions = pd.read_csv(PAPER_COUNTS)
    key = ["dataset", "notion"]
    in_order = table[key].merge(notions, on=key)
    assert table["paper_classes"].tolist() == in_order["paper_classes"].tolist()


def test_each_value_is_beside_the_published_one(finished):
    folder, _ = finished
    rows = pd.read_csv(folder / "results/tables/published_comparison.csv")
    runs = pd.read_parquet(folder / "results/metrics.parquet")
    run = rows["method"] == "random_transform"
    assert ((rows["source"] == "table2") & run).sum() == 13 * 2
    assert rows["n_images"].notna().equals(run), "the others are published alone"
    assert set(rows.loc[rows["protocol"].isna(), "paper"]) == {"CLAY (CVPR 2026)"}
    birds = (
        "dataset == 'cub200' and metric == 'map_at_r' and source == 'table2' "
        "and method == 'random_transform'"
    )
    (one,) = rows.query(birds).to_dict("records")
    ours = runs.query("dataset == 'cub200'")["map_at_r"].item()
    assert one["ours"] == pytest.approx(100 * ours)
    assert one["published"] == 15.2
    assert one["difference"] == pytest.approx(100 * ours - 15.2)


@pytest.mark.slow
def test_released_adds_only_the_fit_that_differs(released):
    jobs, fitted, _ = released
    notions = [
        ("cub200", "bird_species"), ("cub200", "bird_species_case_matched"),
        ("deepfashion", "clothing_category"), ("deepfashion", "texture"),
    ]  # fmt: skip
    assert fitted == {(*notion, "oracle") for notion in notions}
    # One job embeds all prompts of a dataset, which has fewer notions here than before.
    embedded = {name for name in jobs if name.startswith(("prepare", "embed"))}
    assert embedded <= {"embed_prompts_deepfashion"}


def values(runs, **keys):
    for column, value in keys.items():
        runs = runs[runs[column] == value]
    (row,) = runs.astype("object").where(runs.notna(), None).to_dict("records")
    return row


@pytest.mark.slow
def test_released_birds_are_those_with_matched_names(released):
    *_, runs = released
    for method in ("random_transform", "oracle"):
        key = {"dataset": "cub200", "method": method}
        paper, matched = (values(runs, protocol=name, **key) for name in ("paper", "released"))
        assert (paper["n_images"], paper["n_classes"]) == (5, 3)
        assert (matched["n_images"], matched["n_classes"]) == (4, 2)
        assert matched["notion"] == "bird_species"
    assert paper["loss"] != matched["loss"], "Oracle is fitted to other images"


@pytest.mark.slow
def test_released_texture_repeats_the_category_in_one_column(released):
    *_, runs = released
    texture, category = (
        {method: values(runs, protocol="released", dataset="deepfashion", notion=notion,
                        method=method)
         for method in ("random_transform", "oracle")}
        for notion in ("texture", "clothing_category")
    )  # fmt: skip
    slipped = texture["random_transform"]
    assert slipped["n_prompts"] == 50
    assert slipped == category["random_transform"] | {"notion": "texture"}
    assert texture["oracle"]["loss"] != category["oracle"]["loss"]
    own = runs.query("protocol == 'paper' and notion == 'texture' and method == 'random_transform'")
    assert own["n_prompts"].tolist() == [7]
