"""What is kept of runs beside their metrics, by run: of their queries, clusterings and draws."""

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd

from lanzdml.datasets.parquet_file import read_result
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.significance.comparisons import NOTION

Run = tuple[str, ...]


def run_of(row: pd.Series, has_dim: bool) -> Run:
    """What names a run, of a row of what is kept of it or of the summary.

    A method whose size nobody chooses may have another for each seed.
    """
    dim = str(row["dim"]) if has_dim else ""
    return (*(row[name] for name in ("protocol", "model", *NOTION, "method")), dim)


def by_run(
    paths: Sequence[Path],
    reduce: Callable[[pd.DataFrame], pd.DataFrame],
    with_dim: Collection[str],
) -> dict[Run, pd.DataFrame]:
    """What is kept of runs, whose files (one a seed) follow each other; without rows there is none.

    All queries of all runs together would not fit into memory where images are many.

    Args:
        paths: the files.
        reduce: what becomes of the rows of a run.
        with_dim: the methods that have a ``dim``.

    Raises:
        ValueError: the files of a run do not follow each other.
    """
    tables = (table for table in (read_result(path).to_pandas() for path in paths) if len(table))
    kept: dict[Run, pd.DataFrame] = {}

    def run_of_table(table: pd.DataFrame) -> Run:
        row = table.iloc[0]
        return run_of(row, row["method"] in with_dim)

    for run, of_run in groupby(tables, run_of_table):
        if run in kept:
            raise ValueError(f"the files of {run} do not follow each other")
        kept[run] = reduce(pd.concat(of_run, ignore_index=True))
    return kept


def mean_draws(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean over the seeds of each draw of images, and of how many."""
    by_draw = rows.groupby("draw")
    return by_draw[list(PER_QUERY)].mean().assign(n_seeds=by_draw.size())
