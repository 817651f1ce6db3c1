"""Scores over labelled images a class, and where maps reach methods."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lanzdml.experiments.blocks import SETTING, blocks, notes_on_reasons, of_one_dim
from lanzdml.experiments.label_worth.worth import EXACT, worth
from lanzdml.experiments.task import METRICS
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, notion_on_paper, on_paper
from lanzdml.significance.statistics import LEVEL
from lanzdml.tables.markup import DASH, Cell, Table

METRIC = "map_at_r"
"""Of the tables for readers and of the figure."""
CURVE, WORTH = "curve", "worth"

COLUMNS = [
    *SETTING, "notion", "metric", "part", "method", "is_map", "map", "labels", "value", "std",
    "worth", "worth_is", "low", "low_is", "high", "high_is", "n_draws", "n_labelled", "n_images",
    "n_classes", "n_left", "supervised", "reason",
]  # fmt: skip
"""Of the CSV. A row of the part :data:`CURVE` is of a method, or of a map (``is_map``), and a
number of ``labels`` a class: ``value`` and ``std`` (population) over ``n_draws`` draws of
``n_labelled`` images, on ``n_images`` others of ``n_classes`` classes; ``n_left`` are too small. A
row of the part :data:`WORTH` is of a method and a ``map`` that sees no prompts: how many labels a
class the method's prompts are ``worth``, with a 95 % interval over draws, ``low`` to ``high``, of
two draws or more;
before each may stand ``at most``, for the smallest number that was tried, or ``more than``, for the
largest."""


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the CSV, with :data:`COLUMNS`.

    Args:
        rows: of :func:`lanzdml.experiments.label_worth.measure.measure`, of all methods and maps.
    """
    rows = of_one_dim(rows)
    of_notion = [*SETTING, "notion"]
    summary: list[dict[str, Any]] = []
    for key, block in rows.groupby(of_notion, sort=False, dropna=False):
        here = dict(zip(of_notion, key, strict=True))
        for metric in METRICS:
            found = [*_curves(block, metric), *_worths(block, metric)]
            summary += [here | {"metric": metric} | row for row in found]
    return pd.DataFrame(summary, columns=COLUMNS)


def _curves(block: pd.DataFrame, metric: str) -> Iterator[dict[str, Any]]:
    for (method, k), part in block.groupby(["method", "k"], sort=False):
        values = part[metric].dropna()
        whole = len(values) == len(part)
        means = part[["n_labelled", "n_images", "n_classes", "n_left"]].mean()
        yield {
            "part": CURVE, "method": method, "labels": k,
            "value": values.mean() if whole else np.nan,
            "std": values.std(ddof=0) if whole else np.nan,
            "n_draws": len(values),
            "is_map": part["is_map"].iloc[0], "supervised": part["supervised"].iloc[0],
            "reason": next(iter(part["reason"].dropna()), None),
        } | means.to_dict()  # fmt: skip


def _worths(block: pd.DataFrame, metric: str) -> Iterator[dict[str, Any]]:
    scores = {
        method: part.pivot_table(metric, "draw", "k", dropna=False)
        for method, part in block.groupby("method", sort=False)
    }
    first = block.drop_duplicates("method").set_index("method")
    for name in first.index[first["is_map"] & ~first["sees_prompts"]]:
        for method in first.index[~first["is_map"]]:
            differences = scores[name] - scores[method]
            found = worth(differences.to_numpy(), differences.columns.to_numpy(np.float64))
            row = {
                "part": WORTH, "method": method, "is_map": False, "map": name,
                "n_draws": len(differences), "supervised": first.loc[method, "supervised"],
            }  # fmt: skip
            for end, told in zip(("worth", "low", "high"), found or (), strict=False):
                row |= {end: told.labels, f"{end}_is": told.beyond}
            yield row


def tables(summary: pd.DataFrame) -> list[Table]:
    """Two tables a dataset and model: what prompts are worth, a row a method, and the curves.

    Args:
        summary: of :func:`summarise`, or read from its CSV.
    """
    rows = summary[summary["metric"] == METRIC]
    return [
        table
        for setting, block in blocks(rows)
        for table in (_worth_table(setting, block), _curve_table(setting, block))
    ]


def _worth_table(setting: str, block: pd.DataFrame) -> Table:
    worths = block[(block["part"] == WORTH) & block["worth"].notna()]
    maps = in_order(worths["map"])
    scores = mean_scores(block)
    heads: list[tuple[str, ...]] = []
    cells: list[list[str | Cell]] = []
    for notion, of_notion in worths.groupby("notion", sort=False):
        best = max(round(100 * scores[notion, name], 1) for name in of_notion["method"])
        for method in in_order(of_notion["method"]):
            rows = of_notion[of_notion["method"] == method].set_index("map")
            value = round(100 * scores[notion, method], 1)
            heads.append((on_paper(notion, NOTION_NAMES), method_on_paper(method)))
            shown = [interval_of(rows.loc[name]) if name in rows.index else DASH for name in maps]
            cells.append([Cell(f"{value:.1f}", value == best), *shown])
    return Table(
        f"What prompts are worth: {setting}, in labelled images a class",
        ["Similarity notion", "Method"],
        heads,
        [METRIC_NAMES[METRIC], *(f"Labels of {method_on_paper(name)}" for name in maps)],
        cells,
        [
            f"{METRIC_NAMES[METRIC]} in percent on the images that are never labelled, mean over "
            "draws and numbers of those that are, in bold the best; and with how many labelled "
            "images a class a map that sees no prompts reaches it, with the "
            f"{100 * LEVEL:.0f} % interval over "
            "draws (Student's t), where there are two or more. Between the numbers that were tried "
            "it is interpolated over their logarithm; > is more than the largest, "
            "\N{LESS-THAN OR EQUAL TO} at most the smallest."
        ],
    )


def mean_scores(block: pd.DataFrame) -> "pd.Series[float]":
    """The score of each notion and method, a mean over the numbers of labels.

    It is the same for all of these unless a class leaves.
    """
    lines = block[(block["part"] == CURVE) & ~block["is_map"].astype(bool)]
    return lines.groupby(["notion", "method"], sort=False)["value"].mean()


def interval_of(row: "pd.Series[Any]") -> str:
    """A worth and its interval, if it has one: "4.2 (3.1 to 6.0)", "> 16"."""
    middle = number_of(row["worth"], row["worth_is"])
    if pd.isna(row["low"]):
        return middle
    low, high = (number_of(row[end], row[f"{end}_is"]) for end in ("low", "high"))
    return middle if low == middle == high else f"{middle} ({low} to {high})"


def number_of(value: float, beyond: object) -> str:
    """A number of labels, with a sign where it is an end of those that were tried."""
    signs = {"more than": "> ", "at most": "\N{LESS-THAN OR EQUAL TO} "}
    # An empty field of a CSV is read as missing.
    sign = signs.get(str(beyond), EXACT)
    return sign + (f"{value:.0f}" if value >= 9.95 or value == round(value) else f"{value:.1f}")


def _curve_table(setting: str, block: pd.DataFrame) -> Table:
    curves = block[(block["part"] == CURVE) & block["is_map"].astype(bool)]
    ks = sorted(curves["labels"].dropna().astype(int).unique())
    heads: list[tuple[str, ...]] = []
    cells: list[list[str | Cell]] = []
    for notion, of_notion in curves.groupby("notion", sort=False):
        for method in in_order(of_notion.dropna(subset="value")["method"]):
            rows = of_notion[of_notion["method"] == method].set_index("labels")
            heads.append((on_paper(notion, NOTION_NAMES), method_on_paper(method)))
            cells.append([_mean_and_std(rows.loc[k]) if k in rows.index else DASH for k in ks])
    return Table(
        f"Maps fitted to labels: {setting}, by {METRIC_NAMES[METRIC]}, in percent",
        ["Similarity notion", "Map"],
        heads,
        [f"{k} a class" for k in ks],
        cells,
        _notes(block),
    )


def _mean_and_std(row: "pd.Series[Any]") -> str:
    if pd.isna(row["value"]):
        return DASH
    return f"{100 * row['value']:.1f} ± {100 * row['std']:.1f}"


def _notes(block: pd.DataFrame) -> list[str]:
    dataset, curves = block["dataset"].iloc[0], block[block["part"] == CURVE]
    notes = ["Fitted to so many labelled images of each class, mean ± std over draws of these."]
    for notion, rows in curves.groupby("notion", sort=False):
        first = rows.drop_duplicates("labels").sort_values("labels")
        if first["n_images"].isna().all():  # the reason says why
            continue
        draws, images = rows["n_draws"].max(), first["n_images"].max()
        most = "up to " if first["n_images"].min() < images else ""
        left = "; ".join(
            f"with {row.labels:.0f} labelled {row.n_left:.0f} of {row.n_left + row.n_classes:.0f} "
            "classes, too small, are left out"
            for row in first[first["n_left"] > 0].itertuples()
        )
        notes.append(
            f"{notion_on_paper(dataset, notion)}: {draws:.0f} draw{'' if draws == 1 else 's'}, "
            f"{most}{images:,.0f} images are scored{'; ' + left if left else ''}."
        )
    return [*notes, *notes_on_reasons(curves)]
