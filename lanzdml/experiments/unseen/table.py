"""Means over splits, and how far a method is above CLIP on classes that no prompt names."""

from typing import Any

import numpy as np
import pandas as pd

from lanzdml.experiments.blocks import SETTING, blocks, notes_on_reasons, of_one_dim
from lanzdml.experiments.task import METRICS
from lanzdml.experiments.unseen.measure import NAMED, UNSEEN
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, notion_on_paper, on_paper
from lanzdml.significance.comparisons import BASELINE
from lanzdml.significance.statistics import LEVEL
from lanzdml.tables.markup import DASH, Cell, Table

METRIC = "map_at_r"
"""Of the table for readers and of the figure."""
_EQUAL = 1e-9

COLUMNS = [
    *SETTING, "notion", "metric", "method", "unseen", "low", "high", "named", "difference",
    "difference_low", "difference_high", "better", "n_splits", "n_classes", "n_images",
    "supervised", "reason",
]  # fmt: skip
"""Of the CSV. Scores are fractions: ``unseen`` is the mean over ``n_splits`` splits of fits without
the prompts of ``n_classes`` classes, on their ``n_images`` images (a mean, too), with a 95 %
interval; ``named`` is the same with all prompts; ``difference`` is how far ``unseen`` is above
CLIP, with its interval, and ``better`` in how many splits."""


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a method, notion and metric, with :data:`COLUMNS`.

    Args:
        rows: of :func:`lanzdml.experiments.unseen.measure.measure`, of all methods.
    """
    rows = of_one_dim(rows)
    of_notion = [*SETTING, "notion"]
    summary = []
    for key, block in rows.groupby(of_notion, sort=False, dropna=False):
        here = dict(zip(of_notion, key, strict=True))
        for metric in METRICS:
            values = {
                case: part.pivot_table(metric, "split", "method", sort=False, dropna=False)
                for case, part in block.groupby("case")
            }
            for method, part in block.groupby("method", sort=False):
                summary.append(here | _row(method, part, metric, values))
    return pd.DataFrame(summary, columns=COLUMNS)


def _row(
    method: str, part: pd.DataFrame, metric: str, values: dict[str, pd.DataFrame]
) -> dict[str, Any]:
    unseen = values[UNSEEN].get(method, pd.Series(dtype="float64"))
    named = values[NAMED].get(method, pd.Series(dtype="float64"))
    base = values[UNSEEN].get(BASELINE, unseen * np.nan)
    first = part[part["case"] == UNSEEN].iloc[0]
    # Of the classes, how many are scored for each that is fitted to: what splits share goes by it.
    ratio = first["share"] / (1 - first["share"])
    low, high = split_interval(unseen.to_numpy(), ratio)
    difference = (unseen - base).to_numpy()
    difference_low, difference_high = split_interval(difference, ratio)
    whole = unseen.notna().all() and len(unseen) > 0
    return {
        "metric": metric, "method": method,
        "unseen": unseen.mean() if whole else np.nan, "low": low, "high": high,
        "named": named.mean() if named.notna().all() else np.nan,
        "difference": difference.mean() if len(difference) else np.nan,
        "difference_low": difference_low, "difference_high": difference_high,
        "better": int((difference > _EQUAL).sum()) if not np.isnan(difference).any() and whole
                  else np.nan,
        "n_splits": part["split"].nunique(),
        "n_classes": first["n_classes"],
        "n_images": part["n_images"].mean(),
        "supervised": first["supervised"],
        "reason": next(iter(part["reason"].dropna()), None),
    }  # fmt: skip


def split_interval(values: np.ndarray, ratio: float) -> tuple[float, float]:
    """Student's t interval of a mean over splits that overlap (Nadeau and Bengio, "Inference for
    the Generalization Error", Machine Learning 52, 2003).

    Splits share classes, so their mean varies by more than their number says: to 1 / n is added
    ``ratio``, how many classes are scored for each that is fitted to.

    Args:
        values: (n,), of each split.
        ratio: see above.

    Returns:
        low and high; NaN for fewer than two splits, or where one has no value.
    """
    from scipy.stats import t

    n = len(values)
    if n < 2 or np.isnan(values).any():
        return np.nan, np.nan
    error = np.sqrt((1 / n + ratio) * values.var(ddof=1))
    reach = float(t.ppf((1 + LEVEL) / 2, n - 1) * error)
    return float(values.mean()) - reach, float(values.mean()) + reach


def tables(summary: pd.DataFrame) -> list[Table]:
    """A table a dataset and model: a row a notion and method.

    Args:
        summary: of :func:`summarise`.
    """
    return [_table(*block) for block in blocks(summary)]


def _table(setting: str, block: pd.DataFrame) -> Table:
    rows = block[block["metric"] == METRIC]
    heads: list[tuple[str, ...]] = []
    cells: list[list[str | Cell]] = []
    for notion, of_notion in rows.dropna(subset="unseen").groupby("notion", sort=False):
        percent = (100 * of_notion["unseen"]).round(1)
        best = percent[~of_notion["supervised"]].max()
        by_method = of_notion.set_index("method")
        for method in in_order(of_notion["method"]):
            heads.append((on_paper(notion, NOTION_NAMES), method_on_paper(method)))
            cells.append(_cells(by_method.loc[method], best))
    return Table(
        f"Classes that no prompt names: {setting}, by {METRIC_NAMES[METRIC]}, in percent",
        ["Similarity notion", "Method"],
        heads,
        ["Unseen", "Named", "Unseen − CLIP", f"{100 * LEVEL:.0f} % interval", "Better in"],
        cells,
        _notes(rows),
    )


def _cells(row: pd.Series, best: float) -> list[str | Cell]:
    value = round(100 * row["unseen"], 1)
    named = DASH if pd.isna(row["named"]) else f"{100 * row['named']:.1f}"
    shown = Cell(f"{value:.1f}", not row["supervised"] and value == best)
    if row.name == BASELINE or pd.isna(row["difference"]):
        return [shown, named, DASH, DASH, DASH]
    low, high = (f"{100 * row[f'difference_{end}']:+.1f}" for end in ("low", "high"))
    of_splits = f"{row['better']:.0f} of {row['n_splits']:.0f}"
    return [shown, named, f"{100 * row['difference']:+.1f}", f"{low} to {high}", of_splits]


def _notes(rows: pd.DataFrame) -> list[str]:
    dataset = rows["dataset"].iloc[0]
    notes = [
        "Unseen: fitted without the prompts of the classes that are scored; named: fitted with "
        "all prompts, as in all other tables; both on the same images, mean over splits. The "
        "interval is for other splits (Nadeau and Bengio, 2003). In bold the best unseen value of "
        "a method that sees no labels."
    ]
    counts = rows.dropna(subset="n_classes").drop_duplicates("notion")
    notes += [
        f"{notion_on_paper(dataset, row.notion)}: {row.n_classes:.0f} classes are left out in each "
        f"of {row.n_splits:.0f} splits, {row.n_images:,.0f} images on average."
        for row in counts.itertuples()
    ]
    return [*notes, *notes_on_reasons(rows)]
