"""The section of the experiment, and where it finds what tabulates and draws."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from lanzdml.config.section import MOST_LISTED, Dim, check_unique
from lanzdml.experiments.measured import Measured
from lanzdml.figures.words import Words
from lanzdml.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark
    from lanzdml.tables.markup import Table

DEFAULT = ("text_subspace", "soft_subspace")


class DimChoiceExperiment(Measured):
    """Scores over r', and at the r' that rules choose by the prompts alone."""

    dims: list[Dim] = Field(
        [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128],
        min_length=2,
        max_length=MOST_LISTED,
        description="sizes r' among which labels choose; those above the model's own are left out",
    )

    words: ClassVar[Words] = Words(
        title="r' without labels",
        seen="Line charts: MAP@R over the number of dimensions, a panel for each notion; below "
        "each, with a row a rule, dots at the number that the rule chooses.",
        caption="MAP@R over the size r' of the embedding, and which r' rules choose that look at "
        "the vectors of the prompts alone. The vertical line is the best r' by labels; a number is "
        "how far MAP@R at a rule's choice is below it, in points, the mean over methods. "
        "Dashed: a method that weighs all directions, and needs no r'.",
        category="Measurements",
    )
    fits_anew: ClassVar[bool] = True
    texts: ClassVar[tuple[str, ...]] = ("part", "rule")

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there is an r' to choose, and prompts to choose it by, too."""
        lines = super().check(key, config) + check_unique(f"{key}.dims", self.dims)
        for name in self.methods or ():
            if name in METHODS and not METHODS[name].has_dim:
                lines.append(f"{key}.methods: {name} has no r' to choose")
            elif name in METHODS and METHODS[name].supervised:
                lines.append(f"{key}.methods: {name} sees labels, and rules look at prompts alone")
        if self.methods is None and not set(DEFAULT) & set(config.methods):
            lines.append(f"{key}.methods: is needed, as {' and '.join(DEFAULT)} are not in methods")
        return lines

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """Of the methods some that are quick to fit."""
        quick = [name for name in DEFAULT if name in config.methods]
        return super().implied(config) | {"methods": quick}

    @classmethod
    def read(cls, paths: "Sequence[Path]", seeds: "Sequence[int]") -> "pd.DataFrame":
        """Those of its table; r' that are not there are missing numbers."""
        return super().read(paths, seeds).astype({"size": "Int64"})

    @classmethod
    def tables(cls, summary: "pd.DataFrame") -> "list[Table]":
        """A table a dataset and model, with a row a method and rule."""
        from lanzdml.experiments.dim_choice.table import tables

        return tables(summary)

    @classmethod
    def sentences(cls, summary: "pd.DataFrame") -> list[str]:
        """One a model and method."""
        from lanzdml.experiments.dim_choice.sentences import sentences

        return sentences(summary)

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion: curves over r', and below them what rules choose."""
        from lanzdml.experiments.dim_choice.figure import draw

        return draw(runs)
