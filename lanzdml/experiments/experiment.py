"""What experiments have in common, and what ablations do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from lanzdml.config.choice import Choice, ModelOfTables, check_names, check_notions, check_seeds
from lanzdml.config.section import MOST_LISTED, Count
from lanzdml.experiments.grid import Grid
from lanzdml.figures.words import Words

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from lanzdml.config.benchmark import Benchmark


class Experiment(Choice):
    """Runs that answer a question, and the figure of the answer where there is one."""

    words: ClassVar[Words | None] = None
    """Of its figure; None of an experiment without one."""

    def grids(self, config: "Benchmark") -> list[Grid]:
        """Its runs.

        Args:
            config: with what it implies written out, as this section is.
        """
        raise NotImplementedError

    @classmethod
    def read(cls, paths: "Sequence[Path]", seeds: Sequence[int]) -> "pd.DataFrame":
        """What its figure shows: the rows of its runs, of the seeds that it asks for."""
        from lanzdml.metrics.runs import read_runs

        return read_runs(paths, seeds)

    @classmethod
    def draw(cls, runs: "pd.DataFrame") -> "Figure":
        """Its figure, in the style of all figures; see :meth:`draw_runs`.

        Args:
            runs: rows as in ``metrics.parquet``, those of the experiment.
        """
        from lanzdml.figures.style import style

        with style():
            return cls.draw_runs(runs)

    @classmethod
    def draw_runs(cls, runs: "pd.DataFrame") -> "Figure":
        raise NotImplementedError(f"{cls.__name__} has no figure")


class Ablation(Experiment):
    """Scores on one dataset, over something that the tables have one value of."""

    dataset: Annotated[str, Field(description="name of a dataset")]
    notions: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            max_length=MOST_LISTED,
            description="all scored notions of the dataset unless given, but combined ones",
        ),
    ] = None
    seeds: Annotated[
        Count | None, Field(description="how many of the seeds, from the first; all unless given")
    ] = None

    one_fit: ClassVar[str | None] = None
    """Why it cannot have a stacked notion, which is several fits; None where it can."""

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Beside what is listed twice: its seeds, its dataset and its notions."""
        lines = super().check(key, config) + check_seeds(key, self.seeds, config)
        if self.dataset not in config.datasets:
            unknown = check_names(f"{key}.dataset", [self.dataset], "datasets", config.datasets)
            return lines + unknown
        scored = config.datasets[self.dataset].scored
        if not scored:
            lines.append(f"{key}.dataset: {self.dataset} has no scored notion")
        lines += check_notions(
            f"{key}.notions", self.notions, scored, "scored notion", self.dataset, self.one_fit
        )
        return lines

    def grid(self, config: "Benchmark", models: Sequence[str], methods: Sequence[str]) -> Grid:
        """Of its notions, by the first protocol, at the first dim."""
        return Grid(
            protocols=config.protocols[:1],
            notions=[(self.dataset, notion) for notion in self.notions or ()],
            models=models,
            methods=methods,
            dims=config.dims[:1],
            seeds=config.seeds[: self.seeds],
        )

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """All seeds, scored notions and methods; not every ablation has a key for the last."""
        scored = config.datasets[self.dataset].scored
        return {
            "notions": [name for name, notion in scored.items() if notion.combine is None],
            "seeds": len(config.seeds),
            "methods": config.methods,
        }


class AblationOfModel(Ablation):
    """An ablation of one model."""

    model: ModelOfTables = None

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there is such a model, too."""
        named = [self.model] if self.model is not None else []
        unknown = check_names(f"{key}.model", named, "models", config.models)
        return unknown + super().check(key, config)

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """The first model of the tables, too."""
        return super().implied(config) | {"model": config.main_models[0]}

    def models_used(self, config: "Benchmark") -> list[str]:
        """The one."""
        return [self.model or config.main_models[0]]
