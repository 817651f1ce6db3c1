"""Compute the rows of ``significance.csv`` from the runs of the tables and what is kept of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.datasets.labels import LabelColumns, read_all_labels
from lanzdml.datasets.manifest import ID
from lanzdml.methods import in_order
from lanzdml.metrics.clusters import CLUSTER_METRICS
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.runs import PER_QUERY, read_runs
from lanzdml.significance.comparisons import (
    CLUSTERING_STD,
    COLUMNS,
    CRITICAL,
    FIT_STD,
    FRIEDMAN,
    NOTION,
    OURS,
    RANK,
    SEED,
    TEST,
    Row,
    reference_method,
)
from lanzdml.significance.differences import differences
from lanzdml.significance.kept import Run, by_run, mean_draws, run_of
from lanzdml.significance.ranks import corrected, false_discovery, notion_ranks
from lanzdml.significance.statistics import (
    critical_difference,
    friedman_test,
    holm,
    mean_ranks,
    signed_rank_tests,
)
from lanzdml.tables.paper import SETTING, is_whole, summarise

_SOME_SEEDS = "on some notion its value is that of some of its seeds"
_LABELS_SEEN = "sees labels"


def compute_significance(
    metrics_files: Sequence[Path],
    queries_files: Sequence[Path],
    clusterings_files: Sequence[Path],
    draws_files: Sequence[Path],
    counted: Collection[tuple[str, str]],
    sampled: Mapping[tuple[str, str, str], tuple[Path, LabelColumns]],
) -> pd.DataFrame:
    """All rows of the table, with :data:`lanzdml.significance.comparisons.COLUMNS`.

    Args:
        metrics_files: of the tables' runs.
        queries_files, clusterings_files, draws_files: what
            :func:`lanzdml.metrics.scoring.score_runs` kept of them.
        counted: dataset and notion of those that are ranked and tested over. Others with the same
            labels, or with labels that are put together of theirs, would repeat what they say.
        sampled: by protocol, dataset and notion, the manifest and its labels of the notions whose
            classes are a sample of more. Where images have several values, no query is of one
            class, and there is no interval for other classes.

    Raises:
        LanzdmlError: two methods were scored on other queries of a notion, or draws are not those
            of the runs, in files that do not belong together.
    """
    summary = _comparable(summarise(read_runs(metrics_files)))
    with_dim = set(summary.loc[summary["has_dim"], "method"])
    queries = by_run(queries_files, lambda rows: rows.groupby(ID)[list(PER_QUERY)].mean(), with_dim)
    draws = by_run(draws_files, mean_draws, with_dim)
    clusterings = by_run(clusterings_files, lambda rows: rows, with_dim)
    classes = {
        key: read_all_labels(path, {"labels": columns}).set_index(ID)["labels"]
        for key, (path, columns) in sampled.items()
    }
    rows = []
    for setting, block in summary.groupby(SETTING, sort=False, dropna=False):
        here = dict(zip(SETTING, setting, strict=True))
        pairs = corrected(differences(block, queries, draws, classes, counted))
        of_setting = (
            *pairs,
            *notion_ranks(pairs),
            *_over_notions(block, counted),
            *_spreads(block, clusterings),
        )
        rows += [here | row for row in of_setting]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _comparable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary without the values that a protocol makes of another notion's labels."""

    def other_labels(row: pd.Series) -> str | None:
        used = PROTOCOLS[row["protocol"]].notions_used
        labels, labels_of_ours = (
            used(row["dataset"], row["notion"], method).labels for method in (row["method"], OURS)
        )
        return f"scored by the labels of {labels}" if labels != labels_of_ours else None

    # Not "str": before pandas 3 that makes "None" of None, and so a reason for every value.
    other = summary.apply(other_labels, axis=1).astype("object")
    return summary.assign(
        mean=summary["mean"].mask(other.notna()),
        reason=other.where(other.notna(), summary["reason"]),
    )


def _over_notions(block: pd.DataFrame, counted: Collection[tuple[str, str]]) -> Iterator[Row]:
    """Ranks and tests of the methods that have a value on every counted notion that has any."""
    block = block[[tuple(notion) in counted for notion in block[NOTION].to_numpy()]]
    for metric in PER_QUERY:
        rows = block[block["metric"] == metric]
        scores = rows.pivot_table("mean", NOTION, "method", sort=False)
        scores = scores.reindex(columns=in_order(rows["method"]))
        supervised = list(rows.loc[rows["supervised"], "method"].unique())
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
        some_seeds = set(rows.loc[~is_whole(rows), "method"])
        for method, rank in mean_ranks(scores).items():
            note = _SOME_SEEDS if method in some_seeds else None
            row = {"part": RANK, **base, "method": method, "value": rank, "unit": "ranks"}
            yield row | {"note": note}
        limit = critical_difference(n_methods, n_notions)
        yield {"part": CRITICAL, **base, "value": limit, "unit": "ranks"}
        chi_squared, p = friedman_test(scores, SEED)
        if not np.isnan(p):
            yield {"part": FRIEDMAN, **base, "value": chi_squared, "p": p, "unit": "chi squared"}
        tests = signed_rank_tests(scores)
        tests = tests.assign(p_holm=holm(tests["p"]), p_fdr=false_discovery(tests["p"]))
        # A family is what the table shows: with all pairs in it, each method more would cost many.
        shown = tests[(tests[["method", "other"]] == reference_method(scores)).any(axis=1)]
        tests["p_holm_reference"] = pd.Series(holm(shown["p"]), shown.index)
        for row in tests.itertuples():
            mean = 100 * (scores[row.method] - scores[row.other]).mean()
            yield {
                "part": TEST, **base, "method": row.method, "other": row.other, "value": mean,
                "better": row.better, "worse": row.worse, "p": row.p, "p_holm": row.p_holm,
                "p_fdr": row.p_fdr, "p_holm_reference": row.p_holm_reference,
                "unit": "percent points",
            }  # fmt: skip


def _spreads(block: pd.DataFrame, clusterings: Mapping[Run, pd.DataFrame]) -> Iterator[Row]:
    """What seeds do: those of the fit to retrieval, and of fit and k-means apart to AMI and NMI."""
    notions = (rows for _, rows in block.groupby(NOTION, sort=False))
    for _, row in pd.concat(notions).iterrows():
        here = {name: row[name] for name in (*NOTION, "metric", "method")} | {"unit": "fractions"}
        if row["metric"] in PER_QUERY and row["n_seeds"] > 1:
            yield here | {"part": FIT_STD, "value": row["std"], "n": row["n_seeds"]}
            continue
        table = clusterings.get(run_of(row, row["has_dim"]))
        if row["metric"] in CLUSTER_METRICS and table is not None:
            for part, fixed in ((FIT_STD, "clustering_seed"), (CLUSTERING_STD, "fit_seed")):
                values = table.loc[table[fixed] == table[fixed].iloc[0], row["metric"]].dropna()
                if len(values) > 1:
                    yield here | {"part": part, "value": values.std(ddof=0), "n": len(values)}
