"""The configuration: all that config.yaml may hold.

Its experiments and pictures are those of the registries :data:`lanzdml.experiments.EXPERIMENTS`
and :data:`lanzdml.figures.PICTURES`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError, create_model

from lanzdml.config.benchmark import Benchmark
from lanzdml.config.choice import Choice
from lanzdml.config.embeddings import EmbeddingsConfig
from lanzdml.config.explorer import ExplorerConfig
from lanzdml.config.limits import LimitsConfig
from lanzdml.config.messages import ConfigError, error_of
from lanzdml.config.section import Section
from lanzdml.errors import LanzdmlError
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.experiment import Experiment
from lanzdml.experiments.main import MainExperiment
from lanzdml.figures import PICTURES
from lanzdml.figures.picture import Picture
from lanzdml.limits import imposed
from lanzdml.methods.dim import Dim
from lanzdml.methods.elsewhere import forget
from lanzdml.metrics.protocols import PROTOCOLS, QUERY_GALLERY


class _Experiments(Section):
    """Which runs are made: those of the tables, and those of the ablation figures."""

    main: MainExperiment = MainExperiment()


class _Pictures(Section):
    """Pictures of one dataset: InDiReCT at the first of the dims and seeds beside CLIP."""


def _with_registered(name: str, group: type[Section], registry: Mapping[str, type[Choice]]) -> Any:
    """A group of sections with all of a registry, each of which may be left out."""
    fields: dict[str, Any] = {
        key: (section | None, None)
        for key, section in registry.items()
        if key not in group.model_fields
    }
    return create_model(name, __base__=group, __doc__=group.__doc__, **fields)


if TYPE_CHECKING:
    ExperimentsConfig = _Experiments
    FiguresConfig = _Pictures
else:
    ExperimentsConfig = _with_registered("ExperimentsConfig", _Experiments, EXPERIMENTS)
    FiguresConfig = _with_registered("FiguresConfig", _Pictures, PICTURES)


class Config(Benchmark):
    """A benchmark: every method on every notion of every dataset, per model, dim and seed."""

    experiments: ExperimentsConfig = ExperimentsConfig()
    figures: FiguresConfig = FiguresConfig()
    explorer: ExplorerConfig | None = None
    embeddings: EmbeddingsConfig = EmbeddingsConfig()
    limits: LimitsConfig = LimitsConfig()

    @property
    def main_models(self) -> list[str]:
        """The models of the tables."""
        return self.experiments.main.models or list(self.models)

    @property
    def given_experiments(self) -> dict[str, Experiment]:
        """The sections of the experiments that are made, by name; the first is main."""
        return {name: section for name, section in self.experiments if section is not None}

    @property
    def given_pictures(self) -> dict[str, Picture]:
        """The sections of the pictures that are drawn, by name."""
        return {name: section for name, section in self.figures if section is not None}

    def check(self) -> list[str]:
        """All that is wrong with it that its schema cannot say, one line each."""
        lines = super().check()
        choices: dict[str, Choice] = {
            **{f"experiments.{name}": given for name, given in self.given_experiments.items()},
            **{f"figures.{name}": given for name, given in self.given_pictures.items()},
            **({"explorer": self.explorer} if self.explorer else {}),
        }
        for key, choice in choices.items():
            lines += choice.check(key, self)
        asked = (name for choice in choices.values() for name in choice.protocols_used(self))
        split = any(PROTOCOLS[protocol].split for protocol in (*self.protocols, *asked))
        lines += self._check_queries(split)
        for name in self.main_models:
            lines += self._check_dims(name, "dims", self.dims)
        for key, choice in choices.items():
            for used in choice.dims_used(key, self):
                lines += self._check_dims(*used)
        return list(dict.fromkeys(lines))

    def _check_queries(self, used: bool) -> list[str]:
        """Whether queries are there, where anything is scored by queries and a gallery."""
        lines, scored = [], {name: dataset.scored for name, dataset in self.datasets.items()}
        for name, dataset in self.datasets.items():
            key = f"datasets.{name}.queries"
            if dataset.queries is None:
                continue
            if not used:
                unused = f"are for protocol: {QUERY_GALLERY}, which nothing here is scored by"
                lines.append(f"{key}: {unused}")
                continue
            with suppress(LanzdmlError, KeyError):  # a line of its own
                known = dataset.source(name).notions
                lines += dataset.queries.check(key, name, scored, known)
        return lines

    def _check_dims(self, model: str, key: str, dims: Sequence[Dim]) -> list[str]:
        if model not in self.models:  # a line of its own
            return []
        return self.models[model].check_dims(key, model, dims)

    def resolved(self) -> Self:
        """With what notions, experiments and pictures imply written out."""
        datasets = {name: dataset.resolved() for name, dataset in self.datasets.items()}
        experiments = {
            name: section.resolved(self) for name, section in self.given_experiments.items()
        }
        pictures = {name: section.resolved(self) for name, section in self.given_pictures.items()}
        collections = {name: section.resolved(self) for name, section in self.collections.items()}
        return self.model_copy(
            update={
                "datasets": datasets,
                "collections": collections,
                "experiments": self.experiments.model_copy(update=experiments),
                "figures": self.figures.model_copy(update=pictures),
                "explorer": self.explorer and self.explorer.resolved(self),
            }
        )


def parse_config(values: dict[str, Any]) -> Config:
    """Validate a configuration as it was read from YAML; what it implies is written out.

    Paths in it are relative to the working directory. Datasets themselves need not be there, but
    the user's own tables of labels.

    Raises:
        ConfigError: with one line for each thing that is wrong, naming the key and what is allowed.
    """
    forget()
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise error_of(error, Config) from None
    with imposed(config.limits.limits()):
        if lines := config.check():
            raise ConfigError(*lines)
        return config.resolved()


def json_schema() -> dict[str, Any]:
    """The JSON schema of a configuration, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
