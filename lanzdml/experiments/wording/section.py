"""The section of the experiment, and where it finds what tabulates and draws."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from lanzdml.config.choice import SomeMethods, check_methods
from lanzdml.config.methods import MethodName
from lanzdml.config.section import MOST_LISTED, Count, strangers
from lanzdml.experiments.measured import Measured
from lanzdml.figures.words import Words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark
    from lanzdml.tables.markup import Table

_INFLUENCE = "text_subspace"  # quick, and what many others are made of


class WordingExperiment(Measured):
    """Methods fitted to each wording of a notion, and to its own prompts changed a little."""

    angles: Annotated[
        list[Annotated[float, Field(gt=0, le=90)]],
        Field(
            max_length=MOST_LISTED,
            default_factory=lambda: [2.0, 5.0, 10.0],
            description="degrees by which each prompt is turned",
        ),
    ]
    draws: Annotated[
        Count, Field(le=1_000, description="how often prompts are turned by each angle")
    ] = 4
    turned: Annotated[
        SomeMethods,
        Field(description="methods fitted to turned prompts, those that are quick unless given"),
    ] = None
    influence: Annotated[
        list[MethodName] | None,
        Field(
            max_length=MOST_LISTED,
            description="methods fitted without each prompt in turn, text_subspace unless given",
        ),
    ] = None

    words: ClassVar[Words] = Words(
        title="Wordings",
        seen="Dots: MAP@R of each method under each wording of a notion's prompts, a panel for "
        "each notion.",
        caption="MAP@R of methods fitted to each wording of a notion's prompts: a dot a wording, "
        "filled for the prompts as configured, a cross for the mean of several templates' "
        "embeddings (ensemble); lines go from the worst wording to the best.",
        category="Measurements",
    )
    fits_anew: ClassVar[bool] = True
    by_wording: ClassVar[bool] = True
    texts: ClassVar[tuple[str, ...]] = (
        "other", "wording", "component", "prompt", "aspect", "names", "best_wording",
        "worst_wording",
    )  # fmt: skip

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether the methods of the changes are among those that are measured, too."""
        lines = super().check(key, config)
        for name, chosen in (("turned", self.turned), ("influence", self.influence)):
            lines += check_methods(f"{key}.{name}", chosen, config)
            lines += [
                f"{key}.{name}: {method!r} is not in {key}.methods; add it there, too"
                for method in strangers(chosen or [], self.methods or chosen or [])
                if method in config.methods
            ]
        return lines

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """The method without each prompt, too, where it is measured."""
        measured = self.methods or config.methods
        return super().implied(config) | {"influence": [_INFLUENCE] * (_INFLUENCE in measured)}

    @classmethod
    def tables(cls, summary: "pd.DataFrame") -> "list[Table]":
        """Tables a dataset and model: methods, shares, rankings, changes and prompts."""
        from lanzdml.experiments.wording.table import tables

        return tables(summary)

    @classmethod
    def sentences(cls, summary: "pd.DataFrame") -> list[str]:
        """Whether rankings hold, what moves scores, what is best, and what hurts."""
        from lanzdml.experiments.wording.sentences import sentences

        return sentences(summary)

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion, with a row a method."""
        from lanzdml.experiments.wording.figure import draw

        return draw(runs)
