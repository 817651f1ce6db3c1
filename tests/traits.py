"""Rows of tests with what a row says of its method."""

import pandas as pd

from lanzdml.metrics.runs import traits_of


def with_traits(rows):
    """A data frame of runs with the columns that a job fills by the method."""
    told = {} if "against" in rows else {"against": None}
    told |= {} if "dim_auto" in rows else {"dim_auto": False}
    traits = [traits_of(name) | told for name in rows["method"]]
    return rows.join(pd.DataFrame(traits, rows.index))
