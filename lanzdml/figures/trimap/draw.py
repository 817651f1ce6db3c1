"""Embedding spaces in the plane: CLIP's beside that of each notion (appendix, figure 2)."""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import ColorType
from numpy.typing import NDArray

from lanzdml.arithmetic.labels import has_several, values_of
from lanzdml.datasets.labels import class_sizes
from lanzdml.datasets.manifest import ID
from lanzdml.figures.style import (
    MUTED,
    NO_CLASS,
    NO_LABEL,
    TEXT_WIDTH,
    class_colors,
    new_figure,
    own_colors,
    picture_title,
    styled,
)
from lanzdml.figures.trimap.points import CLIP_SPACE, SPACE
from lanzdml.figures.wrapping import columns, from_left, shorten
from lanzdml.methods.dim import Dim
from lanzdml.names import METHOD_NAMES, NOTION_NAMES, on_paper

NO_LABELS = "no labels"
RINGS = "a ring for each value"

MOST_IN_LEGEND = 20  # classes; more than these are a colour code
_MOST_AS_VECTORS = 3000  # points; with more, a PDF is slow to open
_PAGE_HEIGHT, _ROW_HEIGHT = 9.2, 1.9  # inches
_LINE, _CHARACTER, _HANDLE = 0.128, 0.052, 0.25  # inches, of the legend
_SHORT, _LONGEST = 15, 32  # Latin letters of a name: in two columns, at all
_MAX_TICKS = 9


@styled
def draw_trimap(
    points: pd.DataFrame,
    manifest: pd.DataFrame,
    notions: Sequence[str],
    *,
    dataset: str,
    model: str,
    dim: Dim,
) -> Figure:
    """A row a notion: the images in CLIP's space and in the notion's, coloured by its classes.

    Classes are in alphabetical order. Images without a label are grey, behind the others. One of
    several values is a ring of each colour, in this order from the outside.

    Args:
        points: columns image_id, space, x, y, see
        :func:`lanzdml.figures.trimap.points.compute_trimap`.
        manifest: image_id and a column a notion, null where an image has no label.
        notions: from top to bottom.
        dataset, model, dim: for the title.
    """
    labels = manifest.set_index(ID)
    spaces = dict(list(points.groupby(SPACE)))
    keys = {notion: _Key(on_paper(notion, NOTION_NAMES), labels[notion]) for notion in notions}
    legend_width = max(key.width for key in keys.values())
    height = min(_ROW_HEIGHT, _PAGE_HEIGHT / len(notions))
    heights = [max(height, key.height + 0.25) for key in keys.values()]

    figure = new_figure(TEXT_WIDTH, sum(heights) + 0.45)
    figure.suptitle(picture_title(dataset, model, dim), fontsize="large")
    panel_width = (TEXT_WIDTH - legend_width) / 2
    axes = figure.subplots(
        len(notions), 3, squeeze=False, height_ratios=heights,
        width_ratios=[panel_width, panel_width, legend_width],
    )  # fmt: skip
    for row, (notion, key) in zip(axes, keys.items(), strict=True):
        indirect = f"{METHOD_NAMES['indirect']}: {key.name}"
        titles = {CLIP_SPACE: METHOD_NAMES["clip"], notion: indirect}
        for ax, (space, title) in zip(row, titles.items(), strict=False):
            here = spaces[space]
            key.scatter(ax, here[["x", "y"]].to_numpy(), labels[notion].loc[here[ID]])
            ax.set_title(title)
        key.explain(row[2])
    axes[-1, 0].set(xlabel="TriMap 1", ylabel="TriMap 2")
    return figure


class _Key:
    """Which colour and marker the classes of a notion have, and what says so."""

    def __init__(self, name: str, labels: pd.Series) -> None:
        self.name = name
        self.classes = sorted(class_sizes(labels).index, key=lambda label: (label.lower(), label))
        self.several = has_several(labels)
        self.unlabelled = bool(labels.isna().any())
        self.colors = class_colors(self.classes)
        own = own_colors(self.classes)
        self.edges = any(own)  # white needs one to be seen
        # Rings are round.
        apart = any(own) and not self.several
        self.markers = ["^" if apart and not color else "o" for color in own]
        self.is_bar = len(self.classes) > MOST_IN_LEGEND

        entries = len(self.classes) + self.unlabelled
        longest = max((columns(shorten(name, _LONGEST)) for name in self.classes), default=0)
        lines = int((_ROW_HEIGHT - 0.4) / _LINE)
        self.columns = 2 if entries > lines and longest <= _SHORT else 1
        titles = 1.5 + self.several
        self.height = 0 if self.is_bar else (ceil(entries / self.columns) + titles) * _LINE
        self.width = max(
            self.columns * (_HANDLE + longest * _CHARACTER),
            # The title's letters are larger.
            max(columns(name), columns(RINGS) * self.several) * _CHARACTER * 1.1,
            1.6 if self.is_bar else 1,
        )

    def scatter(self, ax: Axes, xy: np.ndarray, labels: pd.Series) -> None:
        """Draw (n, 2) points; their labels are in the same order."""
        size = float(np.clip(5000 / len(xy), 1.5, 24))
        scatter = partial(ax.scatter, s=size, rasterized=len(xy) > _MOST_AS_VECTORS)
        x, y = xy.T
        if not self.classes:
            scatter(x, y, color=MUTED, linewidths=0)
        else:
            without = labels.isna().to_numpy()
            scatter(x[without], y[without], color=NO_CLASS, linewidths=0, label=NO_LABEL)
            edge = 0.1 * size**0.5 if self.edges else 0
            # In an order of its own, so that no class lies on top of all others.
            order = np.random.default_rng(0).permutation(len(xy))
            if self.several:
                dots = [dot for i in order for dot in self._rings(labels.iloc[i], i)]
                rows, colors, areas = map(list, zip(*dots, strict=True))
                # One edge an image, as that of each ring would be seen more than its colour.
                scatter(
                    x[rows], y[rows], s=size * np.array(areas), c=colors, edgecolors=MUTED,
                    linewidths=edge * (np.array(areas) == 1),
                )  # fmt: skip
            else:
                self._dots(scatter, x, y, pd.Categorical(labels, self.classes).codes, order, edge)
        ax.set(xticks=[], yticks=[])
        ax.set_aspect("equal", adjustable="datalim")  # distances are what the map is about
        ax.margins(0.04)
        ax.spines[:].set_visible(True)

    def _dots(
        self, scatter: Callable[..., object], x: NDArray[Any], y: NDArray[Any], codes: NDArray[Any],
        order: NDArray[Any], edge: float,
    ) -> None:  # fmt: skip
        """A dot an image, of the class that its code says, in an order."""
        for marker in sorted(set(self.markers)):  # "^" before "o": the rest lies behind
            these = [i for i in order if codes[i] >= 0 and self.markers[codes[i]] == marker]
            scatter(
                x[these], y[these], c=[self.colors[codes[i]] for i in these], marker=marker,
                edgecolors=MUTED, linewidths=edge,
            )  # fmt: skip

    def _rings(self, label: object, row: int) -> list[tuple[int, ColorType, float]]:
        """Dots on top of each other: row, colour and share of the largest's area, of each value."""
        values = values_of(label) if isinstance(label, frozenset) else []
        places = sorted(map(self.classes.index, values))
        return [
            (row, self.colors[place], (1 - ring / len(places)) ** 2)
            for ring, place in enumerate(places)
        ]

    def explain(self, ax: Axes) -> None:
        """Draw a legend or, for many classes, a colour bar."""
        ax.set_axis_off()
        title, handles = self.name, []
        if self.several:
            title += f"\n{RINGS}"
        if self.is_bar:
            title += f"\n{len(self.classes)} classes in alphabetical order"
            self._bar(ax)
        else:
            looks = zip(self.classes, self.colors, self.markers, strict=True)
            handles += [_dot(color, label, mark, self.edges) for label, color, mark in looks]
        if self.unlabelled:
            without = (NO_CLASS, NO_LABEL) if self.classes else (MUTED, NO_LABELS)
            handles.append(_dot(*without))
        # matplotlib may leave out an entry that begins with "_": the texts are set afterwards.
        legend = ax.legend(
            handles, [" "] * len(handles), title=title, loc="upper left", bbox_to_anchor=(0, 1),
            ncols=self.columns, alignment="left", borderaxespad=0, borderpad=0, handlelength=0.8,
            handletextpad=0.4, columnspacing=0.8, labelspacing=0.25,
        )  # fmt: skip
        for text, handle in zip(legend.get_texts(), handles, strict=True):
            text.set_text(handle.get_label())
        legend.set_in_layout(False)  # the widths above make room for it

    def _bar(self, ax: Axes) -> None:
        n = len(self.classes)
        code = ScalarMappable(BoundaryNorm(np.arange(n + 1) + 0.5, n), ListedColormap(self.colors))
        ticks = np.unique(np.linspace(1, n, _MAX_TICKS).round().astype(int))
        top = 0.68 if self.unlabelled else 0.76  # below the title
        bar = ax.figure.colorbar(code, cax=ax.inset_axes((0, 0.02, 0.07, top)), ticks=ticks)
        names = [shorten(self.classes[i - 1], _LONGEST) for i in ticks]
        bar.ax.set_yticklabels(
            [from_left(f"{i} {name}") for i, name in zip(ticks, names, strict=True)]
        )
        bar.ax.minorticks_off()
        bar.ax.tick_params(length=2, pad=1.5)
        bar.ax.invert_yaxis()


def _dot(color: ColorType, label: str, marker: str = "o", edge: bool = False) -> Line2D:
    return Line2D(
        [], [], color=color, label=shorten(label, _LONGEST), marker=marker, markersize=4,
        linestyle="none", markeredgecolor=MUTED if edge else color,
        markeredgewidth=0.4 if edge else 0,
    )  # fmt: skip
