"""What keeps least of the notions that should not matter."""

import pandas as pd

from lanzdml.experiments.specificity.table import METRIC
from lanzdml.methods import in_order, method_on_paper
from lanzdml.significance.comparisons import OURS


def sentences(rows: pd.DataFrame) -> list[str]:
    """A sentence a model: what keeps least of the notions that should not matter.

    Args:
        rows: of :func:`lanzdml.experiments.specificity.table.summarise`.
    """
    own = rows[(rows["metric"] == METRIC) & (rows["notion"] == rows["scored_on"])]
    said = []
    for model, block in own[~own["supervised"]].groupby("model", sort=False):
        kept = block.groupby("method")["off_target"].agg(lambda values: values.mean(skipna=False))
        above_clip = block.groupby("method")["of_clip"].min() > 100
        kept = kept[above_clip].dropna()
        if len(kept) < 2:
            continue
        least = in_order(kept[kept.round() == kept.round().min()].index)
        ours = f"; {method_on_paper(OURS)} keeps {kept[OURS]:.0f} %" if OURS in kept else ""
        said.append(
            f"Of {len(kept)} methods without labels that are above CLIP on every notion (with "
            f"{model}), {' and '.join(map(method_on_paper, least))} keeps least of the others: "
            f"{kept.min():.0f} % of what CLIP has of them above chance, by the nearest image{ours}."
        )
    return said
