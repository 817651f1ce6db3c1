"""Which methods win, and on how many notions."""

from collections import Counter

import pandas as pd

from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import in_a_row

_NOTION = ["dataset", "notion"]


def wins(rows: pd.DataFrame) -> dict[str, int]:
    """On how many notions each method has the best value, to a tenth of a percent; most first.

    Args:
        rows: with dataset, notion, method and value, a fraction.
    """
    counted: Counter[str] = Counter()
    for _, block in rows.dropna(subset="value").groupby(_NOTION, sort=False):
        percent = (100 * block["value"]).round(1)
        counted.update(in_order(block.loc[percent == percent.max(), "method"]))
    return dict(counted.most_common())


def best_of(rows: pd.DataFrame) -> str:
    """The methods of :func:`wins` in words: "A on 2 of 3 notions and B on 1"; "" of no values."""
    counts = wins(rows)
    n_notions = len(rows.dropna(subset="value").groupby(_NOTION))
    if n_notions == 1:
        return " and ".join(map(method_on_paper, counts))
    parts = [f"{method_on_paper(name)} on {n}" for name, n in counts.items()]
    if parts:
        parts[0] += f" of {n_notions} notions"
    return in_a_row(parts)
