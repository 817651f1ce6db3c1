"""The differences of each two methods on a notion: what other images and other fits leave open."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd

from lanzdml.arithmetic.labels import has_several
from lanzdml.errors import LanzdmlError
from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.significance.comparisons import DIFFERENCE, METRIC, NOTION, ONE_SEED, SEED, TIE, Row
from lanzdml.significance.kept import Run, run_of
from lanzdml.significance.statistics import (
    LEAST_DIFFERING,
    LEAST_QUERIES,
    Measured,
    StandardError,
    class_error,
    interval,
    kinds_of_chance,
    p_value,
    query_intervals,
    smallest_difference,
)

NO_CLASS = "no interval for other classes, as images have several values"
_SAME_QUERY = 1e-5  # percent points: scores of queries are stored as float32


def differences(
    block: pd.DataFrame,
    queries: Mapping[Run, pd.DataFrame],
    draws: Mapping[Run, pd.DataFrame],
    classes: Mapping[tuple[str, str, str], pd.Series],
    counted: Collection[tuple[str, str]],
) -> Iterator[Row]:
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
            notes: list[str] = []
            if labels is not None and has_several(labels):
                labels, notes = None, [NO_CLASS]
            measured = {name: measured_on(by_method[name], draws, where) for name in made}
            supervised = {name for name, row in by_method.items() if row["supervised"]}
            for pair in query_intervals(table, SEED).itertuples():
                (a, its_notes), (b, other_notes) = measured[pair.method], measured[pair.other]
                yield here | {
                    "metric": metric, "method": pair.method, "other": pair.other,
                    "low_queries": pair.low, "high_queries": pair.high,
                    "counted": (dataset, notion) in counted,
                    "supervised": " ".join(n for n in (pair.method, pair.other) if n in supervised),
                    "unit": "percent points", "n": len(table),
                    "note": "; ".join([*its_notes, *other_notes, *notes]) or None,
                } | interval_of(a, b, table[pair.method] - table[pair.other], labels)  # fmt: skip


def _run(row: pd.Series) -> Run:
    return run_of(row, row["has_dim"])


def measured_on(
    row: pd.Series, draws: Mapping[Run, pd.DataFrame], where: str
) -> tuple[Measured, list[str]]:
    """The method of a row of the summary, in percent, and what its intervals leave out.

    Raises:
        LanzdmlError: there are no draws of it, or those of other fits.
    """
    name = method_on_paper(row["method"])
    seeds = int(row["n_seeds"])
    drawn = draws.get(_run(row))
    if drawn is None or (drawn["n_seeds"] != (1 if row["deterministic"] else seeds)).any():
        raise LanzdmlError(
            f"draws of images of {where} are not those of the fits of {row['method']}: delete the "
            "folder draws and run again"
        )
    notes, fits = [], None
    if seeds < row["n_runs"]:
        notes.append(f"{name} has a value for {seeds} of {row['n_runs']} seeds")
    if not row["deterministic"] and seeds == 1:
        notes.append(f"{ONE_SEED} of {name}, chance in fitting is not in it")
    elif not row["deterministic"]:
        # That of their mean: the summary's std is the population's.
        fits = StandardError(100 * row["std"] / np.sqrt(seeds - 1), seeds - 1)
    elif row["external"]:
        notes.append(f"{name} is of vectors made elsewhere, and chance in making them is not in it")
    if row["supervised"] or row["sees_images"] or row["transductive"]:
        notes.append(f"{name} is not refitted to other images")
    return Measured(100 * row["mean"], 100 * drawn[row["metric"]].to_numpy(), fits), notes


def interval_of(a: Measured, b: Measured, by_query: pd.Series, labels: pd.Series | None) -> Row:
    """The interval of a minus b, what it is made of, and that for other classes.

    Args:
        a, b: two methods.
        by_query: their differences.
        labels: of the same queries, where classes are a sample.
    """
    value, n = a.mean - b.mean, len(by_query)
    images, *fits = kinds_of_chance(a, b, n)
    se_fits = float(np.sqrt(sum(error.value**2 for error in fits)))
    row = {"value": value, "se_images": images.value, "se_fits": se_fits, "decided": False}
    if n < LEAST_QUERIES:
        return row
    low, high, df = interval(value, [images, *fits])
    differing = (by_query.abs() > _SAME_QUERY).sum()
    se = float(np.hypot(images.value, se_fits))
    row |= {"low": low, "high": high, "df": df, "p": p_value(value, se, df, differing)}
    row["smallest"] = smallest_difference(se, df)
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
    of_queries = labels.reindex(image_ids)
    unlabelled = of_queries.index[of_queries.isna()]
    if len(unlabelled):
        raise LanzdmlError(
            f"{where}: the manifest has no label of the query {unlabelled[0]!r}: "
            "delete the folder queries and run again"
        )
    return of_queries
