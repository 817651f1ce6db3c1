"""What the figures of the ablations have in common: MAP@R over something, a panel a notion."""

from collections.abc import Iterable, Sequence
from math import ceil

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from lanzdml.figures.style import MUTED, TEXT_WIDTH, method_look, new_figure
from lanzdml.methods import in_order, method_on_paper
from lanzdml.methods.dim import AUTO, size_on_paper
from lanzdml.names import DATASET_NAMES, METRIC_NAMES, NOTION_NAMES, on_paper

METRIC = "map_at_r"
_COLUMNS = 3  # panels side by side
_PANEL_HEIGHT = 2.0
_RING = 8  # around the markers of curves
_LEGEND_HEIGHT = 0.5  # inches; a higher one makes the figure higher, in place of the panels lower


def series(runs: pd.DataFrame, by: str) -> pd.DataFrame:
    """MAP@R in percent over one column of the runs: mean and population std over the seeds.

    Args:
        runs: rows as in ``metrics.parquet``; of one dataset, and of one model unless it is ``by``.
        by: the column on the horizontal axis.

    Returns:
        columns notion, method, ``by``, mean, std, has_dim; notions as they come, methods as in the
        registry. Means of some of the seeds are not there, nor runs that could not be made.
    """
    keys = ["notion", "method", by]
    # A size that nobody chooses may be another for each seed.
    size = runs.groupby(keys[:2], sort=False, observed=True)["dim"].transform("first")
    runs = runs.assign(dim=runs["dim"].where(runs["has_dim"].astype("bool"), size))
    values = runs.groupby(keys, sort=False, observed=True)[METRIC]
    scored = runs[values.transform("count") == values.transform("size")]
    scored = scored.assign(value=100 * scored[METRIC])
    groups = scored.groupby(keys, sort=False, observed=True)["value"]
    table = groups.agg(mean="mean", std=lambda values: values.std(ddof=0)).reset_index()
    table = table.join(runs.groupby("method")["has_dim"].first().astype("bool"), on="method")
    order = {name: position for position, name in enumerate(in_order(table["method"]))}
    return table.sort_values("method", key=lambda names: names.map(order), kind="stable")


def panels(runs: pd.DataFrame) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel for each notion, by its name."""
    notions = list(runs["notion"].unique())
    columns = min(len(notions), _COLUMNS)
    rows = ceil(len(notions) / columns)
    width = TEXT_WIDTH * (columns / _COLUMNS if columns > 1 else 0.6)
    figure = new_figure(width, 0.6 + _PANEL_HEIGHT * rows)
    # Three rows a panel, so that one can be parted in two and all stay as wide.
    grid = figure.add_gridspec(3 * rows, columns)
    axes = {}
    for position, notion in enumerate(notions):
        row, column = divmod(position, columns)
        axes[notion] = figure.add_subplot(grid[3 * row : 3 * row + 3, column])
        axes[notion].set_title(on_paper(notion, NOTION_NAMES))
    for axis in list(axes.values())[::columns]:
        axis.set_ylabel(f"{METRIC_NAMES[METRIC]} in percent")
    return figure, axes


def add_title(figure: Figure, runs: pd.DataFrame, *more: str) -> None:
    """What the panels have in common, above them."""
    n_seeds = runs["seed"].nunique()
    seeds = f"{n_seeds} seed{'s' if n_seeds > 1 else ''}"
    figure.suptitle(", ".join([on_paper(runs["dataset"].iloc[0], DATASET_NAMES), *more, seeds]))


def size_of(runs: pd.DataFrame) -> list[str]:
    """The r' of runs that all were asked for the same, but for methods that keep CLIP's size."""
    reduced = runs[runs["has_dim"].astype("bool")]
    if reduced.empty:
        return []
    first = reduced.iloc[0]
    return [size_on_paper(AUTO if first["dim_auto"] else first["dim"])]


def add_method(axis: Axes, method: str, x: Sequence[float], rows: pd.DataFrame) -> None:
    """A method's means with their std as error bars, in the method's look."""
    axis.errorbar(
        x,
        rows["mean"],
        yerr=rows["std"],
        label=method_on_paper(method),
        elinewidth=0.7,
        **method_look(method),
    )


def add_level(axis: Axes, method: str, mean: float, std: float, label: str) -> None:
    """A method's value as a dashed line across the panel, with its std as a band."""
    color = method_look(method)["color"]
    axis.axhline(mean, color=color, linestyle=(0, (4, 2)), label=label, zorder=1.5)
    if std > 0:
        axis.axhspan(mean - std, mean + std, color=color, alpha=0.12, linewidth=0)


def add_chosen(axis: Axes, dim: float, mean: float) -> None:
    """A method's value at the r' that the prompts say, as a ring."""
    axis.plot(
        dim,
        mean,
        linestyle="",
        marker="o",
        markersize=_RING,
        markerfacecolor="none",
        markeredgecolor=MUTED,
        label=size_on_paper(AUTO),
        zorder=3,
    )


def add_legend(figure: Figure, axes: Iterable[Axes]) -> None:
    """One legend below all panels: each entry once, curves before dashed lines."""
    entries: dict[str, Artist] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    labels = sorted(entries, key=lambda label: not isinstance(entries[label], ErrorbarContainer))
    if not labels:
        return
    # As wide as there is room for: how wide a legend is, matplotlib knows when it is laid out.
    for columns in range(len(labels), 0, -1):
        legend = figure.legend(
            [entries[label] for label in labels], labels, loc="outside lower center", ncols=columns
        )
        if legend.get_window_extent().width <= figure.bbox.width or columns == 1:
            height = legend.get_window_extent().height / figure.dpi
            figure.set_figheight(figure.get_figheight() + max(0, height - _LEGEND_HEIGHT))
            return
        legend.remove()
