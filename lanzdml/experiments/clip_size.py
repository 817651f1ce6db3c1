"""Does a larger CLIP help? MAP@R over several models (the paper's figure 4)."""

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from lanzdml.config.choice import SomeMethods, check_methods, check_names
from lanzdml.config.section import MOST_LISTED
from lanzdml.experiments.experiment import Ablation
from lanzdml.experiments.grid import Grid
from lanzdml.figures.words import Words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark

_SPREAD = 0.32  # of the distance between two models, for the error bars of all methods
_GAP = 0.3  # of a panel's highest value: a wider range without values is cut out
_PADDING = 0.08


class ClipSizeExperiment(Ablation):
    """Scores over several models, at the first of the dims (the paper's figure 4)."""

    models: Annotated[
        list[str],
        Field(min_length=1, max_length=MOST_LISTED, description="names of models, in order"),
    ]
    methods: SomeMethods = None

    words: ClassVar[Words] = Words(
        title="Size of the CLIP model",
        seen="Chart with a panel for each notion: MAP@R of the methods over CLIP models by size.",
        caption="Retrieval over CLIP models: MAP@R, mean and population standard deviation over "
        "the seeds, for each notion. The vertical axis is broken where a wide range holds no "
        "value. Compare figure 4 of the paper.",
        category="Ablations",
    )

    def grids(self, config: "Benchmark") -> list[Grid]:
        """All its models."""
        return [self.grid(config, self.models, self.methods or ())]

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there are such models and methods, too."""
        return [
            *check_names(f"{key}.models", self.models, "models", config.models),
            *check_methods(f"{key}.methods", self.methods, config),
            *super().check(key, config),
        ]

    def models_used(self, config: "Benchmark") -> list[str]:
        """Its own."""
        return self.models

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion: the models in the order of the rows, and a curve a method.

        The vertical axis of a panel is broken where a wide range holds no value, as Oracle's are
        often far above the others'.

        Args:
            runs: of one dataset, at one dim.
        """
        from lanzdml.figures.ablation import (
            add_legend,
            add_method,
            add_title,
            panels,
            series,
            size_of,
        )

        models = {name: position for position, name in enumerate(runs["model"].unique())}
        table = series(runs, "model")
        figure, axes = panels(runs)
        figure.set_layout_engine("constrained", h_pad=0.03)
        methods = list(table["method"].unique())
        for notion, axis in axes.items():
            rows = table[table["notion"] == notion]
            for part in _break(axis, rows):
                for method, values in rows.groupby("method", sort=False):
                    shift = _SPREAD * ((methods.index(method) + 0.5) / len(methods) - 0.5)
                    order = values.sort_values("model", key=lambda names: names.map(models))
                    add_method(part, method, order["model"].map(models) + shift, order)
                part.set_xlim(-0.5, len(models) - 0.5)
                part.set_xticks(list(models.values()), list(models))
                part.grid(visible=False, axis="x")
            axis.set_xlabel("CLIP model")
        add_title(figure, runs, *size_of(runs))
        add_legend(figure, axes.values())
        return figure


def _break(axis: "Axes", rows: "pd.DataFrame") -> "list[Axes]":
    """The parts of a panel, lowest first: two where its axis is to be broken.

    The panel given becomes the lower one.
    """
    from lanzdml.figures.style import MUTED

    if rows.empty:  # no run of the notion could be made
        return [axis]
    spans = sorted(zip(rows["mean"] - rows["std"], rows["mean"] + rows["std"], strict=True))
    low, high = spans[0][0], max(end for _, end in spans)
    end, gaps = spans[0][1], []
    for (_, before), (start, _) in pairwise(spans):
        end = max(end, before)
        gaps.append((start - end, end, start))
    width, below, above = max(gaps, default=(0.0, low, high))
    padding = _PADDING * (high - low) or 1.0
    if width <= _GAP * high:
        axis.set_ylim(max(0, low - padding), high + padding)
        return [axis]
    padding = _PADDING * (high - low - width) + 0.02 * (high - low)
    panel = axis.get_subplotspec()
    assert panel is not None, "panels() puts each into a grid"
    grid, (top, *rest), column = panel.get_gridspec(), panel.rowspan, panel.colspan.start
    upper = axis.figure.add_subplot(grid[top, column])
    axis.set_subplotspec(grid[rest[0] : rest[-1] + 1, column])
    upper.set_title(axis.get_title())
    axis.set_title("")
    axis.set_ylim(max(0, low - padding), below + padding)
    upper.set_ylim(above - padding, high + padding)
    upper.spines["bottom"].set_visible(False)
    upper.tick_params(axis="x", length=0, labelbottom=False)
    marks: dict[str, Any] = {
        "marker": [(-1, -0.6), (1, 0.6)],
        "markersize": 6,
        "linestyle": "none",
        "color": MUTED,
        "clip_on": False,
    }
    axis.plot(0, 1, transform=axis.transAxes, **marks)
    upper.plot(0, 0, transform=upper.transAxes, **marks)
    return [axis, upper]
