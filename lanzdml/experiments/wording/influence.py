"""Which prompts help and which hurt: what a method scores without each of them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from lanzdml.significance.statistics import LEAST_QUERIES, LEVEL


def interval_of_change(
    change: float, draws: NDArray[np.float64], n_prompts: int, n_queries: int, level: float = LEVEL
) -> tuple[float, float]:
    """What other images leave open of a change that one prompt makes.

    Those that are looked at are the largest of all prompts' changes, so the level is that of all of
    them at once (Bonferroni): among a hundred prompts that do nothing one would else stand out.

    Args:
        change: that was found.
        draws: (n_draws,), of the same change on draws of the images.
        n_prompts: how many prompts there are.
        n_queries: images that are queries.
        level: of the intervals of all prompts together.

    Returns:
        low and high; NaN with fewer queries than
        :data:`lanzdml.significance.statistics.LEAST_QUERIES`.
    """
    if n_queries < LEAST_QUERIES:
        return np.nan, np.nan
    tail = (1 - level) / 2 / n_prompts
    reach = -float(t.ppf(tail, min(n_queries, len(draws)) - 1) * np.std(draws, ddof=1))
    return change - reach, change + reach


NOTHING = 5e-5
"""What tables round away, as a fraction."""


def most(rows: pd.DataFrame, number: int, *, hurt: bool) -> pd.DataFrame:
    """The prompts that help most, or hurt most, of one method on a notion, beyond noise or not.

    Args:
        rows: with ``value``, how much higher a score is with the prompt than without it.
        number: how many at the most.
        hurt: which of the two.
    """
    rows = rows[rows["value"] < -NOTHING] if hurt else rows[rows["value"] > NOTHING]
    return rows.sort_values("value", ascending=hurt, kind="stable").head(number)
