"""What prompts are worth in labels, in sentences."""

import pandas as pd

from lanzdml.experiments.label_worth.table import METRIC, STANDARD, WORTH, mean_scores, number_of
from lanzdml.experiments.label_worth.worth import AT_MOST, MORE_THAN
from lanzdml.methods import method_on_paper
from lanzdml.names import notion_on_paper
from lanzdml.significance.comparisons import OURS


def label_worths(rows: pd.DataFrame) -> list[str]:
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
        name = standard_map(found)
        by_method = found[found["map"] == name].set_index("method")
        scores = mean_scores(block)[notion]
        best = str(scores[by_method.index].idxmax())
        shown = [OURS] if OURS in by_method.index else []
        parts = [f"{_words(by_method.loc[OURS])}, by {method_on_paper(OURS)}"] if shown else []
        if best not in shown:
            also = ", the best" if shown else ", the best method"
            parts.append(f"{_words(by_method.loc[best])}, by {method_on_paper(best)}{also}")
        said.append(
            f"The prompts of {notion_on_paper(dataset, notion)} (with {model}) are worth "
            f"{'; and '.join(parts)}: so many {method_on_paper(name)} needs to score as high on "
            "the same images."
        )
    return said


def standard_map(rows: pd.DataFrame) -> str:
    """The map that is spoken of: LDA, or the first."""
    maps = list(rows["map"].dropna())
    return STANDARD if STANDARD in maps else str(maps[0])


def _words(row: "pd.Series[object]") -> str:
    value, beyond = float(str(row["worth"])), row["worth_is"]
    number = number_of(value, None)
    what = "labelled image a class" if number in ("1", "1.0") else "labelled images a class"
    if beyond == MORE_THAN:
        return f"more than {number} {what}"
    if beyond == AT_MOST:
        return f"{number} {what} at most"
    low, high = (number_of(float(str(row[end])), row[f"{end}_is"]) for end in ("low", "high"))
    return f"about {number} {what} ({low} to {high})"
