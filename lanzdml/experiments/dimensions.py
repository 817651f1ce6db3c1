"""How many dimensions does an embedding need? MAP@R over r' (the paper's figure 3)."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from lanzdml.config.choice import DimsOfModel, SomeMethods, check_methods
from lanzdml.config.section import Dims
from lanzdml.experiments.experiment import AblationOfModel
from lanzdml.experiments.grid import Grid
from lanzdml.figures.words import Words
from lanzdml.methods import method_on_paper

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark


class DimensionsExperiment(AblationOfModel):
    """Scores over the size of the embedding (the paper's figure 3)."""

    methods: SomeMethods = None
    dims: Annotated[
        Dims, Field(description="sizes r'; auto for the one that a notion's prompts say")
    ]

    words: ClassVar[Words] = Words(
        title="Size of the embeddings",
        seen="Line chart with a panel for each notion: MAP@R over the number of dimensions, a line "
        "with error bars for each method.",
        caption="Retrieval over the size of the embedding: MAP@R, mean and population standard "
        "deviation over the seeds, for each notion. A dashed line is a method without a size to "
        "choose, as CLIP is. PCA is drawn where it can be fitted: it needs more prompts than "
        "dimensions. A ring is the r' that the notion's prompts say, where the configuration asks "
        "for it. Compare figure 3 of the paper.",
        category="Ablations",
    )

    def grids(self, config: "Benchmark") -> list[Grid]:
        """All its dims."""
        grid = self.grid(config, self.models_used(config), self.methods or ())
        return [replace(grid, dims=self.dims)]

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there are such methods, too."""
        return check_methods(f"{key}.methods", self.methods, config) + super().check(key, config)

    def dims_used(self, key: str, config: "Benchmark") -> list[DimsOfModel]:
        """Its own."""
        return [DimsOfModel(model, f"{key}.dims", self.dims) for model in self.models_used(config)]

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion, with a curve a method; one without a size to choose is a dashed line.

        Args:
            runs: of one dataset and model.
        """
        from matplotlib.ticker import NullLocator

        from lanzdml.figures.ablation import (
            add_chosen,
            add_legend,
            add_level,
            add_method,
            add_title,
            panels,
            series,
        )

        table = series(runs[~runs["dim_auto"]], "dim")
        chosen = series(runs[runs["dim_auto"]], "dim")
        curves = table[table["has_dim"]]
        figure, axes = panels(runs)
        for notion, axis in axes.items():
            for method, rows in table[table["notion"] == notion].groupby("method", sort=False):
                if rows["has_dim"].all():
                    rows = rows.sort_values("dim")
                    add_method(axis, method, rows["dim"], rows)
                else:
                    size = f" (r = {rows['dim'].iloc[0]})" if method == "clip" else ""
                    label = f"{method_on_paper(method)}{size}"
                    add_level(axis, method, rows["mean"].iloc[0], rows["std"].iloc[0], label)
            of_notion = chosen[chosen["notion"] == notion]
            for method, rows in of_notion.groupby("method", sort=False):
                if curves.empty:  # a ring alone does not say whose it is
                    add_method(axis, method, rows["dim"], rows)
                add_chosen(axis, rows["dim"].iloc[0], rows["mean"].iloc[0])
            axis.set_xscale("log", base=2)
            dims = sorted((of_notion if curves.empty else curves)["dim"].unique())
            axis.set_xticks(dims, [str(dim) for dim in dims])
            axis.xaxis.set_minor_locator(NullLocator())
            axis.set_xlabel("embedding size r' (dimensions)")
            axis.set_ylim(bottom=0)
        add_title(figure, runs, runs["model"].iloc[0])
        add_legend(figure, axes.values())
        return figure
