"""What is said below the paper's tables: of values that are missing, and of how others came."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.clusters import OF_KMEANS
from lanzdml.metrics.runs import KMEANS_BATCH_SIZE
from lanzdml.names import METRIC_NAMES, notion_on_paper
from lanzdml.tables.markup import DASH

_MANY_TIES = 0.01
"""The share of a notion's queries from which on tables say that they tie."""


def notes(block: pd.DataFrame, missing: pd.DataFrame, shown: pd.DataFrame) -> list[str]:
    """The notes of a section of a table.

    Args:
        block: its rows of :func:`lanzdml.tables.paper.summarise`.
        missing: those of them without a value, or with one of some seeds only.
        shown: those of the metrics that the table has.
    """
    missing = missing.drop_duplicates(["method", "dataset", "notion"])
    reasons = sorted(_why_missing(missing))
    tied = block[block["tied_queries"].fillna(0) >= _MANY_TIES * block["n_queries"].clip(lower=1)]
    tied = tied.drop_duplicates(["method", "dataset", "notion"])
    reasons += sorted(map(_what_ties, tied.itertuples()))
    fitted = block.drop_duplicates(["method", "dataset", "notion"])
    reasons += sorted(line for row in fitted.itertuples() for line in _which_are_poor(row))
    reasons += _chosen_dims(block)
    reasons += _which_k_means(shown)
    return reasons


def _chosen_dims(block: pd.DataFrame) -> list[str]:
    """Which r' each notion's prompts say, and Oracle the means of its classes."""
    said = []
    rows = block.dropna(subset="chosen_dim")
    for (dataset, notion), of_notion in rows.groupby(["dataset", "notion"], sort=False):
        by_dim = of_notion.groupby("chosen_dim", sort=False)["method"].agg(in_order)
        most = by_dim.map(len).idxmax()
        others = [
            f" ({', '.join(map(method_on_paper, methods))}: {dim})"
            for dim, methods in by_dim.drop(most).items()
        ]
        said.append(f"{notion_on_paper(dataset, notion)} {most}{''.join(others)}")
    return [f"r' is {', '.join(said)}."] if said else []


def _which_k_means(rows: pd.DataFrame) -> list[str]:
    """That clusters are of mini-batches, where some metrics go by these."""
    of_clusters = rows[rows["metric"].isin(OF_KMEANS)].dropna(subset=KMEANS_BATCH_SIZE)
    if of_clusters.empty:
        return []
    names = ", ".join(METRIC_NAMES[name] for name in of_clusters["metric"].unique())
    sizes = " or ".join(f"{size:,}" for size in sorted(of_clusters[KMEANS_BATCH_SIZE].unique()))
    return [
        f"{names}: clusters are of mini-batch k-means, {sizes} images a batch, and not to be "
        "compared with those of k-means of all at once."
    ]


def _why_missing(missing: pd.DataFrame) -> Iterator[str]:
    """Why methods have no value for a notion, or one of some of their seeds."""
    none = missing[missing["mean"].isna()]
    for key, rows in none.groupby(["dataset", "notion", "reason"], sort=False):
        dataset, notion, reason = key
        names = ", ".join(map(method_on_paper, in_order(rows["method"])))
        yield f"{DASH} {names}, {notion_on_paper(dataset, notion)}: {reason}"
    for row in missing[missing["mean"].notna()].itertuples():
        yield (
            f"({row.n_seeds} of {row.n_runs}) {method_on_paper(row.method)}, "
            f"{notion_on_paper(row.dataset, row.notion)}: of these seeds alone, and so never in "
            f"bold; the first of the others: {row.reason}"
        )


def _what_ties(row: Any) -> str:
    """That many scores of a method on a notion are expectations."""
    return (
        f"{method_on_paper(row.method)}, {notion_on_paper(row.dataset, row.notion)}: "
        f"{row.tied_queries:,} of {row.n_queries:,} queries are as similar to some of another "
        "class as to some of their own; their scores are expectations over the orders of what ties"
    )


def _which_are_poor(row: Any) -> list[str]:
    """Which fits of a method to a notion ended at many times the loss of the others."""
    what = f"{method_on_paper(row.method)}, {notion_on_paper(row.dataset, row.notion)}"
    return [f"{what}: {fit}" for fit in row.poor_fits]
