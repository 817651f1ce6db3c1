"""Which differences hold for other images and other fits: the rows of ``significance.csv``.

Each setting (protocol, model and dim) has the differences of each two methods on a notion, ranks
and tests over its notions, and what the seeds of fits and of k-means do to the values.
:mod:`lanzdml.significance.compute` makes them.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.methods import in_order
from lanzdml.significance.statistics import DECIMALS
from lanzdml.spreadsheet import read_csv

DIFFERENCE, NOTION_RANK = "difference", "notion_rank"
TEST, RANK = "signed_rank", "mean_rank"
CRITICAL, FRIEDMAN = "critical_difference", "friedman"
FIT_STD, CLUSTERING_STD = "fit_std", "clustering_std"
COLUMNS = (
    "part", "protocol", "model", "dim", "dataset", "notion", "metric", "method", "other",
    "value", "low", "high", "decided", "se_images", "se_fits", "df", "low_queries", "high_queries",
    "se_classes", "df_classes", "low_classes", "high_classes", "smallest", "groups", "counted",
    "better", "worse", "p", "p_holm", "p_fdr", "p_holm_reference", "unit", "n", "supervised",
    "reason", "note",
)  # fmt: skip
"""Columns of the CSV. ``part`` says what a row is, and so what ``value`` and ``n`` are:

- ``difference``: ``method`` minus ``other`` on a notion in percent points; ``low`` to ``high``,
  which other images of these classes and other fits leave open, and what it is made of: the
  standard errors ``se_images`` and ``se_fits`` and the degrees of freedom ``df``; whether it
  leaves 0 out (``decided``); ``low_queries`` to ``high_queries``, which other queries on the same
  references leave open; of a notion whose classes are a sample ``se_classes`` (images in it),
  ``df_classes`` and ``low_classes`` to ``high_classes``, for other classes, images and fits; the
  ``smallest`` difference that such an interval leaves 0 out of in 80 % of the cases; ``p`` of the
  same t as the interval's, and of pairs that see no labels corrected for the number of them:
  ``p_holm`` for those on the notion by the metric, ``p_fdr`` for those on all notions by it;
  whether tests and ranks count the notion (``counted``); n queries; which of the two see labels
  (``supervised``, with blanks between them); a ``note`` on what is not in the interval.
  Without a value: the method that cannot be compared on the notion, and the ``reason``.
- ``notion_rank``: a method's rank on a notion among the n that see no labels there, equals
  sharing; ``low`` to ``high``, the ranks that the differences leave open for all of them at once;
  ``groups``, letters with blanks between them: methods that share one are not told apart.
- ``signed_rank``: the test of two methods over n notions, on how many ``method`` is ``better``
  and ``worse``, and ``p``; corrected for the number of all pairs ``p_holm`` and ``p_fdr``, and for
  the pairs of the method that the table shows against the others ``p_holm_reference``; value is
  the mean difference in percent points.
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
SEED = 0  # of what is drawn for the rows
Row = dict[str, Any]  # some of the columns; a row has those of its part


def reference_method(methods: Iterable[str], supervised: Collection[str] = ()) -> str | None:
    """The method that others are shown against; None where all of them see labels.

    InDiReCT, or CLIP where it has no values, or else what comes first.

    Args:
        supervised: those that see labels.
    """
    competing = [name for name in in_order(methods) if name not in supervised]
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
    texts = dict.fromkeys(
        ["model", *NOTION, "method", "other", "groups", "supervised", "note"], "str"
    )
    return read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
