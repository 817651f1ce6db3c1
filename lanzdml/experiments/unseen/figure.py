"""Dots: a method's score on classes whose prompts it did not have, beside that with all prompts."""

from math import ceil
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lanzdml.experiments.blocks import blocks
from lanzdml.experiments.unseen.table import METRIC
from lanzdml.figures.style import MUTED, TEXT_WIDTH, method_look, new_figure
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, on_paper

_COLUMNS = 3
_ROW = 0.135  # inches a method
_SIZE = 4


def draw(rows: pd.DataFrame) -> Figure:
    """A block a dataset and model, in it a panel a notion that has values, with a row a method.

    Args:
        rows: of :func:`lanzdml.experiments.unseen.table.summarise`.
    """
    rows = rows[(rows["metric"] == METRIC) & rows["unseen"].notna()]
    found = [*blocks(rows)]
    if not found:
        figure = new_figure(TEXT_WIDTH, 0.6)
        figure.suptitle("Nothing could be measured; the table says why.")
        return figure
    lines = [ceil(block["notion"].nunique() / _COLUMNS) for _, block in found]
    heights = [
        n * (_ROW * block["method"].nunique() + 0.6) + 0.4
        for n, (_, block) in zip(lines, found, strict=True)
    ]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    parts = figure.subfigures(len(found), squeeze=False, height_ratios=heights)[:, 0]
    for part, (setting, block), n in zip(parts, found, lines, strict=True):
        part.suptitle(setting, fontsize=8)
        _draw_block(part, block, n)
    return figure


def _draw_block(part: "Figure", block: pd.DataFrame, lines: int) -> None:
    methods = in_order(block["method"])[::-1]
    notions = list(block["notion"].unique())
    columns = min(len(notions), _COLUMNS)
    axes = part.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for axis, notion in zip(axes, notions, strict=False):
        _draw_panel(axis, block[block["notion"] == notion], methods)
        axis.set_title(on_paper(notion, NOTION_NAMES))
    for axis in axes[len(notions) :]:
        axis.set_visible(False)
    look: dict[str, Any] = {"linestyle": "", "marker": "o", "color": MUTED, "markersize": _SIZE}
    handles = [
        Line2D([], [], label="without the prompts of these classes", **look),
        Line2D([], [], label="with all prompts", markerfacecolor="none", **look),
    ]
    part.legend(handles=handles, loc="outside lower center", ncols=2)


def _draw_panel(axis: Axes, rows: pd.DataFrame, methods: list[str]) -> None:
    for row in rows.itertuples():
        y, color = methods.index(row.method), method_look(row.method)["color"]
        unseen, named = 100 * row.unseen, 100 * row.named
        axis.plot([unseen, named], [y, y], color=color, linewidth=0.6, alpha=0.5)
        axis.plot([100 * row.low, 100 * row.high], [y, y], color=color, linewidth=1.4)
        axis.plot(unseen, y, marker="o", color=color, markersize=_SIZE)
        axis.plot(named, y, marker="o", color=color, markersize=_SIZE, markerfacecolor="none")
    axis.set_yticks(range(len(methods)), [method_on_paper(name) for name in methods])
    axis.set_xlabel(f"{METRIC_NAMES[METRIC]} in percent")
    axis.set_xlim(left=0)
