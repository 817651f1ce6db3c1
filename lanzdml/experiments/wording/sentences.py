"""What wordings do, in sentences that can be quoted."""

import numpy as np
import pandas as pd

from lanzdml.embeddings.prompts import ENSEMBLE
from lanzdml.experiments.wording.influence import most
from lanzdml.experiments.wording.summary import (
    AGREEMENT,
    METHOD,
    PAIR,
    PROMPT,
    SCORE,
    SHARE,
    over_all,
)
from lanzdml.experiments.wording.table import METRIC
from lanzdml.experiments.wording.variance import INTERACTION, WORDING
from lanzdml.experiments.wording.variance import METHOD as OF_METHOD
from lanzdml.methods import method_on_paper
from lanzdml.names import METRIC_NAMES, notion_on_paper, one_line, shortened
from lanzdml.tables.markup import LONGEST
from lanzdml.tables.wins import best_of


def sentences(rows: pd.DataFrame) -> list[str]:
    """Of each model: whether rankings hold, what moves scores, what is best, and what hurts.

    Args:
        rows: of :func:`lanzdml.experiments.wording.table.summarise`.
    """
    rows = rows[rows["metric"] == METRIC]
    said = []
    for model, block in rows.groupby("model", sort=False):
        rankings = _rankings(str(model), block)
        others = [*filter(None, (_moves(block), _best(block), _hurts(block)))]
        if others and not rankings:
            others.insert(0, f"With {model}:")
        said.append(" ".join(filter(None, [rankings, *others])))
    return [*filter(None, said)]


def _rankings(model: str, block: pd.DataFrame) -> str:
    agreement, pairs = block[block["part"] == AGREEMENT], block[block["part"] == PAIR]
    if agreement.empty:
        return ""
    least, most_ = agreement["n_wordings"].min(), agreement["n_wordings"].max()
    n_wordings = f"{least:.0f}" if least == most_ else f"{least:.0f} to {most_:.0f}"
    turned = pairs["turned"].astype("bool").sum()
    notions = f"each of {len(agreement)} notions" if len(agreement) > 1 else "a notion"
    said = []
    if len(pairs):  # none of too few images
        said.append(f"{turned} of {len(pairs)} pairs of methods change order beyond noise")
    # Equal methods have no order.
    ordered = agreement.dropna(subset=["value", "same_wording"])
    if len(ordered):
        said.append(
            f"Kendall's tau between wordings is {ordered['value'].mean():z.2f} on average, and "
            "under one wording between these images and draws of others "
            f"{ordered['same_wording'].mean():z.2f}"
        )
    over = f"Over {n_wordings} wordings of {notions} (with {model}), "
    return f"{over}{'; '.join(said)}." if said else ""


def _moves(block: pd.DataFrame) -> str:
    """Standard deviations of one thing changed and all else the same."""
    shares = block[(block["part"] == SHARE) & block["value"].notna()]
    if shares.empty:
        return ""
    variances = shares.assign(value=shares["std"] ** 2).groupby("component")["value"].mean()
    both = variances[INTERACTION]
    wording, method = np.sqrt(variances[WORDING] + both), np.sqrt(variances[OF_METHOD] + both)
    said = (
        f"Another wording moves a method's {METRIC_NAMES[METRIC]} by {100 * wording:.1f} points "
        f"(standard deviation), another method under the same wording by {100 * method:.1f}"
    )
    key = ["dataset", "notion", "method"]
    counted = block.loc[(block["part"] == METHOD) & block["counted"].eq(True), key]
    scores = block[(block["part"] == SCORE) & (block["n"] > 1) & (block["wording"] != ENSEMBLE)]
    scores = scores.merge(counted, on=key)
    of_seeds = (scores["std"] ** 2 * scores["n"] / (scores["n"] - 1)).mean()
    if pd.notna(of_seeds):  # not the component, in which methods without chance count as 0
        said += f", another seed by {100 * np.sqrt(of_seeds):.1f} where a fit has chance"
    return f"{said}."


def _best(block: pd.DataFrame) -> str:
    """By the mean over wordings, where there are several."""
    rows = block[block["part"] == METHOD]
    several = rows.groupby(["dataset", "notion"])["n_wordings"].transform("max") > 1
    rows = rows[over_all(rows) & several].dropna(subset="value")
    best = best_of(rows) if len(rows["method"].unique()) > 1 else ""
    return f"The best mean over wordings is that of {best}." if best else ""


def _hurts(block: pd.DataFrame) -> str:
    """The prompt without which a method gains most, beyond noise."""
    prompts = block[block["part"] == PROMPT]
    worst = most(prompts[prompts["high"] < 0], 1, hurt=True)
    if worst.empty:
        return ""
    row = worst.iloc[0]
    prompt, method = shortened(one_line(row["prompt"]), LONGEST), method_on_paper(row["method"])
    return (
        f"Without the prompt “{prompt}”, {method} gains "
        f"{-100 * row['value']:.1f} points on {notion_on_paper(row['dataset'], row['notion'])}."
    )
