"""The section of the experiment, and where it finds what tabulates and draws."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from lanzdml.config.section import Count
from lanzdml.experiments.measured import Measured
from lanzdml.figures.words import Words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.tables.markup import Table


class UnseenExperiment(Measured):
    """Methods fitted without the prompts of some classes, and scored on these classes' images."""

    splits: Annotated[
        Count, Field(ge=2, le=1_000, description="how often classes are drawn and left out")
    ] = 20
    share: Annotated[
        float, Field(ge=0.1, le=0.9, description="of the classes, how many are left out")
    ] = 0.5

    words: ClassVar[Words] = Words(
        title="Classes that no prompt names",
        seen="Dots: MAP@R of each method on the images of classes whose prompts it did not have, "
        "beside what it reaches on them with all prompts, a panel for each notion.",
        caption="MAP@R on images of classes that are drawn anew for each split: filled, fitted "
        "without their prompts, with the 95 % interval over the splits; hollow, fitted with all "
        "prompts, on the same images. Methods that see labels are fitted without those classes' "
        "images. Aspects that name no class are left in.",
        category="Measurements",
    )
    fits_anew: ClassVar[bool] = True

    @classmethod
    def tables(cls, summary: "pd.DataFrame") -> "list[Table]":
        """A table a dataset and model, with a row a method."""
        from lanzdml.experiments.unseen.table import tables

        return tables(summary)

    @classmethod
    def sentences(cls, summary: "pd.DataFrame") -> list[str]:
        """One a model."""
        from lanzdml.experiments.unseen.sentences import sentences

        return sentences(summary)

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion, with a row a method."""
        from lanzdml.experiments.unseen.figure import draw

        return draw(runs)
