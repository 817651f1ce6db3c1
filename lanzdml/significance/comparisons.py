"""Which differences hold for other images and other fits: the rows of ``significance.csv``.

Each setting (protocol, model and dim) has the differences of each two methods on a notion, ranks
and tests over its notions, and what the seeds of fits and of k-means do to the values.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.datasets.manifest import ID, LabelColumns, read_all_labels
from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS, in_order
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.runs import CLUSTERED, PER_QUERY, read_runs
from lanzdml.names import METHOD_NAMES, on_paper
from lanzdml.significance.statistics import (
    DECIMALS,
    LEAST_DIFFERING,
    LEAST_QUERIES,
    Measured,
    StandardError,
    class_error,
    critical_difference,
    friedman_test,
    holm,
    interval,
    kinds_of_chance,
    mean_ranks,
    query_intervals,
    signed_rank_tests,
)
from lanzdml.tables.paper import SETTING, is_whole, summarise

DIFFERENCE, TEST, RANK = "difference", "signed_rank", "mean_rank"
CRITICAL, FRIEDMAN = "critical_difference", "friedman"
FIT_STD, CLUSTERING_STD = "fit_std", "clustering_std"
COLUMNS = (
    "part", "protocol", "model", "dim", "dataset", "notion", "metric", "method", "other",
    "value", "low", "high", "decided", "se_images", "se_fits", "df", "low_queries", "high_queries",
    "se_classes", "df_classes", "low_classes", "high_classes", "counted", "better", "worse", "p",
    "p_holm_reference", "unit", "n", "reason", "note",
)  # fmt: skip
"""Columns of the CSV. ``part`` says what a row is, and so what ``value`` and ``n`` are:

- ``difference``: ``method`` minus ``other`` on a notion in percent points; ``low`` to ``high``,
  which other images of these classes and other fits leave open, and what it is made of: the
  standard errors ``se_images`` and ``se_fits`` and the degrees of freedom ``df``; whether it
  leaves 0 out (``decided``); ``low_queries`` to ``high_queries``, which other queries on the same
  references leave open; of a notion whose classes are a sample ``se_classes`` (images in it),
  ``df_classes`` and ``low_classes`` to ``high_classes``, for other classes, images and fits;
  whether tests and ranks count the notion (``counted``); n queries; a ``note`` on what is not in
  the interval. Without a value: the method that cannot be compared on the notion, and the
  ``reason``.
- ``signed_rank``: the test of two methods over n notions, on how many ``method`` is ``better``
  and ``worse``, and ``p``; for the pairs of the method that the table shows against the others
  also ``p_holm_reference``, corrected for their number; value is the mean difference in percent
  points.
- ``mean_rank``: a method's mean rank over n notions, or the ``reason`` why it has none; a ``note``
  where a value that is ranked is not that of all seeds.
- ``critical_difference``: of those ranks.
- ``friedman``: chi squared of those ranks, and ``p``; no row where it is not defined.
- ``fit_std``, ``clustering_std``: std over n seeds of the fit, and of k-means, in fractions.
"""
METRIC = "map_at_r"  # of sentences and figures
OURS, BASELINE = "indirect", "clip"
NOTION = ["dataset", "notion"]
ONE_SEED = "with one seed"
TIE = 100 * 10.0**-DECIMALS  # percent points
_SAME_QUERY = 1e-5  # percent points: scores of queries are stored as float32
_SEED = 0  # of what is drawn here
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
    """All rows of the table, with :data:`COLUMNS`.

    Args:
        metrics_files: of the tables' runs.
        queries_files, clusterings_files, draws_files: what
            :func:`lanzdml.metrics.runs.evaluate_runs` kept of them.
        counted: dataset and notion of those that are ranked and tested over. Others with the same
            labels, or with labels that are put together of theirs, would repeat what they say.
        sampled: by protocol, dataset and notion, the manifest and its labels of the notions whose
            classes are a sample of more.

    Raises:
        LanzdmlError: two methods were scored on other queries of a notion, or draws are not those
            of the runs, in files that do not belong together.
    """
    summary = _comparable(summarise(read_runs(metrics_files)))
    queries = _by_run(queries_files, lambda rows: rows.groupby(ID)[list(PER_QUERY)].mean())
    draws = _by_run(draws_files, _mean_draws)
    clusterings = _by_run(clusterings_files, lambda rows: rows)
    classes = {
        key: read_all_labels(path, {"labels": columns}).set_index(ID)["labels"]
        for key, (path, columns) in sampled.items()
    }
    rows = []
    for setting, block in summary.groupby(SETTING, sort=False, dropna=False):
        here = dict(zip(SETTING, setting, strict=True))
        found = (
            *_differences(block, queries, draws, classes, counted),
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
        mean=summary["mean"].mask(other.notna()),
        reason=other.where(other.notna(), summary["reason"]),
    )


def _mean_draws(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean over the seeds of each draw of images, and of how many."""
    by_draw = rows.groupby("draw")
    return by_draw[list(PER_QUERY)].mean().assign(n_seeds=by_draw.size())


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
    block: pd.DataFrame,
    queries: Mapping[_Run, pd.DataFrame],
    draws: Mapping[_Run, pd.DataFrame],
    classes: Mapping[tuple[str, str, str], pd.Series],
    counted: Collection[tuple[str, str]],
) -> Iterator[dict]:
    """Each two methods on each notion."""
    keys = ["protocol", *NOTION]
    for key, of_notion in block.groupby(keys, sort=False):
        _, dataset, notion = key
        where = f"{dataset}/{notion}"
        here = {"part": DIFFERENCE, "dataset": dataset, "notion": notion}
        for metric in PER_QUERY:
            rows = of_notion[of_notion["metric"] == metric]
            by_method = {row["method"]: row for _, row in rows.iterrows()}
            made = [name for name in in_order(by_method) if pd.notna(by_method[name]["mean"])]
            if metric == METRIC:
                for method in in_order(by_method.keys() - set(made)):
                    yield here | {"method": method, "reason": by_method[method]["reason"]}
            if len(made) < 2:
                continue
            kept = {name: queries[_run(by_method[name])][metric] for name in made}
            table = 100 * pd.DataFrame(kept, dtype="float64")
            if table.isna().any(axis=None):
                raise LanzdmlError(
                    f"methods were scored on other images of {where}: delete the folder queries "
                    "and run again"
                )
            labels = _labels(classes[key], table.index, where) if key in classes else None
            measured = {name: _measured(by_method[name], draws, where) for name in made}
            for pair in query_intervals(table, _SEED).itertuples():
                (a, its_notes), (b, other_notes) = measured[pair.method], measured[pair.other]
                yield here | {
                    "metric": metric, "method": pair.method, "other": pair.other,
                    "low_queries": pair.low, "high_queries": pair.high,
                    "counted": (dataset, notion) in counted,
                    "unit": "percent points", "n": len(table),
                    "note": "; ".join([*its_notes, *other_notes]) or None,
                } | _interval_of(a, b, table[pair.method] - table[pair.other], labels)  # fmt: skip


def _measured(
    row: pd.Series, draws: Mapping[_Run, pd.DataFrame], where: str
) -> tuple[Measured, list[str]]:
    """The method of a row of the summary, in percent, and what its intervals leave out."""
    method, name = METHODS[row["method"]], on_paper(row["method"], METHOD_NAMES)
    seeds = int(row["n_seeds"])
    drawn = draws.get(_run(row))
    if drawn is None or (drawn["n_seeds"] != (1 if method.deterministic else seeds)).any():
        raise LanzdmlError(
            f"draws of images of {where} are not those of the fits of {row['method']}: delete the "
            "folder draws and run again"
        )
    notes, fits = [], None
    if seeds < row["n_runs"]:
        notes.append(f"{name} has a value for {seeds} of {row['n_runs']} seeds")
    if not method.deterministic and seeds == 1:
        notes.append(f"{ONE_SEED} of {name}, chance in fitting is not in it")
    elif not method.deterministic:
        # That of their mean: the summary's std is the population's.
        fits = StandardError(100 * row["std"] / np.sqrt(seeds - 1), seeds - 1)
    if method.supervised or method.transductive:
        notes.append(f"{name} is not refitted to other images")
    return Measured(100 * row["mean"], 100 * drawn[row["metric"]].to_numpy(), fits), notes


def _interval_of(a: Measured, b: Measured, by_query: pd.Series, labels: pd.Series | None) -> dict:
    """The interval of a minus b, what it is made of, and that for other classes.

    Args:
        a, b: two methods.
        by_query: their differences.
        labels: of the same queries, where classes are a sample.
    """
    value, n = a.mean - b.mean, len(by_query)
    images, *fits = kinds_of_chance(a, b, n)
    row = {
        "value": value,
        "se_images": images.value,
        "se_fits": float(np.sqrt(sum(error.value**2 for error in fits))),
        "decided": False,
    }
    if n < LEAST_QUERIES:
        return row
    low, high, df = interval(value, [images, *fits])
    differing = (by_query.abs() > _SAME_QUERY).sum()
    row |= {"low": low, "high": high, "df": df}
    row["decided"] = bool(
        (low > 0 or high < 0) and abs(value) >= TIE and differing >= LEAST_DIFFERING
    )
    if labels is not None:
        sampled = class_error(by_query, labels)
        low, high, df = interval(value, [sampled, *fits])
        row |= {"se_classes": sampled.value, "df_classes": df}
        row |= {"low_classes": low, "high_classes": high}
    return row


def _labels(labels: pd.Series, image_ids: pd.Index, where: str) -> pd.Series:
    """The labels of queries, by their ids."""
    found = labels.reindex(image_ids)
    if found.isna().any():
        raise LanzdmlError(
            f"{where}: the manifest has no label of the query {found.index[found.isna()][0]!r}: "
            "delete the folder queries and run again"
        )
    return found


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
        some_seeds = set(rows.loc[~is_whole(rows), "method"])
        for method, rank in mean_ranks(scores).items():
            note = _SOME_SEEDS if method in some_seeds else None
            row = {"part": RANK, **base, "method": method, "value": rank, "unit": "ranks"}
            yield row | {"note": note}
        limit = critical_difference(n_methods, n_notions)
        yield {"part": CRITICAL, **base, "value": limit, "unit": "ranks"}
        chi_squared, p = friedman_test(scores, _SEED)
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
    texts = dict.fromkeys(["model", *NOTION, "method", "other", "note"], "str")
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
