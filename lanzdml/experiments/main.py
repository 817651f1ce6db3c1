"""How well do the methods retrieve? What the tables show, and significance and figures go by."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from lanzdml.config.choice import check_names
from lanzdml.config.section import MOST_LISTED
from lanzdml.experiments.experiment import Experiment
from lanzdml.experiments.grid import Grid

if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark


class MainExperiment(Experiment):
    """What the tables hold: every method on every scored notion, per model, dim and seed."""

    models: Annotated[
        list[str] | None,
        Field(min_length=1, max_length=MOST_LISTED, description="all models unless given"),
    ] = None

    def grids(self, config: "Benchmark") -> list[Grid]:
        """Every method on every scored notion."""
        scored = [
            (name, notion) for name, dataset in config.datasets.items() for notion in dataset.scored
        ]
        return [
            Grid(
                config.protocols,
                scored,
                self.models or (),
                config.methods,
                config.dims,
                config.seeds,
            )
        ]

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there are such models."""
        unknown = check_names(f"{key}.models", self.models or [], "models", config.models)
        return unknown + super().check(key, config)

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """All models."""
        return {"models": config.main_models}

    def models_used(self, config: "Benchmark") -> list[str]:
        """Those of the tables."""
        return config.main_models
