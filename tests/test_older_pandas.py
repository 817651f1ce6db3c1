"""What pandas 3 calls str are objects before it, and what is missing is None or NaN among them."""

import warnings

import pandas as pd
import pytest

from lanzdml.report.run_table import run_table
from tests.test_significance_table import Files


@pytest.fixture(autouse=True)
def objects():
    """Strings as before pandas 3, whichever is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas 4 cannot do this any more
        with pd.option_context("future.infer_string", False):
            yield


def test_no_reason_is_made_of_none(tmp_path):
    files = Files(tmp_path)
    files.add("clip", 0.2)
    files.add("indirect", 0.3)
    rows = files.rows()
    (row,) = rows[(rows["part"] == "difference") & (rows["metric"] == "map_at_r")].itertuples()
    assert row.value == pytest.approx(-10)
    assert rows["reason"].isna().all()


def test_filters_of_the_runs_are_in_the_order_of_the_runs():
    names = {"dataset": ["d"] * 3, "notion": ["n"] * 3, "method": ["random", "clip", "indirect"]}
    table = run_table(pd.DataFrame(names | {"dim": [16, 4, 16]}))
    options = {column.name: column.options for column in table.columns}
    assert options == {"method": ["Random", "CLIP", "InDiReCT"], "dim": ["4", "16"]}
