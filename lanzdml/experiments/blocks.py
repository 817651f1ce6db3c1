"""What was measured, in the blocks in which it is shown: one a dataset and model."""

from collections.abc import Iterator

import pandas as pd

from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import DATASET_NAMES, NOTION_NAMES, on_paper
from lanzdml.tables.markup import DASH
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


def notes_on_reasons(rows: pd.DataFrame) -> Iterator[str]:
    """Why some values are not there, a note a reason.

    Args:
        rows: of a block, with notion, method and ``reason``. Methods are named unless the reason is
            that of all that their notions have.
    """
    each = ["notion", "method"]
    missing = rows.dropna(subset="reason").drop_duplicates([*each, "reason"])
    for reason, part in missing.groupby("reason", sort=False):
        names = ", ".join(map(method_on_paper, in_order(part["method"])))
        where = ", ".join(dict.fromkeys(on_paper(n, NOTION_NAMES) for n in part["notion"]))
        of_all = len(part) == len(rows[rows["notion"].isin(part["notion"])].drop_duplicates(each))
        yield f"{DASH} {where if of_all else f'{names}, {where}'}: {reason}"
