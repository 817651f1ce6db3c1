"""Curves over r', and below each the r' that rules choose, a row a rule."""

from math import ceil
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from lanzdml.experiments.blocks import SETTING
from lanzdml.experiments.dim_choice.measure import GRID, UNCUT
from lanzdml.experiments.dim_choice.table import (
    AUTO_RULE,
    METRIC,
    rule_on_paper,
    rules_in_order,
)
from lanzdml.experiments.panels import COLUMNS, block_figure
from lanzdml.figures.style import MUTED, method_look
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, on_paper

_CURVE, _ROW, _AROUND = 1.3, 0.13, 0.75  # inches: of a curve, a rule, and what is between
_TICKS = (1, 4, 16, 64, 256, 1024)


def draw(rows: pd.DataFrame) -> Figure:
    """A block a dataset and model, in it a panel a notion.

    Args:
        rows: of :func:`lanzdml.experiments.dim_choice.table.summarise`.
    """
    rows = rows[(rows["metric"] == METRIC) & rows["mean"].notna()]
    # Without a curve there is no best r', which all else is measured against.
    of_curve = (rows["part"] == GRID).groupby([rows[key] for key in (*SETTING, "notion")])
    rows = rows[of_curve.transform("any")]
    return block_figure(rows, _height, _draw_block)


def _height(block: pd.DataFrame, lines: int) -> float:
    return lines * (_CURVE + _ROW * len(_cutting(block)) + _AROUND) + 0.5


def _cutting(block: pd.DataFrame) -> list[str]:
    """The rules that choose an r'."""
    return rules_in_order(block[block["part"] != UNCUT])


def _draw_block(part: SubFigure, block: pd.DataFrame) -> None:
    notions, rules = list(block["notion"].unique()), _cutting(block)
    columns = min(len(notions), COLUMNS)
    lines = ceil(len(notions) / columns)
    below = _ROW * max(1, len(rules))
    grid = part.add_gridspec(2 * lines, columns, height_ratios=[_CURVE, below] * lines)
    for position, notion in enumerate(notions):
        line, column = divmod(position, columns)
        curve = part.add_subplot(grid[2 * line, column])
        chosen = part.add_subplot(grid[2 * line + 1, column], sharex=curve)
        rows = block[block["notion"] == notion]
        curve.set_title(on_paper(notion, NOTION_NAMES))
        _draw_curves(curve, rows)
        _draw_choices(chosen, rows, rules)
        _mark_best(rows, curve, chosen)
        if column == 0:
            curve.set_ylabel(f"{METRIC_NAMES[METRIC]} in percent")
            chosen.set_yticks(range(len(rules)), [rule_on_paper(rule) for rule in rules])
        else:
            chosen.set_yticks(range(len(rules)), [])
    part.legend(handles=_handles(block), loc="outside lower center", ncols=4)


def _draw_curves(axis: Axes, rows: pd.DataFrame) -> None:
    grid = rows[rows["part"] == GRID]
    for method, curve in grid.groupby("method", sort=False):
        curve = curve.sort_values("size")
        look = method_look(str(method)) | {"markersize": 3}
        axis.plot(curve["size"].astype(int), 100 * curve["mean"], **look)
    uncut = rows[rows["part"] == UNCUT].drop_duplicates("rule")
    for row in uncut.itertuples():
        color = method_look(row.rule)["color"]
        axis.axhline(100 * row.mean, color=color, linestyle=(0, (4, 2)), zorder=1.5)
    axis.set_xscale("log", base=2)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelbottom=False)


def _draw_choices(axis: Axes, rows: pd.DataFrame, rules: list[str]) -> None:
    chosen = rows[rows["rule"].isin(rules)].groupby("rule")
    sizes = chosen["size"].first()
    regrets = 100 * chosen["regret"].mean()
    for y, rule in enumerate(rules):
        if rule not in sizes.index:
            continue
        color = "black" if rule == AUTO_RULE else MUTED
        axis.plot(int(sizes[rule]), y, marker="o", markersize=3.5, color=color)
        # At the end of the row, whatever r' is: numbers beside each other can be compared.
        axis.annotate(
            f"{regrets[rule]:z.1f}",
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=6,
            color=color,
        )
    axis.set_ylim(len(rules) - 0.4, -0.6)
    axis.grid(axis="y", linewidth=0.3)
    axis.tick_params(axis="y", length=0)
    most = rows.loc[rows["part"] != UNCUT, "size"].max()
    ticks = [tick for tick in _TICKS if tick <= most]
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("embedding size r' (dimensions)")


def _mark_best(rows: pd.DataFrame, *axes: Axes) -> None:
    """The best r' by labels, of each method."""
    grid = rows[rows["part"] == GRID]
    for method, curve in grid.groupby("method", sort=False):
        best = int(curve.loc[curve["mean"].idxmax(), "size"])
        for axis in axes:
            color = method_look(str(method))["color"]
            axis.axvline(best, color=color, linewidth=0.6, alpha=0.6, zorder=1)


def _handles(block: pd.DataFrame) -> list[Line2D]:
    handles = [
        Line2D([], [], label=method_on_paper(name), **(method_look(name) | {"markersize": 3}))
        for name in in_order(block.loc[block["part"] == GRID, "method"])
    ]
    dashed = in_order(block.loc[block["part"] == UNCUT, "rule"])
    handles += [
        Line2D(
            [], [], color=method_look(name)["color"], linestyle=(0, (4, 2)),
            label=rule_on_paper(name),
        )
        for name in dashed
    ]  # fmt: skip
    look: dict[str, Any] = {"color": MUTED, "marker": "o", "markersize": 3.5, "linestyle": ""}
    return [*handles, Line2D([], [], label="r' that a rule chooses, and points lost", **look)]
