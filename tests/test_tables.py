"""Tables: layout, rounding, bold, dashes."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lanzdml.metrics.runs import traits_of
from lanzdml.metrics.scores import METRICS
from lanzdml.tables.paper import render_table, summarise
from lanzdml.tables.poor_fits import FACTOR


def rows(method, values, *, notion="car_model", dim=128, reason=None, model="demo-M"):
    """Runs of one method, a seed for each value of map_at_r."""
    return [
        {
            "dataset": "demo_cars", "notion": notion, "model": model, "protocol": "paper",
            "method": method, "dim": dim, "n_prompts": 17, "seed": seed,
            **dict.fromkeys(METRICS, value), "n_images": 9, "n_classes": 3,
            "n_queries": 9, "tied_queries": 0,
            "loss": None, "reason": reason, "against": None, "dim_auto": False, **traits_of(method),
        }
        for seed, value in enumerate(values)
    ]  # fmt: skip


@pytest.fixture
def runs():
    return pd.DataFrame(
        rows("oracle", [0.9, 0.9])
        + rows("clip", [0.2, 0.2], dim=512)
        + rows("indirect", [0.25, 0.35])
        + rows("lae", [0.2999, 0.2999])
        + rows("pca", [np.nan, np.nan], reason="needs more prompts")
    )


def render(runs, table, suffix):
    return render_table(summarise(runs), table, suffix)


def table_lines(text):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_markdown_has_the_paper_layout(runs):
    header, _, first, second = table_lines(render(runs, "table2", "md"))
    assert header == ["Dataset", "Notion", "Metric", "CLIP", "InDiReCT", "PCA", "LAE", "Oracle"]
    assert first[:3] == ["Demo Cars", "Car Model", "MAP@R"]
    assert second[:3] == ["", "", "Prec@1"]


def test_values_are_percent_with_population_std(runs):
    first = table_lines(render(runs, "table2", "md"))[2]
    # std of 0.25 and 0.35 with ddof = 0 is 0.05; CLIP has no seed and so no std
    assert first[3:] == ["20.0", "**30.0 ± 5.0**", "—", "**30.0 ± 0.0**", "90.0 ± 0.0"]


def test_the_reason_of_a_dash_is_given(runs):
    assert "- — PCA, Demo Cars Car Model: needs more prompts" in render(runs, "table2", "md")


def test_appendix_has_all_metrics_as_fractions(runs):
    lines = table_lines(render(runs, "appendix_table1", "md"))[2:]
    names = [line[2] for line in lines]
    assert names == ["MAP@R", "Prec@1", "R-Prec", "AMI", "NMI", "MAP", "MRR"]
    assert lines[0][4] == "**0.300 ± 0.050**"
    # clustering has a seed also where the embedding has none
    assert lines[names.index("AMI")][3] == "0.200 ± 0.000"


def test_appendix_has_what_was_asked_for_after_the_seven(runs):
    before = render(runs, "table2", "md"), render(runs, "appendix_table1", "md")
    more = runs.assign(silhouette=runs["map_at_r"] - 0.5, recall_at_5=runs["map_at_r"])
    more = more.assign(chance_recall_at_5=0.1, ari=runs["map_at_r"])
    assert render(more, "table2", "md") == before[0]
    lines = table_lines(render(more, "appendix_table1", "md"))[2:]
    assert [line[2] for line in lines[7:]] == ["Recall@5", "ARI", "Silhouette"]
    assert lines[:7] == table_lines(before[1])[2:]
    # Nothing of the first and the last depends on a seed, where the method does not.
    assert [line[3] for line in lines[7:]] == ["0.200", "0.200 ± 0.000", "-0.300"]
    table = pd.read_csv(io.StringIO(render(more, "appendix_table1", "csv")))
    by_chance = table.drop_duplicates("metric").set_index("metric")["chance"]
    assert by_chance[["recall_at_5", "ari"]].tolist() == [0.1, 0]
    assert np.isnan(by_chance["silhouette"])


def test_csv_holds_full_precision(runs):
    table = pd.read_csv(io.StringIO(render(runs, "table2", "csv")))
    value = table.query("method == 'lae' and metric == 'map_at_r'").iloc[0]
    assert value["mean"] == pytest.approx(29.99)
    assert value["n_seeds"] == 2
    assert value["unit"] == "percent"
    pca = table.query("method == 'pca'")
    assert pca["mean"].isna().all()
    assert set(pca["reason"]) == {"needs more prompts"}
    assert set(table.query("method == 'clip'")["dim"]) == {128}


def test_each_model_and_dim_has_a_section_with_clip_in_each():
    runs = pd.DataFrame(
        rows("clip", [0.2], dim=512)
        + rows("indirect", [0.3], dim=64)
        + rows("indirect", [0.4], dim=128)
        + rows("clip", [0.1], dim=512, model="demo-S")
        + rows("indirect", [0.2], dim=64, model="demo-S")
    )
    text = render(runs, "table2", "md")
    assert text.count("with demo-M, r' = 64") == text.count("with demo-M, r' = 128") == 1
    lines = [line for line in table_lines(text) if line[2] == "MAP@R"]
    assert [line[3:] for line in lines] == [
        ["20.0", "**30.0**"],
        ["20.0", "**40.0**"],
        ["10.0", "**20.0**"],
    ]


def test_latex_escapes_names():
    runs = pd.DataFrame(rows("indirect", [0.25, 0.35], notion="my_notion"))
    text = render(runs, "table2", "tex")
    assert r"my\_notion" in text
    assert r"\textbf{30.0 $\pm$ 5.0}" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1


def test_a_tiny_negative_value_is_no_minus_zero():
    runs = pd.DataFrame(rows("random", [-0.0001]))
    assert "-0.0" not in render(runs, "appendix_table1", "md")


def partly(method="indirect", values=(0.9, np.nan, np.nan, np.nan, np.nan)):
    """Runs of which some have no value, with the reason in those rows."""
    runs = rows(method, values)
    return [row | {"reason": "diverged" if np.isnan(row["map_at_r"]) else None} for row in runs]


def test_seeds_that_failed_do_not_count():
    runs = pd.DataFrame(partly(values=[0.3, np.nan]))
    table = pd.read_csv(io.StringIO(render(runs, "table2", "csv")))
    assert set(table["n_seeds"]) == {1}
    assert set(table["n_runs"]) == {2}
    assert set(table["reason"]) == {"diverged"}
    assert table["mean"].tolist() == [30.0, 30.0]


@pytest.mark.parametrize("table", ["table2", "appendix_table1"])
def test_a_value_of_some_seeds_says_so_and_is_not_the_best(table):
    runs = pd.DataFrame(rows("clip", [0.2] * 5, dim=512) + partly())
    text = render(runs, table, "md")
    first = table_lines(text)[2]
    best, some = (
        ("**20.0**", "90.0 (1 of 5)") if table == "table2" else ("**0.200**", "0.900 (1 of 5)")
    )
    assert first[3:] == [best, some]
    assert (
        "- (1 of 5) InDiReCT, Demo Cars Car Model: of these seeds alone, and so never in bold; the "
        "first of the others: diverged"
    ) in text
    assert render(runs, table, "tex").count(r"\textbf") == text.count("**") / 2
    two = pd.DataFrame(partly(values=[0.9, 0.7, np.nan]))
    assert table_lines(render(two, "table2", "md"))[2][3:] == ["80.0 ± 10.0 (2 of 3)"]


def test_sizes_that_nobody_chooses_may_differ_by_seed():
    made, failed = partly("prompt_posterior", values=[0.9, np.nan])
    sizes = pd.DataFrame([made | {"dim": 5}, failed | {"dim": 512}])
    assert table_lines(render(sizes, "table2", "md"))[2][3:] == ["90.0 (1 of 2)"]
    first, second = rows("prompt_posterior", [0.9, 0.7])
    sizes = pd.DataFrame([first | {"dim": 5}, second | {"dim": 6}])
    table = summarise(sizes)
    assert set(table["n_runs"]) == {2}
    assert table["mean"].tolist() == pytest.approx([0.8] * len(METRICS))


def test_methods_without_a_dim_alone_have_one_table_a_model():
    runs = pd.DataFrame(
        rows("clip", [0.2], dim=512)
        + rows("prompt_posterior", [0.3], dim=171)
        + rows("prompt_posterior", [0.4], dim=17, notion="car_color")
        + rows("clip", [0.1], dim=512, model="demo-S")
    )
    text = render(runs, "table2", "md")
    titles = [line for line in text.splitlines() if line.startswith("Retrieval")]
    assert [title.split(":")[0] for title in titles] == [
        "Retrieval with demo-M, in percent", "Retrieval with demo-S, in percent"
    ]  # fmt: skip
    values = [line[3:] for line in table_lines(text) if line[2] == "MAP@R"]
    assert values == [["20.0", "**30.0**"], ["—", "**40.0**"], ["**10.0**", "—"]]
    table = pd.read_csv(io.StringIO(render(runs, "table2", "csv")))
    assert len(table) == 8
    assert set(table["dim"]) == {0}


def test_a_model_with_nothing_but_methods_without_a_dim_stays_in_the_tables():
    runs = pd.DataFrame(
        rows("clip", [0.2], dim=512) + rows("indirect", [0.3], dim=64)
        + rows("clip", [0.1], dim=512, model="demo-S")
    )  # fmt: skip
    text = render(runs, "table2", "md")
    assert [line[3:] for line in table_lines(text) if line[2] == "MAP@R"] == [
        ["20.0", "**30.0**"], ["**10.0**", "—"]
    ]  # fmt: skip
    assert "with demo-M, r' = 64, in percent" in text
    assert "with demo-S, in percent" in text


def test_protocols_are_named_where_there_is_more_than_the_default():
    runs = pd.DataFrame(rows("indirect", [0.25, 0.35]))
    assert "protocol" not in render(runs, "table2", "md")
    both = pd.concat([runs, runs.assign(protocol="released")])
    titles = [line for line in render(both, "table2", "md").splitlines() if "r' =" in line]
    assert [title.split(", ")[2] for title in titles] == ["paper protocol", "released protocol"]
    assert "released protocol" in render(runs.assign(protocol="released"), "table2", "md")


def test_scores_that_are_expectations_over_ties_are_named():
    def tied(*numbers, method="indirect"):
        made = rows(method, [0.5] * len(numbers))
        return [row | {"tied_queries": n} for row, n in zip(made, numbers, strict=True)]

    runs = pd.DataFrame(tied(0, 4) + tied(0, 0, method="lae"))
    text = render(runs, "table2", "md")
    assert (
        "InDiReCT, Demo Cars Car Model: 4 of 9 queries are as similar to some of another class"
        in text
    )
    assert "LAE, Demo Cars" not in text


def fits(losses, method="ae", notion="car_color", dim=128):
    """Runs of one method, a seed for each loss."""
    made = rows(method, [0.3] * len(losses), notion=notion, dim=dim)
    return [row | {"loss": loss} for row, loss in zip(made, losses, strict=True)]


def notes(runs, table="table2"):
    return [
        line for line in render(pd.DataFrame(runs), table, "md").splitlines() if line[:2] == "- "
    ]


@pytest.mark.parametrize("table", ["table2", "appendix_table1"])
def test_a_fit_that_ended_far_above_the_others_is_named(table):
    runs = fits([0.004, 0.006, 1.8, 0.005, 0.007]) + fits([0.3, 0.2, 0.4], "indirect")
    assert notes(runs, table) == [
        "- AE, Demo Cars Car Color: seed 2 ended at a loss of 1.8, 300 times the median of the 5 "
        "seeds (0.006); its scores count as the others' do. Said of losses above 5 times the median"
    ]


def test_each_such_fit_is_named_in_the_table_of_its_dim():
    runs = fits([0.1, 0.01, 0.01, 0.2, 0.01]) + fits([0.01, 0.01, 0.09], dim=16)
    runs += fits([0.01, 0.09, 0.01], notion="car_model")
    told = [line.partition(" ended")[0] for line in notes(runs)]
    assert told == [
        "- AE, Demo Cars Car Color: seed 0", "- AE, Demo Cars Car Color: seed 3",
        "- AE, Demo Cars Car Model: seed 1", "- AE, Demo Cars Car Color: seed 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "losses",
    [
        [0.004, 0.006, 0.0249, 0.005, 0.002],  # within five times
        [0.001, 0.5],  # two seeds: either could be the odd one
        [0.001, 0.5, None],  # of one nothing is known
        [1e-12, 1e-12, 1e-12, 1e-12, 9e-4],  # nothing was left to learn
        [None] * 5,
    ],
)
def test_no_fit_is_named_without_reason(losses):
    assert notes(fits(losses)) == []


def test_the_document_says_from_where_on_fits_are_named():
    text = (Path(__file__).parents[1] / "docs/significance.md").read_text(encoding="utf-8")
    assert f"loss is more than {FACTOR} times the median of its seeds" in text


def test_tables_say_which_k_means_found_the_clusters(runs):
    assert "k-means" not in render(runs, "appendix_table1", "md")
    batches = runs.assign(kmeans_batch_size=pd.array([10_000] * len(runs), "Int64"))
    note = "AMI, NMI: clusters are of mini-batch k-means, 10,000 images a batch, and not to be"
    assert note in render(batches, "appendix_table1", "md")
    assert "k-means" not in render(batches, "table2", "md"), "which has none of them"
    values = pd.read_csv(io.StringIO(render(batches, "appendix_table1", "csv")))
    assert (values["kmeans_batch_size"] == 10_000).all()
    assert "kmeans_batch_size" not in render(runs, "appendix_table1", "csv")
