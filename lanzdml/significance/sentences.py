"""What is said of a setting in a sentence or two that can be quoted."""

import numpy as np
import pandas as pd

from lanzdml.methods import method_on_paper
from lanzdml.names import METRIC_NAMES, in_a_row, notion_on_paper
from lanzdml.significance.comparisons import (
    BASELINE,
    DIFFERENCE,
    METRIC,
    ONE_SEED,
    TEST,
    critical_limit,
    ranked,
)
from lanzdml.significance.pairs import LEVEL_TEXT, REST_TEXT, interval_text, pairs_of, verdict_on
from lanzdml.significance.statistics import LEVEL, least_p


def finding(block: pd.DataFrame) -> str:
    """What a setting's rows say, in sentences that can be quoted."""
    sentences = [_compared(block), _ranks_first(block), _over_notions(block)]
    return " ".join(filter(None, sentences)) or "There are no two methods to compare."


def _compared(block: pd.DataFrame) -> str:
    """InDiReCT beside CLIP on the notions; without one of them, the reference beside each other.

    Of notions that repeat others only where there are no others.
    """
    pairs = pairs_of(block, DIFFERENCE)
    if pairs is None:
        return ""
    reference, rows = pairs
    rows = rows[rows["metric"] == METRIC]
    counted = rows["counted"].astype("bool")
    rows = rows[counted] if counted.any() else rows
    if (rows["other"] == BASELINE).any():
        rows = rows[rows["other"] == BASELINE]
    return " ".join(
        _two_methods(method_on_paper(reference), method_on_paper(other), of_other)
        for other, of_other in rows.groupby("other", observed=True)
    )


def _two_methods(ours: str, theirs: str, rows: pd.DataFrame) -> str:
    """Two methods, by their names on paper, on the notions of the rows."""
    metric = METRIC_NAMES[METRIC]
    verdicts = rows.apply(verdict_on, axis=1)
    basis = _basis(rows)
    if len(rows) == 1:
        row, verdict = rows.iloc[0], verdicts.iloc[0]
        together = {"open": "are not told apart", "tie": "are equal"}
        outcome = (
            f"{ours}'s and {theirs}'s {metric} {together[verdict]}"
            if verdict in together
            else f"{ours}'s {metric} is {verdict} than {theirs}'s"
        )
        where = f"On {notion_on_paper(row['dataset'], row['notion'])} ({_queries(row)})"
        return f"{where} {outcome}: the difference is {_points(row)}{basis}."
    words = {"higher": "higher than", "lower": "lower than", "open": "not told apart from",
             "tie": "equal to"}  # fmt: skip
    counts = [
        f"{word} {theirs}'s on {count} of {len(rows)} notions"
        for verdict, word in words.items()
        if (count := int((verdicts == verdict).sum()))
    ]
    least, most = (
        f"{_points(row)} on {notion_on_paper(row['dataset'], row['notion'])} ({_queries(row)})"
        for row in (rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()])
    )
    return (
        f"{ours}'s {metric} is {', '.join(counts)}; the difference{basis} goes from {least} to "
        f"{most}."
    )


def _basis(rows: pd.DataFrame) -> str:
    """What the intervals of two methods' rows are for, in brackets."""
    if rows["low"].isna().all():
        return ""
    some = "interval" if len(rows) == 1 else "intervals"
    what = f"{LEVEL_TEXT} {some} for other images of these classes"
    if (rows["se_fits"] > 0).any():
        what += " and other fits of these methods"
    if any(ONE_SEED in note for note in rows["note"].dropna()):
        what += f"; {ONE_SEED}, chance in fitting is not in {'it' if len(rows) == 1 else 'them'}"
    return f" ({what})"


def _queries(row: pd.Series) -> str:
    return f"{row['n']:,.0f} {'query' if row['n'] == 1 else 'queries'}"


def _points(row: pd.Series) -> str:
    """A difference in points with its interval."""
    value = f"{round(row['value'], 1) + 0.0:.1f} points"
    if pd.isna(row["low"]):
        return f"{value} [too few queries for an interval]"
    bounds = interval_text(row["low"], row["high"], 1)
    if pd.notna(row["low_classes"]):
        others = interval_text(row["low_classes"], row["high_classes"], 1)
        bounds += f"; for other classes, too, {others}"
    return f"{value} [{bounds}]"


def _ranks_first(block: pd.DataFrame) -> str:
    ranks = ranked(block)
    if ranks.empty:
        return ""
    _, n_notions = critical_limit(block)
    best = ranks[np.isclose(ranks, ranks.min())]
    names = [method_on_paper(name) for name in best.index]
    rank = "rank first together" if len(names) > 1 else "ranks first"
    return (
        f"Of the {len(ranks)} methods that see no labels and have a value on each of {n_notions} "
        f"notions, {in_a_row(names)} {rank} by {METRIC_NAMES[METRIC]} on average (mean rank "
        f"{best.iloc[0]:.2f})."
    )


def _over_notions(block: pd.DataFrame) -> str:
    """Whether the notions can decide anything, and if so, how much they do."""
    pairs = pairs_of(block, TEST)
    if pairs is None:
        return ""
    reference, tests = pairs
    tests = tests[tests["metric"] == METRIC]
    if tests.empty:
        return ""
    n_notions, n_pairs = int(tests["n"].iloc[0]), len(tests)
    single, corrected = least_p(n_notions, 1), least_p(n_notions, n_pairs)
    if corrected > 1 - LEVEL:
        after = "" if n_pairs == 1 else f", {corrected:.2g} after correction for {n_pairs} pairs"
        return (
            f"Over {n_notions} notions signed ranks can tell no two methods apart: they give p = "
            f"{single:.2g} at the least{after}."
        )
    decided = int((tests["p_holm_reference"] <= 1 - LEVEL).sum())
    return (
        f"Over {n_notions} notions {method_on_paper(reference)} differs significantly from "
        f"{decided} of {n_pairs} methods (signed ranks, {REST_TEXT} level after Holm's correction)."
    )
