"""Dots: a method's score under each wording of a notion's prompts."""

from math import ceil
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lanzdml.embeddings.prompts import ENSEMBLE, OWN
from lanzdml.experiments.blocks import blocks
from lanzdml.experiments.wording.summary import SCORE
from lanzdml.experiments.wording.table import METRIC
from lanzdml.figures.style import MUTED, TEXT_WIDTH, method_look, new_figure
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, on_paper

_COLUMNS = 3
_ROW = 0.135  # inches a method
_KINDS: dict[str, dict[str, Any]] = {
    "as configured": {"marker": "o", "markersize": 4.5},
    "other wordings": {"marker": "o", "markersize": 4, "markerfacecolor": "none"},
    "ensemble": {"marker": "x", "markersize": 4.5},
}


def draw(rows: pd.DataFrame) -> Figure:
    """A block a dataset and model, in it a panel a notion that has values, with a row a method.

    Args:
        rows: of :func:`lanzdml.experiments.wording.summary.summarise`.
    """
    rows = rows[(rows["part"] == SCORE) & (rows["metric"] == METRIC) & rows["value"].notna()]
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


def _draw_block(part: Any, block: pd.DataFrame, lines: int) -> None:
    methods = in_order(block["method"])[::-1]
    notions = list(block["notion"].unique())
    columns = min(len(notions), _COLUMNS)
    axes = part.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for axis, notion in zip(axes, notions, strict=False):
        _draw_panel(axis, block[block["notion"] == notion], methods)
        axis.set_title(on_paper(notion, NOTION_NAMES))
    for axis in axes[len(notions) :]:
        axis.set_visible(False)
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
