"""Pairs of methods as sentences and tables show them: against one method, in words."""

from collections.abc import Collection

import pandas as pd

from lanzdml.methods import in_order
from lanzdml.significance.comparisons import TIE, reference_method
from lanzdml.significance.statistics import LEVEL
from lanzdml.tables.markup import DASH

LEVEL_TEXT, REST_TEXT = (f"{100 * share:.0f} %" for share in (LEVEL, 1 - LEVEL))
NOTHING = 0.01  # percent points: what tables round away
_BOUNDS = [("low", "high"), ("low_queries", "high_queries"), ("low_classes", "high_classes")]


def pairs_of(block: pd.DataFrame, part: str) -> tuple[str, pd.DataFrame] | None:
    """The reference among the methods of a part, and its pairs; None where there are none."""
    rows = block[(block["part"] == part) & block["other"].notna()]
    supervised = {name for names in rows["supervised"].dropna() for name in names.split()}
    reference = reference_method([*rows["method"], *rows["other"]], supervised)
    if reference is None:
        return None
    pairs = _against(rows, reference, supervised)
    return None if pairs.empty else (reference, pairs)


def _against(rows: pd.DataFrame, reference: str, supervised: Collection[str]) -> pd.DataFrame:
    """The pairs of one method that see no labels, turned so that it is ``method``."""
    swapped = [("method", "other"), ("better", "worse"), *_BOUNDS]
    names = dict(swapped) | {second: first for first, second in swapped}
    turned = rows[rows["other"] == reference].rename(columns=names)
    turned[["value", *(name for bounds in _BOUNDS for name in bounds)]] *= -1
    rows = pd.concat([rows[rows["method"] == reference], turned])
    rows = rows[~rows["other"].isin(supervised)]
    others = pd.Categorical(rows["other"], in_order(rows["other"]), ordered=True)
    return rows.assign(other=others).sort_index()


def interval_text(low: float, high: float, decimals: int = 2) -> str:
    """With more decimals where fewer would print a 0 that the interval leaves out."""
    if pd.isna(low):
        return DASH
    while (low > 0 or high < 0) and 0 in (round(low, decimals), round(high, decimals)):
        decimals += 1
    low, high = (round(value, decimals) + 0.0 for value in (low, high))
    return f"{low:.{decimals}f} to {high:.{decimals}f}"


def verdict_on(row: pd.Series) -> str:
    """Whether a difference is ``higher`` or ``lower``, a ``tie``, or ``open``."""
    # Some won and as many lost are no tie.
    if abs(row["value"]) < TIE and not row["high"] - row["low"] >= NOTHING:
        return "tie"
    return ("higher" if row["value"] > 0 else "lower") if row["decided"] else "open"
