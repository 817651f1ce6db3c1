"""Where a value lies between chance and Oracle, in rows, tables and beside the published ones."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.errors import LanzdmlError
from lanzdml.metrics.runs import CHANCE, COLUMNS, MACRO, read_runs, write_runs
from lanzdml.metrics.scores import RANK_METRICS
from lanzdml.tables.paper import summarise, table_values
from lanzdml.tables.published import (
    compare,
    published_of_oracle,
)
from lanzdml.tables.published_tables import render_comparison
from lanzdml.tables.published_values import FOLDER, read_published
from lanzdml.tables.shares import share_tables
from tests.test_tables import rows


def scored(method, values, *, chance=0.1, **options):
    """Rows of a method whose every metric is by chance the same."""
    beside = dict.fromkeys([CHANCE + name for name in RANK_METRICS], chance)
    beside |= dict.fromkeys([MACRO + name for name in RANK_METRICS], 0.6)
    return [row | beside for row in rows(method, values, **options)]


def value_of(summary, method, metric="map_at_r", **query):
    found = summary[(summary["method"] == method) & (summary["metric"] == metric)]
    for column, value in query.items():
        found = found[found[column] == value]
    (row,) = found.to_dict("records")
    return row


def summary_of(*of_methods):
    return summarise(pd.DataFrame([row for of_method in of_methods for row in of_method]))


def test_a_value_lies_between_chance_and_oracle():
    summary = summary_of(
        scored("oracle", [0.8, 1.0]), scored("indirect", [0.2, 0.4]), scored("clip", [0.5], dim=512)
    )
    row = value_of(summary, "indirect")
    assert row["chance"] == 0.1
    assert row["above_chance"] == pytest.approx((0.3 - 0.1) / 0.9)
    assert row["of_oracle"] == pytest.approx(0.2 / 0.8)
    assert row["macro_mean"] == 0.6
    assert value_of(summary, "oracle")["of_oracle"] == pytest.approx(1)
    assert value_of(summary, "clip")["of_oracle"] == pytest.approx(0.5), "in the table of every dim"


def test_ami_is_0_by_chance_and_nmi_has_none():
    summary = summary_of(scored("oracle", [0.8]), scored("clip", [0.4], dim=512))
    row = value_of(summary, "clip", "ami")
    assert (row["chance"], row["above_chance"], row["of_oracle"]) == (0, 0.4, 0.5)
    row = value_of(summary, "clip", "nmi")
    assert np.isnan([row["chance"], row["above_chance"], row["of_oracle"]]).all()
    assert np.isnan([row["macro_mean"], value_of(summary, "clip", "ami")["macro_mean"]]).all()


@pytest.mark.parametrize(
    "oracle", [[], scored("oracle", [0.9], notion="other"), scored("oracle", [0.9], dim=64),
               scored("oracle", [0.9, np.nan]), scored("oracle", [0.05]),
               scored("oracle", [0.9], model="demo-S")],
    ids=["none", "other notion", "other dim", "some seeds", "below chance", "other model"],
)  # fmt: skip
def test_without_a_ceiling_there_is_no_share_of_it(oracle):
    row = value_of(summary_of(oracle, scored("indirect", [0.3])), "indirect")
    assert np.isnan(row["of_oracle"])
    assert row["above_chance"] == pytest.approx(0.2 / 0.9)


def test_one_class_is_all_chance():
    row = value_of(summary_of(scored("indirect", [1.0], chance=1.0)), "indirect")
    assert np.isnan(row["above_chance"])


def test_labels_of_another_notion_have_its_chance_and_ceiling():
    """As of AE on texture in the released protocol, which is scored on categories."""

    def of(method, value, notion, chance):
        of_method = scored(method, [value], notion=notion, chance=chance)
        return [row | {"dataset": "deepfashion", "protocol": "released"} for row in of_method]

    summary = summary_of(
        of("oracle", 0.7, "texture", 0.5), of("lae", 0.6, "texture", 0.5),
        of("ae", 0.2, "texture", 0.1), of("oracle", 0.3, "clothing_category", 0.1),
    )  # fmt: skip
    assert value_of(summary, "lae")["of_oracle"] == pytest.approx(0.5)
    assert value_of(summary, "ae")["of_oracle"] == pytest.approx(0.5)
    (table,) = share_tables(summary)
    assert table.cell_rows()[0][0].text == "50.0", "chance of the notion, not of what was mixed up"


def test_csvs_have_all_of_it_in_their_unit():
    summary = summary_of(scored("oracle", [0.9]), scored("indirect", [0.3]))
    row = value_of(table_values(summary, "table2"), "indirect")
    values = [row[name] for name in ("mean", "macro_mean", "chance", "above_chance", "of_oracle")]
    np.testing.assert_allclose(values, [30, 60, 10, 100 * 0.2 / 0.9, 25])
    row = value_of(table_values(summary, "appendix_table1"), "indirect")
    assert row["of_oracle"] == pytest.approx(0.25)


def test_the_table_of_shares_has_chance_and_a_column_a_method_or_a_row():
    summary = summary_of(
        scored("oracle", [0.9]), scored("indirect", [0.3]), scored("random", [0.0999])
    )
    (table,) = share_tables(summary)
    assert table.caption == (
        "Above chance with demo-M, r' = 128: chance, and the share of the way from there to "
        "Oracle, in percent"
    )
    assert table.columns == ["Chance", "Random", "InDiReCT", "Oracle"]
    assert [row[2] for row in table.heads] == ["MAP@R", "Prec@1"]
    assert [cell.text for cell in table.cell_rows()[0]] == ["10.0", "0.0", "25.0", "100.0"]
    (turned,) = share_tables(summary, methods_are_rows=True)
    assert turned.heads == [("Chance",), ("Random",), ("InDiReCT",), ("Oracle",)]
    assert [cell.text for cell in turned.cell_rows()[2]] == ["25.0", "25.0"]


def test_without_oracle_the_table_is_of_the_way_to_100():
    (table,) = share_tables(summary_of(scored("indirect", [0.28])))
    assert "to a score of 100" in table.caption
    assert table.cell_rows()[0][1].text == "20.0"


def test_files_of_earlier_versions_are_refused(tmp_path):
    path = tmp_path / "runs.parquet"
    write_runs(path, pd.DataFrame(rows("indirect", [0.3])).assign(status="ok"))
    frame = pd.read_parquet(path)
    assert list(frame) == list(COLUMNS)
    frame.drop(columns=[CHANCE + "map"]).to_parquet(path)
    with pytest.raises(LanzdmlError, match="has no column 'chance_map': delete it and run again"):
        read_runs([path])


def test_published_shares_of_the_way_to_oracle():
    published = read_published([FOLDER / "indirect.csv"])
    published["share"] = published_of_oracle(published)
    table2 = published[(published["source"] == "table2") & (published["metric"] == "map_at_r")]
    shares = table2.set_index(["notion", "method", "dataset"])["share"]
    assert shares["fit", "indirect", "deepfashion"] == pytest.approx(0.07, abs=0.005)
    assert shares["car_model", "indirect", "cars196"] == pytest.approx(0.89, abs=0.005)
    of_category = shares["clothing_category", "random_transform", "deepfashion"]
    slip = shares["fit", "random_transform", "deepfashion"]
    assert slip == pytest.approx(of_category, abs=0.01), "it was scored on categories"
    assert shares.xs("oracle", level="method").eq(1).all()
    assert published.loc[published["comparable"] == "false", "share"].isna().all()


def test_ours_stand_beside_the_published_shares():
    def of(method, values):
        return [row | {"dataset": "deepfashion"} for row in scored(method, values, notion="fit")]

    compared = compare(
        summary_of(of("oracle", [0.7]), of("indirect", [0.4])),
        read_published([FOLDER / "indirect.csv"]),
    )
    row = value_of(compared, "indirect", source="table2")
    assert row["of_oracle"] == pytest.approx(50)
    assert row["published_of_oracle"] == pytest.approx(7, abs=0.5)
    text = render_comparison(compared)
    assert "| DeepFashion | Fit | MAP@R | 50 / 7 | 100 / 100 |" in text
