"""The section of the experiment, and where it finds what tabulates and draws."""

from typing import TYPE_CHECKING, ClassVar

from lanzdml.experiments.measured import Measured
from lanzdml.figures.words import Words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark
    from lanzdml.tables.markup import Table


class SpecificityExperiment(Measured):
    """Every transform of the tables scored on the labels of all notions of its dataset."""

    words: ClassVar[Words] = Words(
        title="Specificity",
        seen="A heat map for each method: Prec@1 by the notion that it learned, down, and the "
        "notion whose labels it was scored on, across.",
        caption="Prec@1 in percent, mean over the seeds. Rows: the notion that a method learned; "
        "columns: the notion whose labels it was scored on, on the images that have labels of "
        "both. Off-target: how much of what CLIP has of the other notions above chance is left, "
        "mean over the notions that were learned; 0 is none of it, 100 all.",
        category="Measurements",
    )
    beside_others: ClassVar[bool] = True
    texts: ClassVar[tuple[str, ...]] = ("scored_on",)

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there is a dataset with several notions, too."""
        lines = super().check(key, config)
        chosen = [name for name in self.datasets or config.datasets if name in config.datasets]
        of_labels = [
            {notion.labels or name for name, notion in config.datasets[dataset].scored.items()
             if notion.combine is None}
            for dataset in chosen
        ]  # fmt: skip
        if chosen and all(len(labels) < 2 for labels in of_labels):
            lines.append(f"{key}: no dataset has two scored notions with labels of their own")
        return lines

    @classmethod
    def tables(cls, summary: "pd.DataFrame") -> "list[Table]":
        """A table a dataset and model, with a row a method."""
        from lanzdml.experiments.specificity.table import tables

        return tables(summary)

    @classmethod
    def sentences(cls, summary: "pd.DataFrame") -> list[str]:
        """One a model."""
        from lanzdml.experiments.specificity.sentences import sentences

        return sentences(summary)

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A heat map a method."""
        from lanzdml.experiments.specificity.figure import draw

        return draw(runs)
