"""What prompts are worth in labels, in sentences."""

from typing import Any

import numpy as np
import pandas as pd

from lanzdml.experiments.label_worth.table import METRIC, WORTH, mean_scores, number_of
from lanzdml.experiments.label_worth.worth import AT_MOST, EXACT, MORE_THAN
from lanzdml.methods import method_on_paper
from lanzdml.names import notion_on_paper
from lanzdml.significance.comparisons import OURS


def sentences(rows: pd.DataFrame) -> list[str]:
    """A sentence a model and notion: what its prompts are worth, by InDiReCT and the best method.

    Args:
        rows: of :func:`lanzdml.experiments.label_worth.table.summarise`.
    """
    rows = rows[rows["metric"] == METRIC]
    said = []
    for (dataset, model, notion), block in rows.groupby(["dataset", "model", "notion"], sort=False):
        found = block[(block["part"] == WORTH) & block["worth"].notna()]
        if found.empty:
            continue
        by_method = fewest_labels(found).set_index("method")
        scores = mean_scores(block)[notion]
        best = str(scores[by_method.index].idxmax())
        names = [*dict.fromkeys(name for name in (OURS, best) if name in by_method.index)]
        by_worth: dict[str, list[str]] = {}
        for name in names:
            row = by_method.loc[name]
            by_worth.setdefault(_worth(row), []).append(_by(name, row, best))
        parts = [f"{worth}, {' and '.join(by)}" for worth, by in by_worth.items()]
        said.append(
            f"The prompts of {notion_on_paper(dataset, notion)} (with {model}) are worth "
            f"{'; and '.join(parts)}."
        )
    return said


def fewest_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Of what methods are worth to several maps, the least: that of the map which reaches it first.

    Args:
        rows: of the part :data:`WORTH`, of a notion.
    """
    beyond = rows["worth_is"].map({AT_MOST: -np.inf, MORE_THAN: np.inf})
    order = rows.assign(order=beyond.fillna(rows["worth"])).sort_values("order", kind="stable")
    return order.drop_duplicates("method").drop(columns="order")


def _worth(row: "pd.Series[Any]") -> str:
    number = number_of(row["worth"], EXACT)
    what = "labelled image a class" if number == "1" else "labelled images a class"
    if row["worth_is"] == MORE_THAN:
        return f"more than {number} {what}"
    if row["worth_is"] == AT_MOST:
        return f"{number} {what} at most"
    low, high = (number_of(row[end], row[f"{end}_is"]) for end in ("low", "high"))
    return f"about {number} {what} ({low} to {high})"


def _by(method: str, row: "pd.Series[Any]", best: str) -> str:
    """The method, and beside which map: none has more than that."""
    beside = "" if row["worth_is"] == MORE_THAN else f" beside {method_on_paper(row['map'])}"
    also = ", the best method" if method == best != OURS else ""
    return f"by {method_on_paper(method)}{beside}{also}"
