"""How many prompts does a method need? MAP@R over their number (the paper's figure 5)."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from lanzdml.config.choice import check_methods
from lanzdml.config.methods import MethodName
from lanzdml.config.section import MOST_LISTED, Count
from lanzdml.errors import LanzdmlError
from lanzdml.experiments.experiment import AblationOfModel
from lanzdml.experiments.grid import Grid
from lanzdml.figures.words import Words
from lanzdml.methods import METHODS, method_on_paper

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark
    from lanzdml.config.notions import NotionConfig


class PromptCountExperiment(AblationOfModel):
    """Scores over the number of prompts, at the first of the dims (the paper's figure 5)."""

    methods: list[MethodName] = Field(
        ["indirect"],
        min_length=1,
        max_length=MOST_LISTED,
        description="methods that learn from prompts",
    )
    counts: Annotated[
        list[Count],
        Field(
            min_length=1,
            max_length=MOST_LISTED,
            description="numbers of prompts, drawn anew for each seed",
        ),
    ]

    one_fit: ClassVar[str | None] = "prompts are drawn for one"
    words: ClassVar[Words] = Words(
        title="Number of prompts",
        seen="Line chart: MAP@R over the number of prompts that a method learns from, with error "
        "bars, and as a dashed line what it reaches with all of them.",
        caption="Retrieval over the number of prompts: MAP@R, mean and population standard "
        "deviation over the seeds. Each seed draws its own prompts without replacement, the same "
        "ones for every method; the dashed line and its band are the runs with all prompts. "
        "Compare figure 5 of the paper.",
        category="Ablations",
    )

    def grids(self, config: "Benchmark") -> list[Grid]:
        """Some of the prompts, and all of them for comparison."""
        of_all = self.grid(config, self.models_used(config), self.methods)
        return [replace(of_all, counts=self.counts), of_all]

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether methods learn from prompts, and there are more of these than are drawn, too."""
        lines = [
            *check_methods(f"{key}.methods", self.methods, config),
            *super().check(key, config),
            *(
                f"{key}.methods: {name} learns from images, not from prompts"
                for name in self.methods
                if name in METHODS and METHODS[name].supervised
            ),
        ]
        if self.dataset in config.datasets:
            scored = config.datasets[self.dataset].scored
            for name in self.notions or scored:
                if name in scored:
                    lines += self._check_counts(key, name, scored[name])
        return lines

    def _check_counts(self, key: str, name: str, notion: "NotionConfig") -> list[str]:
        try:
            n_prompts = len(notion.read_texts())
        except LanzdmlError:  # not known yet, or a line of its own
            return []
        return [
            f"{key}.counts: {count} is not less than the {n_prompts} prompts of {name}; all "
            "of them are drawn anyway, as a line"
            for count in self.counts
            if count >= n_prompts
        ]

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        """A panel a notion: a curve a method, a dashed line for what it reaches with all prompts.

        Args:
            runs: of one dataset, model and dim. Of each notion those with the most prompts are the
                dashed line, which a method has only where it could be fitted to all of them.
        """
        from matplotlib.ticker import MaxNLocator

        from lanzdml.figures.ablation import (
            add_legend,
            add_level,
            add_method,
            add_title,
            panels,
            series,
            size_of,
        )

        table = series(runs, "n_prompts")
        figure, axes = panels(runs)
        for notion, axis in axes.items():
            most = runs.loc[runs["notion"] == notion, "n_prompts"].max()
            for method, rows in table[table["notion"] == notion].groupby("method", sort=False):
                rows = rows.sort_values("n_prompts")
                some, full = rows[rows["n_prompts"] < most], rows[rows["n_prompts"] == most]
                if len(some):
                    add_method(axis, method, some["n_prompts"].astype(int), some)
                if len(full):
                    label = f"{method_on_paper(method)}, all prompts"
                    add_level(axis, method, full["mean"].iloc[0], full["std"].iloc[0], label)
            axis.set_xlabel(f"number of prompts (of {most})")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.set_xlim(left=0)
            axis.set_ylim(bottom=0)
        add_title(figure, runs, runs["model"].iloc[0], *size_of(runs))
        add_legend(figure, axes.values())
        return figure
