"""Which differences between methods are more than chance: the rows of ``significance.csv``.

Each setting (protocol, model and dim) has the differences of each two methods on a notion, ranks
and tests over its notions, and what the seeds of fits and of k-means do to the values.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS, in_order
from lanzdml.protocols import PROTOCOLS
from lanzdml.runs import CLUSTERED, PER_QUERY, read_runs
from lanzdml.significance import (
    critical_difference,
    friedman_test,
    holm,
    mean_ranks,
    paired_differences,
    signed_rank_tests,
)
from lanzdml.tables import SETTING, summarise

DIFFERENCE, TEST, RANK = "difference", "signed_rank", "mean_rank"
CRITICAL, FRIEDMAN = "critical_difference", "friedman"
FIT_STD, CLUSTERING_STD = "fit_std", "clustering_std"
COLUMNS = (
    "part", "protocol", "model", "dim", "dataset", "notion", "metric", "method", "other",
    "value", "low", "high", "decided", "counted", "better", "worse", "p", "p_holm_reference",
    "unit", "n", "reason",
)  # fmt: skip
"""Columns of the CSV. ``part`` says what a row is, and so what ``value`` and ``n`` are:

- ``difference``: ``method`` minus ``other`` on a notion in percent points, its interval ``low`` to
  ``high``, whether that leaves 0 out (``decided``), whether tests and ranks count the notion
  (``counted``); n queries. Without a value: the method that cannot be compared on the notion, and
  the ``reason``.
- ``signed_rank``: the test of two methods over n notions, on how many ``method`` is ``better``
  and ``worse``, and ``p``; for the pairs of the method that the table shows against the others
  also ``p_holm_reference``, corrected for their number; value is the mean difference in percent
  points.
- ``mean_rank``: a method's mean rank over n notions, or the ``reason`` why it has none.
- ``critical_difference``: of those ranks.
- ``friedman``: chi squared of those ranks, and ``p``; no row where it is not defined.
- ``fit_std``, ``clustering_std``: std over n seeds of the fit, and of k-means, in fractions.
"""
METRIC = "map_at_r"  # of sentences and figures
OURS, BASELINE = "indirect", "clip"
NOTION = ["dataset", "notion"]
_SEED = 0  # of the bootstrap
_LABELS_SEEN = "sees labels"


def compute_significance(
    metrics_files: Sequence[Path],
    queries_files: Sequence[Path],
    clusterings_files: Sequence[Path],
    counted: Collection[tuple[str, str]],
) -> pd.DataFrame:
    """All rows of the table, with :data:`COLUMNS`.

    Args:
        metrics_files: of the tables' runs.
        queries_files, clusterings_files: what :func:`lanzdml.runs.evaluate_runs` kept of them.
        counted: dataset and notion of those that are ranked and tested over. Others with the same
            labels, or with labels that are put together of theirs, would repeat what they say.

    Raises:
        LanzdmlError: two methods were scored on other queries of a notion, in files that do not
            belong together.
    """
    summary = _comparable(summarise(read_runs(metrics_files)))
    queries = _by_run(queries_files, lambda rows: rows.groupby("image_id")[list(PER_QUERY)].mean())
    clusterings = _by_run(clusterings_files, lambda rows: rows)
    rows = []
    for setting, block in summary.groupby(SETTING, sort=False):
        here = dict(zip(SETTING, setting, strict=True))
        found = (
            *_differences(block, queries, counted),
            *_over_notions(block, counted),
            *_spreads(block, clusterings),
        )
        rows += [here | row for row in found]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _comparable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary without the values that a protocol makes of another notion's labels."""

    def other_labels(row: pd.Series) -> str | None:
        sources = PROTOCOLS[row["protocol"]].sources
        labels, own = (
            sources(row["dataset"], row["notion"], method).labels
            for method in (row["method"], OURS)
        )
        return f"scored by the labels of {labels}" if labels != own else None

    # Not "str": before pandas 3 that makes "None" of None, and so a reason for every value.
    other = summary.apply(other_labels, axis=1).astype("object")
    return summary.assign(
        mean=summary["mean"].mask(other.notna()), reason=other.fillna(summary["reason"])
    )


_Run = tuple[str, ...]


def _run(row: Mapping | pd.Series) -> _Run:
    """What names a run. A method that keeps the model's own size has one for the tables of all."""
    dim = str(row["dim"]) if METHODS[row["method"]].has_dim else ""
    return (*(row[name] for name in ("protocol", "model", *NOTION, "method")), dim)


def _by_run(
    paths: Sequence[Path], reduce: Callable[[pd.DataFrame], pd.DataFrame]
) -> dict[_Run, pd.DataFrame]:
    """What is kept of files of a run each, one after the other; those without rows are left out.

    All queries of all runs together would not fit into memory where images are many.
    """
    tables = (pd.read_parquet(path) for path in paths)
    return {_run(table.iloc[0]): reduce(table) for table in tables if len(table)}


def _differences(
    block: pd.DataFrame, queries: Mapping[_Run, pd.DataFrame], counted: Collection[tuple[str, str]]
) -> Iterator[dict]:
    """Each two methods on each notion."""
    for (dataset, notion), rows in block[block["metric"] == METRIC].groupby(NOTION, sort=False):
        here = {"part": DIFFERENCE, "dataset": dataset, "notion": notion}
        by_method = {row["method"]: row for _, row in rows.iterrows()}
        made = []
        for method in in_order(by_method):
            row = by_method[method]
            if pd.isna(row["mean"]):
                yield here | {"method": method, "reason": row["reason"]}
            else:
                made.append(method)
        if len(made) < 2:
            continue
        for metric in PER_QUERY:
            values = {method: queries[_run(by_method[method])][metric] for method in made}
            table = 100 * pd.DataFrame(values, dtype="float64")
            if table.isna().any(axis=None):
                raise LanzdmlError(
                    f"methods were scored on other images of {dataset}/{notion}: delete the "
                    "folder queries and run again"
                )
            for row in paired_differences(table, _SEED).itertuples():
                yield here | {
                    "metric": metric, "method": row.method, "other": row.other,
                    "value": row.difference, "low": row.low, "high": row.high,
                    "decided": row.decided, "counted": (dataset, notion) in counted,
                    "unit": "percent points", "n": len(table),
                }  # fmt: skip


def _over_notions(block: pd.DataFrame, counted: Collection[tuple[str, str]]) -> Iterator[dict]:
    """Ranks and tests of the methods that have a value on every counted notion that has any."""
    block = block[[tuple(notion) in counted for notion in block[NOTION].to_numpy()]]
    for metric in PER_QUERY:
        rows = block[block["metric"] == metric]
        scores = rows.pivot_table("mean", NOTION, "method", sort=False)
        scores = scores.reindex(columns=in_order(rows["method"]))
        supervised = [name for name in scores if METHODS[name].supervised]
        gaps = scores.isna().sum()
        for method in scores:
            if method in supervised:
                reason = _LABELS_SEEN
            elif gaps[method]:
                reason = f"no value on {gaps[method]} of {len(scores)} notions"
            else:
                continue
            yield {"part": RANK, "metric": metric, "method": method, "reason": reason}
        scores = scores.drop(columns=supervised).dropna(axis="columns")
        n_notions, n_methods = scores.shape
        if n_notions < 2 or n_methods < 2:
            continue
        base = {"metric": metric, "n": n_notions}
        for method, rank in mean_ranks(scores).items():
            yield {"part": RANK, **base, "method": method, "value": rank, "unit": "ranks"}
        limit = critical_difference(n_methods, n_notions)
        yield {"part": CRITICAL, **base, "value": limit, "unit": "ranks"}
        chi_squared, p = friedman_test(scores)
        if not np.isnan(p):
            yield {"part": FRIEDMAN, **base, "value": chi_squared, "p": p, "unit": "chi squared"}
        tests = signed_rank_tests(scores)
        # A family is what the table shows: with all pairs in it, each method more would cost many.
        shown = tests[(tests[["method", "other"]] == reference_method(scores)).any(axis=1)]
        tests["p_holm"] = pd.Series(holm(shown["p"]), shown.index)
        for row in tests.itertuples():
            mean = 100 * (scores[row.method] - scores[row.other]).mean()
            yield {
                "part": TEST, **base, "method": row.method, "other": row.other, "value": mean,
                "better": row.better, "worse": row.worse, "p": row.p,
                "p_holm_reference": row.p_holm, "unit": "percent points",
            }  # fmt: skip


def _spreads(block: pd.DataFrame, clusterings: Mapping[_Run, pd.DataFrame]) -> Iterator[dict]:
    """What seeds do: those of the fit to retrieval, and of fit and k-means apart to AMI and NMI."""
    notions = (rows for _, rows in block.groupby(NOTION, sort=False))
    for _, row in pd.concat(notions).iterrows():
        here = {name: row[name] for name in (*NOTION, "metric", "method")} | {"unit": "fractions"}
        if row["metric"] in PER_QUERY and row["n_seeds"] > 1:
            yield here | {"part": FIT_STD, "value": row["std"], "n": row["n_seeds"]}
        elif row["metric"] in CLUSTERED and _run(row) in clusterings:
            table = clusterings[_run(row)]
            for part, fixed in ((FIT_STD, "clustering_seed"), (CLUSTERING_STD, "fit_seed")):
                values = table.loc[table[fixed] == table[fixed].iloc[0], row["metric"]]
                if len(values) > 1:
                    yield here | {"part": part, "value": values.std(ddof=0), "n": len(values)}


def reference_method(methods: Iterable[str]) -> str | None:
    """The method that others are shown against; None where none of them sees no labels.

    InDiReCT, or CLIP where it has no values, or else what comes first.
    """
    competing = [name for name in in_order(methods) if not METHODS[name].supervised]
    preferred = [name for name in (OURS, BASELINE) if name in competing]
    return next(iter([*preferred, *competing]), None)


def ranked(block: pd.DataFrame, metric: str = METRIC) -> pd.Series:
    """Mean ranks of a setting's methods, the best first; empty where there are none."""
    rows = block[(block["part"] == RANK) & (block["metric"] == metric)].dropna(subset="value")
    return rows.set_index("method")["value"]


def critical_limit(block: pd.DataFrame, metric: str = METRIC) -> tuple[float, int]:
    """The critical difference of :func:`ranked`, and over how many notions."""
    row = block[(block["part"] == CRITICAL) & (block["metric"] == metric)].iloc[0]
    return float(row["value"]), int(row["n"])


def read_significance(path: Path) -> pd.DataFrame:
    """The rows of the CSV."""
    # Only what is empty is missing: a notion may be called "null", or "007".
    texts = dict.fromkeys(["model", *NOTION, "method", "other"], "str")
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
