"""Tables for readers of each notion: its methods' ranks, and what its queries can show."""

import numpy as np
import pandas as pd

from lanzdml.methods import method_on_paper
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.names import DATASET_NAMES, METRIC_NAMES, NOTION_NAMES, on_paper
from lanzdml.significance.comparisons import DIFFERENCE, METRIC, NOTION, NOTION_RANK
from lanzdml.significance.pairs import LEVEL_TEXT, NOTHING
from lanzdml.significance.statistics import POWER
from lanzdml.tables.markup import DASH, Table


def rank_table(block: pd.DataFrame) -> Table | None:
    """Each method's rank on each notion, the best by MAP@R first, with what is open of it."""
    rows = block[block["part"] == NOTION_RANK]
    if rows.empty:
        return None
    by_metric = {metric: rows[rows["metric"] == metric] for metric in PER_QUERY}
    first = by_metric[METRIC]
    others = {
        metric: of_metric.set_index([*NOTION, "method"]) for metric, of_metric in by_metric.items()
    }
    heads: list[tuple[str, ...]] = []
    cells: list[list[str]] = []
    for key in first[[*NOTION, "method"]].itertuples(index=False, name=None):
        dataset, notion, method = key
        heads.append((*_names(dataset, notion), method_on_paper(method)))
        cells.append([])
        for metric in PER_QUERY:
            row = others[metric].loc[key]
            letters = DASH if pd.isna(row["groups"]) else row["groups"]
            bounds = f"{row['low']:.0f} to {row['high']:.0f}"
            cells[-1] += [f"{row['value']:g}", bounds, letters]
    columns = [
        column
        for metric in PER_QUERY
        for column in (METRIC_NAMES[metric], f"{LEVEL_TEXT} interval", "Groups")
    ]
    notes = [
        "Ranks are among the methods that see no labels and have a value on the notion. All "
        f"intervals of a notion and metric hold at once in {LEVEL_TEXT} of the cases: a method is "
        "behind those that are better, and before those that are worse, by Holm's correction for "
        "all pairs. They leave out what the intervals of the differences do.",
        "Methods of a notion that share a letter are not told apart by a metric; those that share "
        "none are.",
    ]
    caption = "Ranks on each notion, 1 is the best"
    return Table(caption, ["Dataset", "Notion", "Method"], heads, columns, cells, notes, ["Groups"])


def smallest_table(block: pd.DataFrame) -> Table | None:
    """Which difference of two methods the queries of each notion can show."""
    rows = block[(block["part"] == DIFFERENCE) & block["p_fdr"].notna()]
    rows = rows[rows["smallest"] >= NOTHING]
    if rows.empty:
        return None
    heads: list[tuple[str, ...]] = []
    cells: list[list[str]] = []
    for (dataset, notion), of_notion in rows.groupby(NOTION, sort=False):
        heads.append(_names(dataset, notion))
        cells.append([f"{of_notion['n'].iloc[0]:,.0f}"])
        for metric in PER_QUERY:
            smallest = of_notion.loc[of_notion["metric"] == metric, "smallest"]
            if smallest.empty:
                cells[-1] += [DASH, DASH]
                continue
            low, median, high = np.quantile(smallest, [0, 0.5, 1])
            cells[-1] += [f"{median:.2f}", f"{low:.2f} to {high:.2f}"]
    columns = [
        "Queries",
        *(name for metric in PER_QUERY for name in (METRIC_NAMES[metric], "By the pair")),
    ]
    notes = [
        f"The true difference of two methods that its {LEVEL_TEXT} interval finds in "
        f"{100 * POWER:.0f} % of the cases, with as many images and seeds as here: of the median "
        "pair of methods that see no labels, and of the pair with the least chance in it to that "
        "with the most. Pairs with next to none, which are equal, are not among them.",
    ]
    caption = "The smallest difference that so many queries can show, in percent points"
    return Table(caption, ["Dataset", "Notion"], heads, columns, cells, notes)


def _names(dataset: str, notion: str) -> tuple[str, str]:
    return on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES)
