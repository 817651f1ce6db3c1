"""How far methods are above chance: the tables' values on a scale from chance to Oracle."""

import pandas as pd

from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import DATASET_NAMES, METRIC_NAMES, NOTION_NAMES, on_paper
from lanzdml.tables.markup import DASH, Table
from lanzdml.tables.paper import TABLES, by_setting

CHANCE = "Chance"
_METRICS = TABLES["table2"].metrics
_HEADS = ["Dataset", "Notion", "Metric"]
_SCALES = {
    "of_oracle": "the share of the way from there to Oracle",
    "above_chance": "the share of the way from there to a score of 100",
}


def share_tables(summary: pd.DataFrame, *, methods_are_rows: bool = False) -> list[Table]:
    """Chance and, of each method, how far it is above it: one table a protocol, model and dim.

    Where Oracle was run with none of a table's notions, its place is that of the best there is.

    Args:
        summary: of :func:`lanzdml.tables.paper.summarise`.
        methods_are_rows: and notions columns; otherwise the other way round.
    """
    return [
        _table(setting, rows[rows["metric"].isin(_METRICS)], methods_are_rows)
        for setting, rows in by_setting(summary)
    ]


def _table(setting: str, rows: pd.DataFrame, methods_are_rows: bool) -> Table:
    scale = "of_oracle" if rows["of_oracle"].notna().any() else "above_chance"
    methods = in_order(rows["method"])
    heads, lines = [], []
    for (dataset, notion), of_notion in rows.groupby(["dataset", "notion"], sort=False):
        for metric in _METRICS:
            line = of_notion[of_notion["metric"] == metric]
            shares = line.set_index("method")[scale].reindex(methods)
            # Of the notion's own labels, which a protocol may replace for some methods.
            lines.append([_percent(line["chance"].mode().min()), *map(_percent, shares)])
            heads.append((
                on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES),
                METRIC_NAMES[metric],
            ))  # fmt: skip
    caption = f"Above chance {setting}: chance, and {_SCALES[scale]}, in percent"
    names = [CHANCE, *map(method_on_paper, methods)]
    if not methods_are_rows:
        return Table(caption, _HEADS, heads, names, lines)
    several = len({dataset for dataset, _, _ in heads}) > 1
    columns = [
        f"{dataset}, {notion}, {metric}" if several else f"{notion}, {metric}"
        for dataset, notion, metric in heads
    ]
    cells = [list(cells) for cells in zip(*lines, strict=True)]
    return Table(caption, ["Method"], [(name,) for name in names], columns, cells)


def _percent(share: float) -> str:
    return DASH if pd.isna(share) else f"{100 * share:z.1f}"
