"""Figures of what was measured: a block a dataset and model, in it a panel a notion."""

from collections.abc import Callable
from math import ceil
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from lanzdml.experiments.blocks import blocks
from lanzdml.figures.style import TEXT_WIDTH, new_figure
from lanzdml.names import NOTION_NAMES, on_paper

COLUMNS = 3
"""Panels side by side."""


def block_figure(
    rows: pd.DataFrame,
    height: Callable[[pd.DataFrame, int], float],
    draw: Callable[[SubFigure, pd.DataFrame], None],
) -> Figure:
    """A figure of blocks, or of one sentence where there is nothing to draw.

    Args:
        rows: what is drawn.
        height: of a block in inches, by its rows and by how many lines its panels take.
        draw: draws the rows of a block.
    """
    found = [*blocks(rows)]
    if not found:
        figure = new_figure(TEXT_WIDTH, 0.6)
        figure.suptitle("Nothing could be measured; the table says why.")
        return figure
    heights = [height(block, ceil(block["notion"].nunique() / COLUMNS)) for _, block in found]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    parts = figure.subfigures(len(found), squeeze=False, height_ratios=heights)[:, 0]
    for part, (setting, block) in zip(parts, found, strict=True):
        part.suptitle(setting, fontsize=8)
        draw(part, block)
    return figure


def notion_panels(part: SubFigure, block: pd.DataFrame, **shared: Any) -> dict[str, Axes]:
    """A panel for each notion of a block, by its name, which stands above it.

    Args:
        part: of the figure.
        block: rows.
        shared: which axes panels share, see :meth:`matplotlib.figure.FigureBase.subplots`.
    """
    notions = list(block["notion"].unique())
    columns = min(len(notions), COLUMNS)
    lines = ceil(len(notions) / columns)
    axes = part.subplots(lines, columns, squeeze=False, **shared).ravel()
    for axis in axes[len(notions) :]:
        axis.set_visible(False)
    panels = dict(zip(notions, axes, strict=False))
    for notion, axis in panels.items():
        axis.set_title(on_paper(notion, NOTION_NAMES))
    return panels
