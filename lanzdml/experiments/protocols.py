"""How much do values, and the order of methods, depend on how they are scored?"""

from dataclasses import replace
from math import ceil, isnan
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from lanzdml.config.choice import SomeMethods, check_methods
from lanzdml.config.protocols import ProtocolName
from lanzdml.experiments.experiment import AblationOfModel
from lanzdml.experiments.grid import Grid
from lanzdml.figures.words import Words
from lanzdml.metrics.protocols import PROTOCOLS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark

_COLUMNS = 3  # panels side by side
_ROW, _AROUND = 0.15, 0.85  # inches: a method, and what is above and below a panel's rows
_SMALL = 6  # points
_LOOKS: list[dict[str, Any]] = [
    {"marker": "o", "markersize": 4.5},
    {"marker": "o", "markersize": 4.5, "markerfacecolor": "white"},
    {"marker": "x", "markersize": 4.5},
]


class ProtocolsExperiment(AblationOfModel):
    """Scores by other protocols, beside those by the first of the tables, at the first dim."""

    methods: SomeMethods = None
    protocols: Annotated[
        list[ProtocolName],
        Field(
            min_length=1,
            max_length=len(PROTOCOLS),
            description="protocols beside the first of the tables",
        ),
    ]

    words: ClassVar[Words] = Words(
        title="Protocols",
        seen="Dots with a panel for each notion and a row for each method: MAP@R by each protocol, "
        "a marker a protocol. The rows are in the order of the first protocol.",
        caption="Retrieval by protocol: MAP@R, mean and population standard deviation over the "
        "seeds, for each notion. Values by different protocols answer different questions and are "
        "not to be compared. What can be compared is the order of the methods: rows are in that of "
        "the first protocol, and below a panel stands for each other one Kendall's "
        "tau of its order to that, 1 where it is the same, and how much higher its values "
        "are on average, in percent points.",
        category="Ablations",
    )

    def grids(self, config: "Benchmark") -> list[Grid]:
        """By the first protocol of the tables, and by each of its own."""
        grid = self.grid(config, self.models_used(config), self.methods or ())
        return [replace(grid, protocols=[*config.protocols[:1], *self.protocols])]

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether it has such methods, and protocols that are others and can be followed, too."""
        lines = [
            *check_methods(f"{key}.methods", self.methods, config),
            *super().check(key, config),
            *(
                f"{key}.protocols: {name} is the first protocol of the tables, which is drawn "
                "anyway; leave it out"
                for name in self.protocols
                if name == config.protocols[0]
            ),
        ]
        if self.dataset in config.datasets:
            lines += config.datasets[self.dataset].check_protocols(
                f"datasets.{self.dataset}", self.dataset, self.protocols, self.methods or []
            )
        return lines

    def protocols_used(self, config: "Benchmark") -> list[str]:
        """Its own."""
        return self.protocols

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion with a row a method, and in it a marker a protocol.

        Args:
            runs: of one dataset, model and dim; those by the first protocol first.
        """
        from matplotlib.lines import Line2D

        from lanzdml.figures.ablation import METRIC, add_title, series, size_of
        from lanzdml.figures.style import MUTED, TEXT_WIDTH, new_figure
        from lanzdml.names import METRIC_NAMES, NOTION_NAMES, PROTOCOL_NAMES, on_paper

        table = series(runs, "protocol")
        protocols, notions = list(runs["protocol"].unique()), list(runs["notion"].unique())
        columns = min(len(notions), _COLUMNS)
        lines = ceil(len(notions) / columns)
        panel = _ROW * runs["method"].nunique() + _AROUND + 0.1 * len(protocols[1:])
        width = TEXT_WIDTH * (columns / _COLUMNS if columns > 1 else 0.6)
        figure = new_figure(width, 0.5 + lines * panel)
        axes = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axis, notion in zip(axes, notions, strict=False):
            values = table[table["notion"] == notion].set_index(["method", "protocol"])
            means = values["mean"].unstack().reindex(columns=protocols)  # noqa: PD010
            means = means.sort_values(protocols[0], kind="stable", na_position="first")
            _draw_panel(axis, means, values["std"])
            axis.set_title(on_paper(notion, NOTION_NAMES))
            said = [_told(means, protocols[0], other) for other in protocols[1:]]
            named = f"{METRIC_NAMES[METRIC]} in percent"
            axis.set_xlabel("\n".join([named, *filter(None, said)]), fontsize=_SMALL)
        for axis in axes[len(notions) :]:
            axis.remove()
        add_title(figure, runs, runs["model"].iloc[0], *size_of(runs))
        handles = [
            Line2D([], [], linestyle="", color=MUTED, label=PROTOCOL_NAMES[protocol], **look)
            for protocol, look in zip(protocols, _LOOKS, strict=False)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return figure


def _draw_panel(axis: "Axes", means: "pd.DataFrame", stds: "pd.Series") -> None:
    """A row a method, the last on top.

    Args:
        means: methods by protocols.
        stds: by both.
    """
    from lanzdml.figures.style import method_look
    from lanzdml.methods import method_on_paper

    for y, (method, row) in enumerate(means.iterrows()):
        color = method_look(str(method))["color"]
        axis.plot([row.min(), row.max()], [y, y], color=color, linewidth=0.6, alpha=0.5)
        for protocol, look in zip(means.columns, _LOOKS, strict=False):
            if not isnan(row[protocol]):
                std = stds[method, protocol]
                axis.errorbar(row[protocol], y, xerr=std, color=color, elinewidth=0.7, **look)
    axis.set_yticks(range(len(means)), [method_on_paper(str(name)) for name in means.index])
    axis.set_ylim(-0.6, len(means) - 0.4)
    axis.set_xlim(left=0)


def _told(means: "pd.DataFrame", first: str, other: str) -> str | None:
    """How another protocol's values of a notion are to the first one's; None of too few."""
    from scipy.stats import kendalltau

    from lanzdml.names import PROTOCOL_NAMES

    both = means[[first, other]].dropna()
    if len(both) < 2:
        return None
    tau = kendalltau(both[first], both[other]).statistic
    shift = (both[other] - both[first]).mean()
    return f"{PROTOCOL_NAMES[other]}: tau {tau:.2f}, {shift:+.1f}"
