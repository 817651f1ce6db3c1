"""Our values beside the published ones."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.metrics.runs import traits_of, write_runs
from lanzdml.metrics.scores import METRICS
from lanzdml.tables.paper import summarise
from lanzdml.tables.published import (
    COLUMNS,
    DIM,
    compare,
    read_published,
    render_comparison,
    write_comparison,
)
from tests.traits import with_traits

RUN = ["dataset", "notion", "method"]


@pytest.fixture(scope="module")
def published():
    return read_published()


@pytest.fixture
def runs(published):
    """Two seeds of every published run, with the published means of Table 2."""
    table2 = published[published["source"] == "table2"]
    means = table2.pivot_table(index=RUN, columns="metric", values="mean") / 100
    frame = means.reindex(columns=METRICS).reset_index()
    frame = frame.assign(
        model="ViT-B-32", protocol="paper", reason=None, n_images=9, n_classes=3, tied_queries=0,
        loss=None,
    )  # fmt: skip
    frame["dim"] = np.where(frame["method"] == "clip", 512, DIM)
    frame = with_traits(frame)
    return pd.concat([frame.assign(seed=seed) for seed in (0, 1)], ignore_index=True)


def compared(runs, **query):
    rows = compare(summarise(runs))
    for column, value in query.items():
        rows = rows[rows[column] == value]
    return rows


def test_the_published_values_are_no_way_off(runs, published):
    rows = compared(runs, source="table2")
    assert list(rows) == COLUMNS
    assert len(rows) == (published["source"] == "table2").sum()
    np.testing.assert_allclose(rows["difference"], 0, atol=1e-9)


def test_a_mean_over_some_seeds_is_not_compared(runs):
    failed = (runs["method"] == "lae") & (runs["seed"] == 1)
    runs.loc[failed, [*METRICS, "reason"]] = [*[np.nan] * len(METRICS), "diverged"]
    rows = compared(runs, source="table2", method="lae")
    assert len(rows) > 10
    assert rows[["ours", "ours_std", "difference"]].isna().all(axis=None)
    assert compared(runs, source="table2", method="pca")["ours"].notna().all()


def test_exactly_two_methods_of_three_notions_cannot_be_compared(runs):
    rows = compared(runs)
    flagged = rows[~rows["comparable"]]
    assert set(flagged[RUN].itertuples(index=False, name=None)) == {
        ("deepfashion", notion, method)
        for notion in ("texture", "fabric", "fit")
        for method in ("random_transform", "ae")
    }
    assert len(flagged) == 2 * 3 * (2 + 7), "both metrics of Table 2 and all seven of the appendix"
    slip = "computed with the labels and prompts of clothing_category"
    assert flagged["note"].str.contains(slip).all()
    text = render_comparison(rows)
    table2 = text.split("\n## ")[2]
    assert table2.startswith("Table 2")
    assert sum(line.count("†") for line in table2.splitlines() if line[0:1] == "|") == 2 * 3 * 2


def test_differences_are_in_the_published_unit_and_std():
    runs = pd.DataFrame([
        {"dataset": "synthetic_cars", "notion": "car_model", "method": method, "dim": dim,
         "model": "ViT-B-32", "protocol": "paper", "seed": seed, "reason": None,
         "n_images": 1000, "n_classes": 6, "tied_queries": 0, "loss": None, "against": None,
         "dim_auto": False, **traits_of(method),
         **dict.fromkeys(METRICS, value)}
        for method, dim, values in [("indirect", 128, (0.57, 0.59)), ("clip", 512, (0.45, 0.45))]
        for seed, value in enumerate(values)
    ])  # fmt: skip
    table2 = compared(runs, source="table2", metric="map_at_r").set_index("method")
    indirect, clip = table2.loc["indirect"], table2.loc["clip"]
    assert (indirect["published"], indirect["published_std"]) == (57.4, 0.2)
    assert indirect["ours"] == pytest.approx(58.0)
    assert indirect["ours_std"] == pytest.approx(1.0)
    assert indirect["difference"] == pytest.approx(0.6)
    assert indirect["difference_in_std"] == pytest.approx(3.0)
    assert np.isnan(clip["difference_in_std"]), "CLIP was published without a std"
    appendix = compared(runs, source="appendix_table1", metric="precision_at_1")
    indirect = appendix.set_index("method").loc["indirect"]
    assert indirect["difference"] == pytest.approx(0.58 - 0.964)
    assert indirect["published_std"] == 0
    assert np.isnan(indirect["difference_in_std"]), "a std that is rounded to zero is no unit"
    text = render_comparison(compared(runs))
    assert "58.0 / 57.4, +0.6 (+3.0)" in text
    assert "0.580 / 0.964, -0.384 |" in text


def test_only_the_published_dim_is_compared(runs):
    runs.loc[runs["method"] != "clip", "dim"] = 64
    assert set(compared(runs)["method"]) == {"clip"}, "it has the model's size in any case"
    assert compared(runs[runs["method"] != "clip"]).empty
    text = render_comparison(compared(runs[runs["method"] != "clip"]))
    assert "has no run with a published value" in text


def test_a_method_without_a_dim_is_compared_once(runs):
    other = runs[runs["method"] != "clip"].assign(dim=64)
    assert len(compared(pd.concat([runs, other]))) == len(compared(runs))


def test_released_is_compared_where_it_repeats_the_mistake(runs, published):
    rows = compared(runs.assign(protocol="released"))
    (misprint,) = rows[~rows["comparable"]].to_dict("records")
    assert [misprint[name] for name in (*RUN, "metric")] == ["deepfashion", "fit", "ae", "map"]
    assert misprint["published"] == 0.32, "as printed"
    text = render_comparison(rows)
    assert "† cannot be compared, DeepFashion Fit, AE: MAP is printed with the value of" in text
    assert text.count("†") == 2, "the value and its note"
    assert (published["comparable"] == "released").sum() == 53


def test_what_the_appendix_calls_mrr_twice_is_said(runs):
    text = render_comparison(compared(runs))
    remark = "Of the two rows that are printed as MRR in every block, the first is MAP."
    table2, appendix = text[: text.index("## Appendix")], text[text.index("## Appendix") :]
    assert remark in appendix
    assert remark not in table2


def slip(runs, points):
    """Runs that are some points off where the published values were made by mistake."""
    slipped = (
        (runs["dataset"] == "deepfashion")
        & runs["notion"].isin(["texture", "fabric", "fit"])
        & runs["method"].isin(["random_transform", "ae"])
    )
    moved = runs.copy()
    moved.loc[slipped, list(METRICS)] += points / 100
    return moved


def test_the_mean_difference_is_that_of_comparable_values(runs):
    both = pd.concat([slip(runs, 26), slip(runs, 26).assign(protocol="released")])
    summary = table(render_comparison(compared(both)), "Mean absolute difference")
    assert summary["Rand. trans."] == ["0.0 (20 of 20)", "6.0 (20 of 26)"]
    assert summary["InDiReCT"][0].startswith("0.0 (")


def test_two_published_stds_are_the_limit(runs):
    rows = compared(runs, source="table2", method="indirect", metric="map_at_r")
    inside = rows.query("published_std > 0").iloc[0]
    moved = (runs[RUN] == inside[RUN].to_numpy()).all(axis=1)
    counts = []
    for stds in (1.9, 2.1):
        shifted = runs.copy()
        shifted.loc[moved, "map_at_r"] += stds * inside["published_std"] / 100
        summary = table(render_comparison(compared(shifted)), "Mean absolute difference")
        counts.append(int(summary["InDiReCT"][0].split("(")[1].split(" of ")[0]))
    assert counts[0] == counts[1] + 1


def table(text, title):
    """Columns of the first table below a title, by name."""
    lines = text[text.index(title) :].partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    header, _, *body = rows
    return {name: [row[column] for row in body] for column, name in enumerate(header)}


def test_each_protocol_and_model_is_compared(runs):
    other = runs.assign(protocol="released")
    other[list(METRICS)] += 0.02
    rows = compared(pd.concat([runs, other, runs.assign(model="demo-S")]))
    assert len(rows) == 3 * len(compared(runs))
    lines = render_comparison(rows).splitlines()
    distances = [line for line in lines if line.startswith(("| paper", "| released"))]
    assert [line.split(" | ")[1] for line in distances] == ["ViT-B-32", "ViT-B-32", "demo-S"]
    assert [line.split(" | ")[3] for line in distances] == ["0.0", "2.0", "0.0"], "CLIP"


def test_a_run_that_could_not_be_made_has_no_difference(runs):
    failed = runs["method"] == "pca"
    runs.loc[failed, list(METRICS)] = np.nan
    rows = compared(runs, method="pca")
    assert rows["difference"].isna().all()
    assert rows["published"].notna().all()
    assert "— / 56.2" in render_comparison(compared(runs))


def test_both_files_are_written(runs, tmp_path):
    write_runs(tmp_path / "metrics.parquet", runs)
    write_comparison([tmp_path / "metrics.parquet"], tmp_path)
    written = pd.read_csv(tmp_path / "published_comparison.csv")
    assert len(written) == len(compared(runs))
    assert "InDiReCT" in (tmp_path / "published_comparison.md").read_text()
