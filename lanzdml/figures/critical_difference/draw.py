"""Mean ranks of the methods with Nemenyi's critical difference (Demsar, JMLR 2006, figure 1)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lanzdml.figures.style import MUTED, TEXT, TEXT_WIDTH, method_look, new_figure, styled
from lanzdml.methods import method_on_paper
from lanzdml.names import METRIC_NAMES
from lanzdml.significance.comparisons import METRIC, critical_limit, ranked
from lanzdml.tables.paper import by_setting

_ROW = 0.17  # inches a row of text
_MARGIN = 0.12  # of the axis' length, between it and the names


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """A panel a setting; what a bar joins is not told apart.

    Args:
        rows: of :func:`lanzdml.significance.comparisons.read_significance`. A setting in which
            fewer than two methods have a value on every notion says so.
    """
    found = by_setting(rows)
    heights = [_height(ranked(block)) for _, block in found]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    axes = figure.subplots(len(found), squeeze=False, height_ratios=heights)[:, 0]
    for axis, (setting, block) in zip(axes, found, strict=True):
        axis.axis("off")
        title = f"Mean ranks by {METRIC_NAMES[METRIC]}, {setting}"
        ranks = ranked(block)
        if ranks.empty:
            axis.set_title(f"{title}: fewer than two methods have a value on every notion")
            continue
        limit, n_notions = critical_limit(block)
        axis.set_title(f"{title}, over {n_notions} notions")
        _draw_ranks(axis, ranks, limit)
    return figure


def joined(ranks: pd.Series, limit: float) -> list[tuple[float, float]]:
    """From the best to the worst rank of each largest group that the limit does not part."""
    values = np.sort(ranks.to_numpy())
    groups: list[tuple[float, float]] = []
    for first in values:
        last = values[values - first < limit].max()
        # A group that ends where the one before it ends is a part of that.
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return groups


def _height(ranks: pd.Series) -> float:
    return (5 + (len(ranks) + 1) // 2 + len(ranks) / 6) * _ROW


def _draw_ranks(axis: Axes, ranks: pd.Series, limit: float) -> None:
    """Rows go down from the axis: the bars, then the names, half of them at either side."""
    n_methods = len(ranks)
    bars = joined(ranks, limit)
    ends = 1, n_methods
    margin = _MARGIN * (n_methods - 1)
    axis.plot(ends, (0, 0), color=TEXT, linewidth=0.8)
    for rank in range(1, n_methods + 1):
        axis.plot((rank, rank), (0, 0.25), color=TEXT, linewidth=0.8)
        axis.text(rank, 0.4, str(rank), ha="center", va="bottom")
    # The critical difference as a length, above the axis; one that is longer ends where it ends.
    shown = min(limit, n_methods - 1)
    axis.plot((1, 1 + shown), (1.9, 1.9), color=TEXT, linewidth=1.2, marker="|", markersize=5)
    more = ", longer than the axis" if limit > shown else ""
    axis.text(1, 2.15, f"critical difference {limit:.2f}{more}", ha="left", va="bottom")
    for row, (first, last) in enumerate(bars):
        y = -0.6 * (row + 1)
        axis.plot((first, last), (y, y), color=TEXT, linewidth=2.5, solid_capstyle="projecting")
    top = -0.6 * len(bars) - 0.9
    left = (n_methods + 1) // 2
    for position, (method, rank) in enumerate(ranks.items()):
        best_half = position < left
        y = top - (position if best_half else n_methods - 1 - position)
        side = ends[0] - margin if best_half else ends[1] + margin
        axis.plot((rank, rank, side), (0, y, y), color=MUTED, linewidth=0.6, zorder=1)
        axis.plot(rank, 0, linestyle="none", clip_on=False, **method_look(method))
        name, value = method_on_paper(method), f"{rank:.2f}"
        text = f"{name}  {value} " if best_half else f" {value}  {name}"
        axis.text(side, y, text, ha="right" if best_half else "left", va="center")
    axis.set_ylim(top - left, 3.2)
    axis.set_xlim(ends[0] - 2.2 * margin, ends[1] + 2.2 * margin)
