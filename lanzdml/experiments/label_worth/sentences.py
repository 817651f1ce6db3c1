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
        parts = [_words(name, by_method.loc[name]) for name in names]
        if best != OURS:
            parts[-1] += ", the best method"
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


def _words(method: str, row: "pd.Series[Any]") -> str:
    number, by = number_of(row["worth"], EXACT), f"by {method_on_paper(method)}"
    what = "labelled image a class" if number == "1" else "labelled images a class"
    if row["worth_is"] == MORE_THAN:
        return f"more than {number} {what}, {by}"
    to = f"{by} beside {method_on_paper(row['map'])}"
    if row["worth_is"] == AT_MOST:
        return f"{number} {what} at most, {to}"
    if pd.isna(row["low"]):
        return f"about {number} {what} in a single draw, {to}"
    low, high = (number_of(row[end], row[f"{end}_is"]) for end in ("low", "high"))
    return f"about {number} {what} ({low} to {high}), {to}"
