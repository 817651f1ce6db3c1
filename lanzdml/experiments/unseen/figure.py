"""Dots: a method's score on classes whose prompts it did not have, beside that with all prompts."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from lanzdml.experiments.panels import block_figure, notion_panels
from lanzdml.experiments.unseen.table import METRIC
from lanzdml.figures.style import MUTED, method_look
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES

_ROW = 0.135  # inches a method
_SIZE = 4


def draw(rows: pd.DataFrame) -> Figure:
    """A block a dataset and model, in it a panel a notion that has values, with a row a method.

    Args:
        rows: of :func:`lanzdml.experiments.unseen.table.summarise`.
    """
    rows = rows[(rows["metric"] == METRIC) & rows["unseen"].notna()]
    return block_figure(rows, _height, _draw_block)


def _height(block: pd.DataFrame, lines: int) -> float:
    return lines * (_ROW * block["method"].nunique() + 0.6) + 0.4


def _draw_block(part: SubFigure, block: pd.DataFrame) -> None:
    methods = in_order(block["method"])[::-1]
    for notion, axis in notion_panels(part, block, sharey=True).items():
        _draw_panel(axis, block[block["notion"] == notion], methods)
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
