"""The scale that a value is read on: from chance to the most there is, and to what labels reach."""

import pandas as pd

from lanzdml.metrics.chance import ADJUSTED
from lanzdml.metrics.runs import notions_used

CEILING = "oracle"


def with_scale(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`lanzdml.tables.paper.summarise` with where each value lies.

    Args:
        summary: with ``chance``, which is missing for a metric that has none.

    Returns:
        with ``above_chance``, (mean - chance) / (1 - chance), and ``of_oracle``, the share of the
        way from chance to Oracle with the same labels, protocol, model and dim. Missing where
        chance is, or where Oracle was not run, has no value of some seed, or is not above chance.
    """
    rows = summary.assign(labels=[used.labels for used in notions_used(summary)])
    rows["chance"] = rows["chance"].mask(rows["metric"].isin(ADJUSTED), 0.0)
    same = ["protocol", "model", "dim", "dataset", "labels", "metric"]
    is_ceiling = (rows["method"] == CEILING) & (rows["n_seeds"] == rows["n_runs"])
    ceiling = rows[is_ceiling].drop_duplicates(same).set_index(same)["mean"].rename("ceiling")
    rows = rows.join(ceiling, on=same)
    rows["above_chance"] = share_of_way(rows["mean"], rows["chance"], 1.0)
    rows["of_oracle"] = share_of_way(rows["mean"], rows["chance"], rows["ceiling"])
    return rows.drop(columns=["labels", "ceiling"])


def share_of_way(values: pd.Series, low: pd.Series, high: pd.Series | float) -> pd.Series:
    """How far each value lies on the way from ``low``, 0, to ``high``, 1; missing without a way."""
    way = high - low
    return (values - low) / way.where(way > 0)
