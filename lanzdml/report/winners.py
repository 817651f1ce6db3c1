"""What wins where, in sentences."""

import pandas as pd

from lanzdml.names import METRIC_NAMES
from lanzdml.significance.comparisons import METRIC
from lanzdml.tables.paper import by_setting, is_whole
from lanzdml.tables.wins import best_of


def winners(summary: pd.DataFrame) -> list[str]:
    """A sentence a protocol, model and dim: which method that sees no labels is best, and where.

    Args:
        summary: of :func:`lanzdml.tables.paper.summarise`.
    """
    said = []
    for setting, block in by_setting(summary):
        rows = block[(block["metric"] == METRIC) & ~block["supervised"] & is_whole(block)]
        best = best_of(rows.assign(value=rows["mean"]))
        if best:
            said.append(
                f"{setting[0].upper()}{setting[1:]}, the best {METRIC_NAMES[METRIC]} without "
                f"labels is that of {best}."
            )
    return said
