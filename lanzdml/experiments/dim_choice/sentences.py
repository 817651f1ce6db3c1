"""What is said of rules that choose r' without labels, in a sentence that can be quoted."""

import pandas as pd

from lanzdml.experiments.dim_choice.measure import RULE, UNCUT
from lanzdml.experiments.dim_choice.rules import CONFIGURED
from lanzdml.experiments.dim_choice.table import AUTO_RULE, METRIC, regrets, rule_on_paper
from lanzdml.methods import method_on_paper
from lanzdml.names import METRIC_NAMES, in_a_row

_SHOWN = (AUTO_RULE, CONFIGURED)


def sentences(rows: pd.DataFrame) -> list[str]:
    """A sentence a model and method: what the r' of rules loses against the best by labels.

    Args:
        rows: of :func:`lanzdml.experiments.dim_choice.table.summarise`.
    """
    rows = rows[(rows["metric"] == METRIC) & rows["part"].isin((RULE, UNCUT))]
    said = []
    for (model, method), block in rows.groupby(["model", "method"], sort=False):
        over = regrets(block)
        uncut = block.loc[block["part"] == UNCUT, "rule"]
        clauses = [
            f"{_words(rule)} {100 * row['mean']:z.1f} (at worst {100 * row['worst']:z.1f})"
            for rule in dict.fromkeys((*_SHOWN, *uncut))
            if (method, rule) in over.index
            for row in [over.loc[(method, rule)]]
        ]
        if (method, AUTO_RULE) not in over.index or len(clauses) < 2:
            continue
        n_notions = len(block.groupby(["dataset", "notion"]))
        where = "the notion" if n_notions == 1 else f"{n_notions} notions"
        said.append(
            f"Points of {METRIC_NAMES[METRIC]} that {method_on_paper(str(method))} loses against "
            f"the best r' that labels would choose (with {model}, mean over {where}): "
            f"{in_a_row(clauses)}."
        )
    return said


def _words(rule: str) -> str:
    if rule == AUTO_RULE:
        return "with the r' that prompts say (dims: auto)"
    if rule == CONFIGURED:
        return f"with the {rule_on_paper(rule)}"
    return f"{method_on_paper(rule)}, which needs none,"
