"""Dots: a method's score under each wording of a notion's prompts."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from lanzdml.embeddings.prompts import ENSEMBLE, OWN
from lanzdml.experiments.panels import block_figure, notion_panels
from lanzdml.experiments.wording.summary import SCORE
from lanzdml.experiments.wording.table import METRIC
from lanzdml.figures.style import MUTED, method_look
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES

_ROW = 0.135  # inches a method
_KINDS: dict[str, dict[str, Any]] = {
    "as configured": {"marker": "o", "markersize": 4.5},
    "other wordings": {"marker": "o", "markersize": 4, "markerfacecolor": "none"},
    "ensemble": {"marker": "x", "markersize": 4.5},
}


def draw(rows: pd.DataFrame) -> Figure:
    """A block a dataset and model, in it a panel a notion that has values, with a row a method.

    Args:
        rows: of :func:`lanzdml.experiments.wording.table.summarise`.
    """
    rows = rows[(rows["part"] == SCORE) & (rows["metric"] == METRIC) & rows["value"].notna()]
    return block_figure(rows, _height, _draw_block)


def _height(block: pd.DataFrame, lines: int) -> float:
    return lines * (_ROW * block["method"].nunique() + 0.6) + 0.4


def _draw_block(part: SubFigure, block: pd.DataFrame) -> None:
    methods = in_order(block["method"])[::-1]
    for notion, axis in notion_panels(part, block, sharey=True).items():
        _draw_panel(axis, block[block["notion"] == notion], methods)
    there = dict.fromkeys(map(_kind, block["wording"]))
    handles = [
        Line2D([], [], linestyle="", color=MUTED, label=kind, **look)
        for kind, look in _KINDS.items()
        if kind in there
    ]
    part.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _kind(wording: str) -> str:
    configured, others, ensemble = _KINDS
    return {OWN: configured, ENSEMBLE: ensemble}.get(wording, others)


def _draw_panel(axis: Axes, rows: pd.DataFrame, methods: list[str]) -> None:
    for method, part in rows.groupby("method", sort=False):
        y, color = methods.index(str(method)), method_look(str(method))["color"]
        wordings = 100 * part.loc[part["wording"] != ENSEMBLE, "value"]
        if len(wordings):
            ends = [wordings.min(), wordings.max()]
            axis.plot(ends, [y, y], color=color, linewidth=0.6, alpha=0.5)
        for row in part.itertuples():
            axis.plot(100 * row.value, y, color=color, **_KINDS[_kind(row.wording)])
    axis.set_yticks(range(len(methods)), [method_on_paper(name) for name in methods])
    axis.set_xlabel(f"{METRIC_NAMES[METRIC]} in percent")
    axis.set_xlim(left=0)
    axis.set_ylim(-0.6, len(methods) - 0.4)
