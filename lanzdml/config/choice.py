"""What experiments and pictures have in common: they choose from what a benchmark has."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

from pydantic import Field

from lanzdml.config.methods import MethodName
from lanzdml.config.section import MOST_LISTED, Section, check_unique, strangers
from lanzdml.errors import suggest
from lanzdml.methods import METHODS
from lanzdml.methods.dim import Dim

# For types only: a figure is drawn anew when what its experiment imports changes.
if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark
    from lanzdml.config.notions import NotionConfig

ModelOfTables = Annotated[
    str | None, Field(description="name of a model; the first of the tables unless given")
]
SomeMethods = Annotated[
    list[MethodName] | None,
    Field(min_length=1, max_length=MOST_LISTED, description="all methods unless given"),
]


class DimsOfModel(NamedTuple):
    """Dims that a model is asked for, and the key that asks."""

    model: str
    key: str
    dims: Sequence[Dim]


class Choice(Section):
    """A section of an experiment or a picture.

    In what is asked of it, ``key`` is its own, such as ``experiments.dimensions``.
    """

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """A line for each thing that it chooses and the configuration does not have."""
        return [
            line
            for name, values in self
            if isinstance(values, list)
            for line in check_unique(f"{key}.{name}", values)
        ]

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """The values of keys that need not be given, where they are not."""
        return {}

    def resolved(self, config: "Benchmark") -> Self:
        """With all that it implies written out."""
        left_out = {name for name, value in self if value is None}
        implied = self.implied(config).items()
        return self.model_copy(update={name: value for name, value in implied if name in left_out})

    def models_used(self, config: "Benchmark") -> list[str]:
        """The models that its runs are of."""
        raise NotImplementedError

    def protocols_used(self, config: "Benchmark") -> list[str]:
        """The protocols that it asks for beside those of the tables."""
        return []

    def dims_used(self, key: str, config: "Benchmark") -> list[DimsOfModel]:
        """The dims that it asks for beside those of the tables: the first, of other models."""
        return [
            DimsOfModel(model, "dims", config.dims[:1])
            for model in self.models_used(config)
            if model not in config.main_models
        ]


def check_names(key: str, names: Iterable[str], group: str, allowed: Collection[str]) -> list[str]:
    """Whether names are in a group of the configuration, such as its models."""
    return [
        f"{key}: {name!r} is not in {group}; {suggest(name, allowed)}"
        for name in strangers(names, allowed)
    ]


def check_methods(key: str, methods: Iterable[str] | None, config: "Benchmark") -> list[str]:
    """Whether methods are among those of the configuration."""
    return [
        f"{key}: {name!r} is not in methods; "
        + ("add it there, too" if name in METHODS else suggest(name, config.methods))
        for name in strangers(methods or [], config.methods)
    ]


def check_seeds(key: str, seeds: int | None, config: "Benchmark") -> list[str]:
    """Whether there are as many seeds."""
    if seeds is None or seeds <= len(config.seeds):
        return []
    return [f"{key}.seeds: {seeds} is more than the {len(config.seeds)} seeds there are"]


def check_notions(
    key: str,
    chosen: list[str] | None,
    allowed: "Mapping[str, NotionConfig]",
    kind: str,
    dataset: str,
    one_fit: str | None,
) -> list[str]:
    """Whether notions may be chosen.

    Args:
        key: of the notions.
        chosen: all of the allowed ones but those that combine others if None.
        allowed: by name.
        kind: of notions that these are.
        dataset: that they are of.
        one_fit: why none can be chosen that is several fits; None if it can.
    """
    lines = [
        f"{key}: {name!r} is no {kind} of {dataset}; {suggest(name, allowed)}"
        for name in strangers(chosen or [], allowed)
    ]
    if chosen is None and allowed and all(notion.combine for notion in allowed.values()):
        lines.append(f"{key}: is needed, as all {kind}s of {dataset} combine others")
    if one_fit is not None:
        lines += [
            f"{key}: {name} is stacked of several fits, and {one_fit}; combine by: union is one fit"
            for name in chosen or []
            if name in allowed and allowed[name].stacked
        ]
    return lines
