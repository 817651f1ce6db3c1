"""What experiments have in common that measure more of fits than scores on their own notion."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from lanzdml.config.choice import SomeMethods, check_methods, check_names, check_seeds
from lanzdml.config.section import MOST_LISTED, Count
from lanzdml.experiments.experiment import Experiment
from lanzdml.experiments.grid import Grid
from lanzdml.metrics.protocols import DEFAULT, PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from lanzdml.config.benchmark import Benchmark
    from lanzdml.tables.markup import Table


class Measured(Experiment):
    """A measurement of every method on every notion, by jobs of its own, a table and a figure.

    It is a folder. The function ``measure`` of its module ``measure`` makes rows of a
    :class:`lanzdml.experiments.task.MeasureTask`; of all these ``summarise`` of its module
    ``table`` makes those of ``<experiment>.csv``, and ``tables`` the table for readers; its module
    ``sentences`` says what stands above its figure. So nothing is measured anew when a table
    changes, and no table when a figure does. It takes the models of the tables, the first dim and
    the first protocol in which each image ranks all others: experiments draw from the images.
    """

    datasets: Annotated[
        list[str] | None,
        Field(min_length=1, max_length=MOST_LISTED, description="all datasets unless given"),
    ] = None
    methods: SomeMethods = None
    seeds: Annotated[
        Count | None, Field(description="how many of the seeds, from the first; all unless given")
    ] = None

    fits_anew: ClassVar[bool] = False
    """Whether it fits methods itself, so that those that take long get a job each."""
    beside_others: ClassVar[bool] = False
    """Whether a notion is scored on the labels of others, too, so that there have to be such."""
    by_wording: ClassVar[bool] = False
    """Whether each wording of a notion is measured by itself; its settings are for the own one."""
    texts: ClassVar[tuple[str, ...]] = ()
    """Columns of its table that hold texts, beside those that every experiment's has."""

    @property
    def fitted_to_labels(self) -> list[str]:
        """Methods that see labels, which it fits itself, whether or not the tables have them."""
        return []

    def grids(self, config: "Benchmark") -> list[Grid]:
        """No runs beside those of the tables."""
        return []

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there are such datasets, methods and seeds, too."""
        return [
            *self._check_protocols(key, config),
            *check_seeds(key, self.seeds, config),
            *check_names(f"{key}.datasets", self.datasets or [], "datasets", config.datasets),
            *check_methods(f"{key}.methods", self.methods, config),
            *super().check(key, config),
        ]

    @staticmethod
    def protocol(config: "Benchmark") -> str | None:
        """The one that it measures by; None where there is none."""
        return next((name for name in config.protocols if not PROTOCOLS[name].split), None)

    def _check_protocols(self, key: str, config: "Benchmark") -> list[str]:
        if self.protocol(config) is not None:
            return []
        return [f"{key}: each image has to rank all others; list {DEFAULT} in protocol, too"]

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """All datasets, methods and seeds."""
        return {
            "datasets": list(config.datasets),
            "methods": config.methods,
            "seeds": len(config.seeds),
        }

    def models_used(self, config: "Benchmark") -> list[str]:
        """Those of the tables."""
        return config.main_models

    @property
    def settings(self) -> dict[str, Any]:
        """What a measurement depends on beside what it measures."""
        return self.model_dump(exclude={"datasets", "methods", "seeds"})

    @classmethod
    def tables(cls, summary: "pd.DataFrame") -> "list[Table]":
        """The table for readers, in parts."""
        raise NotImplementedError

    @classmethod
    def sentences(cls, summary: "pd.DataFrame") -> list[str]:
        """What the report says of it, in sentences."""
        raise NotImplementedError

    @classmethod
    def read(cls, paths: "Sequence[Path]", seeds: "Sequence[int]") -> "pd.DataFrame":
        """The rows of its table, which the figure shows."""
        from lanzdml.spreadsheet import read_csv

        (path,) = paths
        # Only what is empty is missing: a notion may be called "null", or "007".
        texts = ("dataset", "notion", "model", "protocol", "method", "reason", *cls.texts)
        return read_csv(
            path, dtype=dict.fromkeys(texts, "str"), keep_default_na=False, na_values=[""]
        )
