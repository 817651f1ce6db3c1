"""What wins on classes that no prompt names."""

import pandas as pd

from lanzdml.experiments.unseen.table import METRIC
from lanzdml.methods import method_on_paper
from lanzdml.tables.wins import best_of, wins


def sentences(rows: pd.DataFrame) -> list[str]:
    """A sentence a model: what wins on classes that no prompt names, and what the best loses there.

    Args:
        rows: of :func:`lanzdml.experiments.unseen.table.summarise`.
    """
    rows = rows[(rows["metric"] == METRIC) & ~rows["supervised"] & rows["unseen"].notna()]
    said = []
    for model, block in rows.groupby("model", sort=False):
        best = best_of(block.assign(value=block["unseen"]))
        named = wins(block.assign(value=block["named"]))
        if not best or not named or block["method"].nunique() < 2:
            continue
        first = next(iter(named))
        of_first = 100 * block.loc[block["method"] == first, ["named", "unseen"]].mean()
        said.append(
            f"Of {block['method'].nunique()} methods that were fitted without the prompts of the "
            f"classes that are scored (with {model}), the best is {best}; "
            f"{method_on_paper(first)}, the best on the same images with all prompts, goes from "
            f"{of_first['named']:.1f} to {of_first['unseen']:.1f} on average."
        )
    return said
