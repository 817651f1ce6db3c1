"""Our values beside the published ones: within a protocol, and apart from those of others."""

import re

import numpy as np
import pandas as pd
import pytest

from lanzdml.metrics.runs import traits_of, write_runs
from lanzdml.metrics.scores import METRICS
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.paper import summarise
from lanzdml.tables.published import COLUMNS, compare, read_comparison, write_comparison
from lanzdml.tables.published_tables import render_comparison
from lanzdml.tables.published_values import FOLDER, read_published
from tests.traits import with_traits

RUN = ["dataset", "notion", "method"]
DIM = 128


INDIRECT, CLAY = FOLDER / "indirect.csv", FOLDER / "clay.csv"


@pytest.fixture(scope="module")
def published():
    return read_published([INDIRECT])


@pytest.fixture
def runs(published):
    """Two seeds of every published run, with the published means of Table 2."""
    table2 = published[published["source"] == "table2"]
    means = table2.pivot_table(index=RUN, columns="metric", values="value") / 100
    frame = means.reindex(columns=METRICS).reset_index()
    frame = frame.assign(
        model="ViT-B-32", protocol="paper", reason=None, n_images=9, n_classes=3,
        n_queries=9, tied_queries=0,
        loss=None,
    )  # fmt: skip
    frame["dim"] = np.where(frame["method"] == "clip", 512, DIM)
    frame = with_traits(frame)
    return pd.concat([frame.assign(seed=seed) for seed in (0, 1)], ignore_index=True)


def compared(runs, *, files=(INDIRECT,), **query):
    rows = compare(summarise(runs), read_published(files))
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
    table2 = text.split("\n### ")[2]
    assert table2.startswith("Table 2, paper protocol: ours with ViT-B-32, published with OpenAI's")
    assert sum(line.count("†") for line in table2.splitlines() if line[0:1] == "|") == 2 * 3 * 2


def test_differences_are_in_the_published_unit_and_std():
    runs = pd.DataFrame([
        {"dataset": "synthetic_cars", "notion": "car_model", "method": method, "dim": dim,
         "model": "ViT-B-32", "protocol": "paper", "seed": seed, "reason": None,
         "n_images": 1000, "n_classes": 6,
         "n_queries": 9, "tied_queries": 0, "loss": None, "against": None,
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
    rows = compared(runs)
    assert set(rows.dropna(subset="ours")["method"]) == {"clip"}, "it has the model's size"
    assert rows.loc[rows["method"] != "clip", ["ours", "dim", "n_images"]].isna().all(axis=None)
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
    remark = "of the two rows that are printed as MRR in every block, the first is MAP."
    table2, appendix = text[: text.index("### Appendix")], text[text.index("### Appendix") :]
    assert remark not in appendix, "it is said once, and not of each model's table"
    assert "; r' = 128; mean and std over five seeds;" in table2
    (line,) = (line for line in table2.splitlines() if remark in line)
    assert line.startswith("Appendix Table 1: leave-one-out (every image is a query")


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
    lines = text[text.index(title) :].partition("\n##")[0].splitlines()
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
    assert "—‡ / 56.2" in render_comparison(compared(runs))


def test_both_files_are_written(runs, tmp_path):
    write_runs(tmp_path / "metrics.parquet", runs)
    write_comparison([tmp_path / "metrics.parquet"], tmp_path, [INDIRECT])
    written = read_comparison(tmp_path / "published_comparison.csv")
    pd.testing.assert_frame_equal(written, compared(runs), check_dtype=False)
    assert "InDiReCT" in (tmp_path / "published_comparison.md").read_text()


# Several papers and protocols


def retrieval(dataset, notion, *, protocol, methods, model="ViT-B-32", dims=(128,), value=0.5):
    """A seed of each method, with one value in every metric."""
    rows = [
        {"dataset": dataset, "notion": notion, "method": method, "dim": dim, "model": model,
         "protocol": protocol, "seed": 0, "reason": None, "n_images": 8131, "n_classes": 98,

         "n_queries": 9, "tied_queries": 0, "loss": None, "against": None, "dim_auto": False,
         **traits_of(method), **dict.fromkeys(METRICS, value)}
        for method in methods
        for dim in (dims if traits_of(method)["has_dim"] else (512,))
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def cars():
    """A notion that both papers have values of, by the protocols of both."""
    notion = {"dataset": "cars196", "notion": "car_model"}
    return pd.concat([
        retrieval(**notion, protocol="paper", methods=("clip", "indirect"), value=0.5),
        retrieval(**notion, protocol="query_gallery", methods=("clip", "clay"), value=0.25),
    ])  # fmt: skip


BOTH = (INDIRECT, CLAY)


def test_values_stand_beside_those_of_the_same_protocol_only(cars):
    rows = compared(cars, files=BOTH)
    assert set(zip(rows["paper"], rows["published_protocol"], rows["protocol"], strict=True)) == {
        ("InDiReCT (WACV 2023)", "leave_one_out", "paper"),
        ("CLAY (CVPR 2026)", "query_gallery", "query_gallery"),
    }
    there = rows.dropna(subset="ours").set_index(["paper", "method", "published_model"])
    theirs = there.loc["CLAY (CVPR 2026)", ["ours", "published", "difference"]]
    assert theirs.to_dict("index") == {
        ("clip", "CLIP-B"): {"ours": 25, "published": 30.5, "difference": -5.5},
        ("clip", "SigLIP-B"): {"ours": 25, "published": 64.6, "difference": 25 - 64.6},
        ("clay", "CLIP-B"): {"ours": 25, "published": 51.2, "difference": 25 - 51.2},
        ("clay", "SigLIP-B"): {"ours": 25, "published": 78.0, "difference": -53},
    }
    (indirect,) = compared(
        cars, files=BOTH, method="indirect", source="table2", metric="map_at_r"
    ).to_dict("records")
    assert (indirect["ours"], indirect["published"]) == (50, 37.4)
    text = render_comparison(rows)
    assert text.index("## InDiReCT (WACV 2023)") < text.index("## CLAY (CVPR 2026)")
    assert "not compared" not in text


def test_models_and_methods_that_are_not_here_are_seen_in_the_table(cars):
    text = render_comparison(compared(cars, files=BOTH))
    clay = table(
        text[text.index("## CLAY") :], "### Table 2, query_gallery protocol: ours with ViT-B-32"
    )
    assert clay["Published with"] == ["CLIP-B", "SigLIP-B", "-"]
    assert clay["CLAY"] == ["25.0 / 51.2, -26.2", "25.0 / 78.0, -53.0", "—"]
    assert clay["GeneCIS symmetric"] == ["—", "—", "— / 29.8"], "published, and not run"
    assert clay["Notion"][0] == "Car Model (8,131 images, 98 classes, 9 queries)"
    assert "— / published: there is no such run here, or not with this metric." in text
    assert "Ours at r' = 128, the first here, as none is published." in text
    assert "models CLIP-B and SigLIP-B; queries : database = 1 : 9, MAP of the whole" in text
    off = table(text[text.index("## CLAY") :], "Mean absolute difference")
    assert off["Published with"] == ["CLIP-B", "SigLIP-B"]
    assert [*off] == ["Protocol", "Model", "Published with", "CLIP", "CLAY"], "those that were run"
    assert off["CLAY"] == ["26.2", "53.0"]


def test_other_protocols_are_listed_apart_with_a_sentence(cars):
    rows = compared(cars[cars["protocol"] == "paper"], files=BOTH)
    apart = rows[rows["paper"] == "CLAY (CVPR 2026)"]
    assert apart["difference"].isna().all()
    assert not apart["comparable"].any()
    theirs, ours = apart[apart["protocol"] == ""], apart[apart["published"].isna()]
    assert len(theirs) == 7
    assert theirs["ours"].isna().all()
    assert ours[["protocol", "method", "ours"]].to_numpy().tolist() == [["paper", "clip", 50.0]]
    assert len(apart) == len(theirs) + len(ours)
    text = render_comparison(rows)
    clay = text[text.index("## CLAY") :]
    assert (
        "cannot be compared for Cars196 Car Model: published values are query and gallery" in clay
    )
    assert "Runs with protocol: query_gallery could be." in clay
    assert "/ 30.5" not in clay
    assert table(clay, "not compared: query and gallery")["CLIP"] == [
        "30.5",
        "64.6",
        "—",
    ]
    assert table(clay, "not compared: ours, leave-one-out")["CLIP"] == ["50.0"]
    turned = compared(cars[cars["protocol"] != "paper"], files=BOTH)
    assert set(turned.loc[turned["paper"] != "CLAY (CVPR 2026)", "protocol"]) == {
        "", "query_gallery"
    }  # fmt: skip
    assert "Runs with protocol: paper could be." in render_comparison(turned)


def test_without_a_published_dim_ours_is_the_first(published):
    runs = pd.concat([
        retrieval("cars196", "car_model", protocol="query_gallery", methods=("clay",),
                  dims=(dim,), value=value)
        for dim, value in ((64, 0.2), (128, 0.3))
    ])  # fmt: skip
    rows = compared(runs, files=BOTH, method="clay", published_model="CLIP-B")
    assert rows[["dim", "ours"]].to_numpy().tolist() == [[64, 20]]
    both = pd.concat([
        retrieval("cars196", "car_model", protocol="paper", methods=("indirect",),
                  dims=(dim,), value=value)
        for dim, value in ((64, 0.2), (128, 0.3))
    ])  # fmt: skip
    rows = compared(both, method="indirect", source="table2", metric="map_at_r")
    assert rows[["dim", "ours"]].to_numpy().tolist() == [[128, 30]], "where one is published"


MINE = (
    "paper,dataset,notion,model,method,metric,value,unit,protocol,setting,note\n"
    "Mine,cars196,car_model,{text},Their method,map,12.34,percent,{protocol},{text},{text}\n"
    "Mine,cars196,car_model,{text},clip,map,0.5,percent,{protocol},{text},{text}\n"
)


def written(tmp_path, text="a model", protocol="leave_one_out"):
    path = tmp_path / "mine.csv"
    quoted = '"' + text.replace('"', '""') + '"'
    path.write_text(MINE.format(text=quoted, protocol=protocol))
    return path


def test_a_file_of_ones_own_is_one_paper_more(cars, tmp_path):
    text = render_comparison(compared(cars, files=(*BOTH, written(tmp_path))))
    mine = table(
        text[text.index("## Mine") :],
        "### All values, paper protocol: ours with ViT-B-32, published",
    )
    assert mine["Their method"] == ["— / 12.34"], "with as many decimals as are printed"
    assert mine["CLIP"] == ["50.00 / 0.50, +49.50"]


def test_a_file_without_tables_reads_as_one_paper(cars, tmp_path):
    text = render_comparison(compared(cars, files=[written(tmp_path)]))
    assert "\nIts values: leave-one-out (every image is a query to all others); a model" in text
    assert "Over the comparable values of the paper." in text
    apart = render_comparison(compared(cars, files=[written(tmp_path, protocol="five-fold")]))
    assert "Its values cannot be compared for Cars196 Car Model" in apart
    assert "### All values, not compared: five-fold" in apart


@pytest.mark.parametrize("protocol", ["leave_one_out", "five-fold"])
def test_units_that_differ_are_in_the_titles(cars, protocol, tmp_path):
    path = written(tmp_path, protocol=protocol)
    line = path.read_text().splitlines()[-1]
    fraction = line.replace("map,0.5,percent", "mrr,0.5,fraction")
    path.write_text(f"{path.read_text()}{fraction}\n")
    titles = re.findall("^### (.*)", render_comparison(compared(cars, files=[path])), re.M)
    assert len(titles) == len(set(titles))
    assert {title.rpartition(", in ")[2] for title in titles} >= {"percent", "fraction"}


def test_a_run_without_a_value_says_why(cars, tmp_path):
    reason = "AMI and NMI are of one label an image"
    cars = cars.assign(nmi=float("nan"), reason=reason)
    path = written(tmp_path)
    path.write_text(path.read_text().replace("clip,map", "clip,nmi"))
    rows = compared(cars, files=[path])
    there = rows.set_index("method")["reason"]
    assert there.to_dict() == {"clip": reason, "Their method": ""}
    text = render_comparison(rows)
    assert table(text, "### All values")["CLIP"] == ["—", "—‡ / 0.50"]
    assert f"—‡ Cars196 Car Model, NMI, CLIP: {reason}" in text


def test_a_paper_of_which_nothing_is_here_is_named(cars, tmp_path):
    elsewhere = written(tmp_path)
    elsewhere.write_text(elsewhere.read_text().replace("cars196", "cars"))
    write_runs(tmp_path / "runs.parquet", cars)
    write_comparison([tmp_path / "runs.parquet"], tmp_path, [INDIRECT, elsewhere])
    text = (tmp_path / "published_comparison.md").read_text()
    assert "Nothing is shown of Mine: none of its notions is here" in text
    assert "## Mine" not in text
    methods = written(tmp_path)
    methods.write_text(methods.read_text().replace(",clip,", ",Another method,"))
    write_comparison([tmp_path / "runs.parquet"], tmp_path, [methods])
    text = (tmp_path / "published_comparison.md").read_text()
    assert "Nothing is shown of Mine: none of its methods was run here" in text


def test_a_protocol_in_the_papers_words_is_never_compared(cars, tmp_path):
    path = written(tmp_path, protocol="five-fold, half of each class")
    path.write_text(path.read_text().replace("five-fold, half", "five-fold; half"))
    rows = compared(cars, files=[path])
    assert rows["difference"].isna().all()
    text = render_comparison(rows)
    assert "published values are five-fold; half of each class, ours are leave-one-out" in text
    assert "No protocol here is theirs." in text


def test_texts_of_a_file_are_no_markup(cars, tmp_path):
    evil = "<script>stolen</script> | `code` $x$ =1+1 r's\u202e"
    rows = compared(cars, files=[written(tmp_path, evil)])
    text = render_comparison(rows)
    assert "<script>" not in text
    assert "\u202e" not in text
    assert "\\| \\`code\\` \\$x\\$" in text
    write_runs(tmp_path / "runs.parquet", cars)
    write_comparison([tmp_path / "runs.parquet"], tmp_path, [written(tmp_path, "=1+1")])
    assert ",'=1+1," in (tmp_path / "published_comparison.csv").read_text()
    read = read_comparison(tmp_path / "published_comparison.csv")
    assert set(read.loc[read["published_model"] != "", "published_model"]) == {"=1+1"}


def test_names_such_as_na_are_kept(cars, tmp_path):
    path = written(tmp_path, "NA")
    path.write_text(path.read_text().replace("Their method", "null"))
    rows = compared(cars, files=[path])
    (tmp_path / "rows.csv").write_text(to_csv(rows))
    read = read_comparison(tmp_path / "rows.csv")
    assert set(read["published_model"]) == {"NA"}
    assert "null" in set(read["method"])
    assert render_comparison(read) == render_comparison(rows)
