"""Curves over labelled images a class, with methods as horizontal lines, and where these cross."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from lanzdml.experiments.label_worth.sentences import fewest_labels
from lanzdml.experiments.label_worth.table import CURVE, METRIC, WORTH, mean_scores
from lanzdml.experiments.label_worth.worth import AT_MOST, MORE_THAN
from lanzdml.experiments.panels import COLUMNS, block_figure, notion_panels
from lanzdml.figures.style import MUTED, method_look
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES
from lanzdml.significance.comparisons import BASELINE, OURS

_PANEL = 2.1  # inches high
_OTHERS = "#CFCFCF"


def draw(rows: pd.DataFrame) -> Figure:
    """A block a dataset and model, in it a panel a notion that has values.

    In colour are the maps, CLIP, InDiReCT and the best method of each notion; the others are grey.

    Args:
        rows: of :func:`lanzdml.experiments.label_worth.table.summarise`.
    """
    rows = rows[rows["metric"] == METRIC]
    curves = rows[rows["part"] == CURVE]
    measured = curves.loc[curves["value"].notna(), "notion"]
    rows = rows[rows["notion"].isin(measured)]
    return block_figure(rows, lambda _, lines: _PANEL * lines + 0.6, _draw_block)


def _draw_block(part: SubFigure, block: pd.DataFrame) -> None:
    named: list[str] = []
    for position, (notion, axis) in enumerate(notion_panels(part, block).items()):
        named += _draw_panel(axis, block[block["notion"] == notion])
        if position % COLUMNS == 0:
            axis.set_ylabel(f"{METRIC_NAMES[METRIC]} in percent")
    curves = block[block["part"] == CURVE]
    maps = in_order(curves.loc[curves["is_map"].astype(bool), "method"])
    handles = [
        *(Line2D([], [], label=method_on_paper(m), **method_look(m)) for m in maps),
        *(
            Line2D([], [], label=method_on_paper(m), color=method_look(m)["color"], linestyle="--")
            for m in in_order(named)
        ),
        Line2D([], [], label="other methods", color=_OTHERS, linewidth=0.6),
    ]
    part.legend(handles=handles, loc="outside lower center", ncols=5)


def _draw_panel(axis: Axes, rows: pd.DataFrame) -> list[str]:
    """A notion's panel; the methods whose lines are in colour."""
    curves = rows[rows["part"] == CURVE].dropna(subset="value").sort_values("labels")
    is_map = curves["is_map"].astype(bool)
    scores = mean_scores(rows).droplevel("notion").dropna()  # none where no method could be fitted
    best = [str(scores.idxmax())] if len(scores) else []
    named = [name for name in (BASELINE, OURS, *best) if name in set(curves["method"][~is_map])]
    for name, line in curves[~is_map].groupby("method"):
        in_color = name in named
        if len(line) == 1:  # a point has no line: across the number of labels
            line = pd.concat([line, line]).assign(
                labels=line["labels"].iloc[0] * np.array([0.8, 1.25])
            )
        axis.plot(
            line["labels"],
            100 * line["value"],
            color=method_look(str(name))["color"] if in_color else _OTHERS,
            linestyle="--" if in_color else "-",
            linewidth=1.2 if in_color else 0.6,
            zorder=3.5 if in_color else 1,
        )
    for name, curve in curves[is_map].groupby("method"):
        look, value, std = method_look(str(name)), 100 * curve["value"], 100 * curve["std"]
        axis.fill_between(
            curve["labels"], value - std, value + std, color=look["color"], alpha=0.15, linewidth=0
        )
        axis.plot(curve["labels"], value, zorder=3, **look)
    _draw_crossings(axis, rows, named)
    ks = sorted(curves["labels"].unique())
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_locator(FixedLocator(ks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticklabels([f"{k:.0f}" for k in ks])
    axis.set_xlabel("labelled images a class")
    axis.set_ylim(bottom=0)
    return named


def _draw_crossings(axis: Axes, rows: pd.DataFrame, named: list[str]) -> None:
    """Dots where the first of the maps reaches the methods in colour."""
    worths = rows[(rows["part"] == WORTH) & rows["worth"].notna() & rows["method"].isin(named)]
    scores = mean_scores(rows).droplevel("notion")
    first = fewest_labels(worths)
    for row in first[~first["worth_is"].isin([AT_MOST, MORE_THAN])].itertuples():
        height, color = 100 * scores[row.method], method_look(row.method)["color"]
        axis.plot([row.worth, row.worth], [0, height], color=MUTED, linestyle=":", linewidth=0.7)
        axis.plot(row.worth, height, marker="o", color=color, markersize=4.5, zorder=4)
