"""Heat maps: a method each, the notion that was learned by the notion that is scored."""

from math import ceil

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lanzdml.experiments.blocks import blocks
from lanzdml.experiments.specificity.table import METRIC
from lanzdml.figures.style import TEXT, TEXT_WIDTH, new_figure
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, on_paper, shortened

_COLUMNS = 5
_CELL = 0.19  # inches
_LONGEST = 22
_DARK = 0.55  # of the scale: text on it is white


def draw(rows: pd.DataFrame) -> Figure:
    """A block a dataset and model, and in it a panel a method.

    Args:
        rows: of :func:`lanzdml.experiments.specificity.table.summarise`.
    """
    rows = rows[rows["metric"] == METRIC]
    found = [*blocks(rows)]
    shapes = [_shape(block) for _, block in found]
    heights = [_CELL * lines * (n_notions + 2.6) + 0.75 for lines, n_notions in shapes]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    parts = figure.subfigures(len(found), squeeze=False, height_ratios=heights)[:, 0]
    for part, (setting, block), (lines, _) in zip(parts, found, shapes, strict=True):
        part.suptitle(
            f"{setting}: {METRIC_NAMES[METRIC]} in percent, learned (down) by scored on (across)",
            fontsize=8,
        )
        _draw_block(part, block, lines)
    return figure


def _shape(block: pd.DataFrame) -> tuple[int, int]:
    return ceil(block["method"].nunique() / _COLUMNS), block["notion"].nunique()


def _draw_block(part: "Figure", block: pd.DataFrame, lines: int) -> None:
    notions, scored = list(block["notion"].unique()), list(block["scored_on"].unique())
    axes = part.subplots(lines, _COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
    methods = in_order(block["method"])
    for axis, method in zip(axes, methods, strict=False):
        rows = block[block["method"] == method]
        table = 100 * rows.pivot_table("mean", "notion", "scored_on", sort=False, dropna=False)
        values = table.reindex(index=notions, columns=scored).to_numpy()
        axis.imshow(values, vmin=0, vmax=100, cmap="Blues", aspect="auto")
        axis.grid(visible=False)
        for row, column in zip(*np.nonzero(~np.isnan(values)), strict=True):
            value = values[row, column]
            axis.text(
                column, row, f"{value:.0f}", ha="center", va="center", fontsize=6,
                color="white" if value > 100 * _DARK else TEXT,
            )  # fmt: skip
        off = rows.drop_duplicates("notion")["off_target"].mean()
        said = "" if np.isnan(off) else f"\noff-target {off + 0.0:.0f} %"
        axis.set_title(f"{method_on_paper(method)}{said}", fontsize=6.5)
        axis.set_xticks(range(len(scored)), _names(scored), rotation=30, ha="right", fontsize=5.5)
        axis.set_yticks(range(len(notions)), _names(notions), fontsize=5.5)
        axis.tick_params(length=0)
    for axis in axes[len(methods) :]:
        axis.set_visible(False)
    for axis in axes[max(0, len(methods) - _COLUMNS) : len(methods)]:
        axis.tick_params(labelbottom=True)  # the lowest of each column


def _names(notions: list[str]) -> list[str]:
    return [shortened(on_paper(notion, NOTION_NAMES), _LONGEST) for notion in notions]
