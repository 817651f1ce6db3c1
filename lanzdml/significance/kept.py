"""What is kept of runs beside their metrics, by run: of their queries, clusterings and draws."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from lanzdml.methods import METHODS
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.significance.comparisons import NOTION

Run = tuple[str, ...]


def run_of(row: pd.Series) -> Run:
    """What names a run. A method that keeps the model's own size has one for the tables of all."""
    dim = str(row["dim"]) if METHODS[row["method"]].has_dim else ""
    return (*(row[name] for name in ("protocol", "model", *NOTION, "method")), dim)


def by_run(
    paths: Sequence[Path], reduce: Callable[[pd.DataFrame], pd.DataFrame]
) -> dict[Run, pd.DataFrame]:
    """What is kept of files of a run each, one after the other; those without rows are left out.

    All queries of all runs together would not fit into memory where images are many.
    """
    tables = (pd.read_parquet(path) for path in paths)
    return {run_of(table.iloc[0]): reduce(table) for table in tables if len(table)}


def mean_draws(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean over the seeds of each draw of images, and of how many."""
    by_draw = rows.groupby("draw")
    return by_draw[list(PER_QUERY)].mean().assign(n_seeds=by_draw.size())
