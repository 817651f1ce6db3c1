"""What was measured, in the blocks in which it is shown: one a dataset and model."""

from collections.abc import Iterator

import pandas as pd

from lanzdml.names import DATASET_NAMES, on_paper
from lanzdml.tables.paper import NO_DIM, by_setting

SETTING = ["dataset", "model", "protocol", "dim"]


def of_one_dim(rows: pd.DataFrame) -> pd.DataFrame:
    """What was measured, all with the r' that was asked for; :data:`NO_DIM` where none was.

    Where the prompts say it that is :data:`lanzdml.metrics.runs.AUTO_DIM`.
    """
    asked = rows["dim"].dropna()
    return rows.assign(dim=asked.max() if len(asked) else NO_DIM)


def blocks(summary: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each dataset and model, with what these are called."""
    for dataset, rows in summary.groupby("dataset", sort=False):
        for setting, block in by_setting(rows):
            yield f"{on_paper(dataset, DATASET_NAMES)} {setting}", block
