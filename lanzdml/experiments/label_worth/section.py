"""The section of the experiment, and where it finds what tabulates and draws."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from lanzdml.config.methods import MethodName
from lanzdml.config.section import MOST_LISTED, Count
from lanzdml.errors import suggest
from lanzdml.experiments.measured import Measured
from lanzdml.figures.words import Words
from lanzdml.methods import METHODS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark
    from lanzdml.tables.markup import Table


class LabelWorthExperiment(Measured):
    """Maps fitted to some labelled images a class, and all methods, on the same other images."""

    maps: Annotated[
        list[MethodName],
        Field(
            default_factory=lambda: ["lda", "oracle", "class_means", "few_shot_posterior"],
            min_length=1,
            max_length=MOST_LISTED,
            description="methods that see labels, which are fitted to some of them",
        ),
    ]
    labels: Annotated[
        list[Count],
        Field(
            default_factory=lambda: [1, 2, 4, 8, 16],
            min_length=1,
            max_length=MOST_LISTED,
            description="how many labelled images of each class, ascending",
        ),
    ]
    draws: Annotated[
        Count, Field(le=1_000, description="how often the labelled images are drawn")
    ] = 8

    words: ClassVar[Words] = Words(
        title="What prompts are worth in labels",
        seen="Curves: MAP@R of maps that were fitted to labelled images, over how many of each "
        "class, a panel for each notion; horizontal lines: methods that saw prompts.",
        caption="MAP@R on images that are never labelled. Curves: maps fitted to so many labelled "
        "images of each class, mean and std over draws of these. Lines: methods, on the same "
        "images; grey ones are the others. A dot is where the first map that "
        "sees no prompts reaches a line: what its prompts are worth in labels.",
        category="Measurements",
    )
    texts: ClassVar[tuple[str, ...]] = ("map",)

    @property
    def fitted_to_labels(self) -> list[str]:
        """The maps."""
        return self.maps

    @property
    def settings(self) -> dict[str, Any]:
        """Labels and draws: no map depends on which others there are."""
        settings = super().settings
        del settings["maps"]
        return settings

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether maps see labels and methods do not, too."""
        lines = super().check(key, config)
        allowed = [name for name in METHODS if METHODS[name].supervised]
        for name in self.maps:
            if name not in METHODS:
                lines.append(f"{key}.maps: there is no method {name!r}; {suggest(name, allowed)}")
            elif name not in allowed:
                lines.append(f"{key}.maps: {name} sees no labels; {suggest(name, allowed)}")
        lines += [
            f"{key}.methods: {name} sees labels: list it in `maps`"
            for name in self.methods or []
            if name in allowed
        ]
        if self.labels != sorted(self.labels):
            lines.append(f"{key}.labels: {self.labels} must ascend")
        return lines

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """All methods that see no labels, too."""
        implied = super().implied(config)
        return implied | {
            "methods": [name for name in config.methods if not METHODS[name].supervised]
        }

    @classmethod
    def tables(cls, summary: "pd.DataFrame") -> "list[Table]":
        """Two tables a dataset and model: the maps' curves, and what the prompts are worth."""
        from lanzdml.experiments.label_worth.table import tables

        return tables(summary)

    @classmethod
    def sentences(cls, summary: "pd.DataFrame") -> list[str]:
        """One a model and notion."""
        from lanzdml.experiments.label_worth.sentences import sentences

        return sentences(summary)

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion, with a curve a map and a line a method."""
        from lanzdml.experiments.label_worth.figure import draw

        return draw(runs)
