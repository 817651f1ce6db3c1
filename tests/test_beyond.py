"""The table of all methods: groups, marks and remarks."""

import io

import numpy as np
import pandas as pd
import pytest

from lanzdml.methods import METHODS, PAPER_METHODS
from lanzdml.metrics.runs import write_runs
from lanzdml.tables.beyond import BEYOND, PAPER, tables, write_beyond
from lanzdml.tables.paper import summarise
from tests.test_tables import partly, rows, table_lines

OVERVIEW = pd.DataFrame({
    "dataset": "demo_cars", "notion": ["car_model", "car_color"], "template": "a {aspect}",
    "examples": "x", "n_images": 9, "n_labelled": 9, "n_classes": [6, 3], "n_prompts": [171, 17],
    "n_named": [0, 2], "paper_classes": pd.NA, "paper_aspects": pd.NA,
})  # fmt: skip


def of_paper(notion="car_model"):
    return [
        *rows("oracle", [0.9, 0.9], notion=notion),
        *rows("clip", [0.2, 0.2], dim=512, notion=notion),
        *rows("indirect", [0.25, 0.35], notion=notion),
        *rows("pca", [np.nan, np.nan], notion=notion, reason="needs more prompts"),
    ]


def others(notion="car_model"):
    return [
        *rows("clay", [0.28, 0.28], notion=notion),
        *rows("text_subspace", [0.26, 0.26], notion=notion),
        *rows("prompt_posterior", [0.5, 0.5], dim=512, notion=notion),
    ]


def write(folder, runs):
    folder.mkdir(exist_ok=True)
    write_runs(folder / "runs.parquet", pd.DataFrame(runs).assign(status="ok"))
    OVERVIEW.to_csv(folder / "table1.csv", index=False)
    write_beyond([folder / "runs.parquet"], folder / "table1.csv", folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Runs of two notions: by all methods on one, on the other by two."""
    few = [*rows("indirect", [0.7, 0.7], notion="car_color"),
           *rows("prompt_posterior", [0.6, 0.6], dim=512, notion="car_color")]  # fmt: skip
    return write(tmp_path, of_paper() + others() + few)


def test_methods_are_rows_in_two_groups_in_the_registrys_order(folder):
    header, _, *lines = table_lines((folder / "beyond.md").read_text())
    assert header == [
        "Group", "Method", "Car Model, MAP@R", "Car Model, Prec@1", "Car Color, MAP@R",
        "Car Color, Prec@1",
    ]  # fmt: skip
    assert [line[:2] for line in lines] == [
        [PAPER, "CLIP"], ["", "InDiReCT"], ["", "PCA"], ["", "Oracle"],
        [BEYOND, "Text subspace"], ["", "Prompt posterior"], ["", "CLAY"],
    ]  # fmt: skip


def test_the_best_unsupervised_value_is_marked_across_the_groups(folder):
    _, _, *lines = table_lines((folder / "beyond.md").read_text())
    values = {line[1]: line[2:] for line in lines}
    # Methods without a seed have no std; what was not run or could not be made is a dash.
    assert values["Prompt posterior"] == ["**50.0**", "**50.0**", "60.0", "60.0"]
    assert values["InDiReCT"] == ["30.0 ± 5.0", "30.0 ± 5.0", "**70.0 ± 0.0**", "**70.0 ± 0.0**"]
    assert values["Oracle"] == ["90.0 ± 0.0", "90.0 ± 0.0", "—", "—"]
    assert values["PCA"] == ["—"] * 4
    assert values["Text subspace"][:2] == ["26.0", "26.0"]
    tex = (folder / "beyond.tex").read_text()
    assert tex.count(r"\textbf{") == 4
    assert r"Beyond & Text subspace & 26.0" in tex
    assert tex.count("\\midrule") == 2, "one below the header, one between the groups"


def test_a_value_of_some_seeds_says_so_and_is_not_marked(tmp_path):
    runs = [row for row in others() if row["method"] != "text_subspace"]
    runs += partly("text_subspace", [0.9, np.nan])
    text = (write(tmp_path, of_paper() + runs) / "beyond.md").read_text()
    values = {line[1]: line[2:] for line in table_lines(text)[2:]}
    assert values["Text subspace"] == ["90.0 (1 of 2)"] * 2
    assert values["Prompt posterior"] == ["**50.0**"] * 2
    assert "- (1 of 2) Text subspace, Demo Cars Car Model: of these seeds alone" in text


def test_what_must_be_known_is_said_below(folder):
    lines = (folder / "beyond.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("- ")] == [
        "- — PCA, Demo Cars Car Model: needs more prompts",
        "- Classes that are among the prompts: Car Model 0 of 6, Car Color 2 of 3.",
        "- Prompt posterior knows the classes where they are prompts.",
        "- Transductive, so uses the images that are scored, without labels: CLAY.",
    ]
    assert lines[0] == (
        "Beyond the paper: Demo Cars with demo-M, r' = 128, in percent: mean ± std over seeds, "
        "best unsupervised value in bold."
    )


def test_remarks_are_on_methods_that_are_there():
    (table,) = tables(summarise(pd.DataFrame(rows("text_subspace", [0.2]))), OVERVIEW)
    assert table.notes == ["Classes that are among the prompts: Car Model 0 of 6."]
    assert table.heads == [(BEYOND, "Text subspace")]


def test_prompts_that_are_written_out_are_not_counted():
    overview = OVERVIEW.assign(n_named=pd.array([pd.NA, 2], "Int64"))
    (table,) = tables(summarise(pd.DataFrame(rows("text_subspace", [0.2]))), overview)
    assert table.notes == [
        "Classes that are among the prompts: Car Model not known, as they are written out."
    ]


def test_the_csv_has_a_row_a_value(folder):
    table = pd.read_csv(io.StringIO((folder / "beyond.csv").read_text()))
    row = table.query("method == 'prompt_posterior' and notion == 'car_color'").iloc[0]
    assert row[["group", "metric", "unit"]].tolist() == [BEYOND, "map_at_r", "percent"]
    assert row["mean"] == pytest.approx(60)
    assert row[["n_prompts", "n_named"]].tolist() == [17, 2]
    assert set(table.query("group == @PAPER")["method"]) == {"clip", "indirect", "pca", "oracle"}
    assert len(table) == 2 * (7 + 2)


def test_each_dataset_model_and_dim_is_a_block(folder):
    runs = pd.DataFrame(
        rows("indirect", [0.3], dim=64) + rows("indirect", [0.4], dim=128)
        + rows("clay", [0.4], dim=128) + rows("clay", [0.2], dim=64)
    )  # fmt: skip
    overview = pd.concat([OVERVIEW, OVERVIEW.assign(dataset="mine")])
    both = summarise(pd.concat([runs, runs.assign(dataset="mine")]))
    captions = [table.caption for table in tables(both, overview)]
    assert captions == [
        f"Beyond the paper: {dataset} with demo-M, r' = {dim}, in percent"
        for dataset in ("Demo Cars", "mine")
        for dim in (64, 128)
    ]


def test_every_method_beyond_the_paper_says_so():
    from lanzdml.report.explained_methods import METHOD_EXPLANATIONS

    assert set(METHODS) - set(PAPER_METHODS) == {
        name for name, text in METHOD_EXPLANATIONS.items() if text.text.startswith("Beyond the")
    }
