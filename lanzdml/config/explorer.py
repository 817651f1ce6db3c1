"""The section of the explorer, a page to look at images and their neighbours."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from lanzdml.config.choice import Choice, ModelOfTables, check_names
from lanzdml.config.methods import MethodName
from lanzdml.config.section import MOST_LISTED
from lanzdml.errors import suggest

if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark

A_HANDFUL = ("clip", "indirect", "text_subspace", "prompt_posterior", "oracle")
"""The methods that are shown unless others are named, of those that there are."""
MOST_METHODS = 12  # each adds neighbours of every image, for every notion
MOST_IMAGES = 5_000  # with more of them a page is slow to open
_IMAGES = 2_000


class ExplorerConfig(Choice):
    """A page of the tables' runs by one model, and by the first protocol, dim and seed."""

    datasets: Annotated[
        list[str] | None,
        Field(min_length=1, max_length=MOST_LISTED, description="all datasets unless given"),
    ] = None
    notions: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            max_length=MOST_LISTED,
            description="all scored notions of the datasets unless given",
        ),
    ] = None
    model: ModelOfTables = None
    methods: Annotated[
        list[MethodName] | None,
        Field(
            min_length=1,
            max_length=MOST_METHODS,
            description="names, also of finished vectors; clip, indirect, text_subspace, "
            "prompt_posterior and oracle, where there are any of them, and finished vectors unless "
            "given",
        ),
    ] = None
    images: Annotated[
        int,
        Field(ge=1, le=MOST_IMAGES, description="how many can be looked at, of all datasets"),
    ] = _IMAGES

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there are such datasets, notions, methods and such a model of the tables."""
        lines = super().check(key, config)
        lines += check_names(f"{key}.datasets", self.datasets or [], "datasets", config.datasets)
        if self.model is not None:
            named = [self.model]
            lines += check_names(f"{key}.model", named, "the tables' models", config.main_models)
        datasets = [
            config.datasets[name] for name in self._datasets(config) if name in config.datasets
        ]
        scored = {name: None for dataset in datasets for name in dataset.scored}
        lines += [
            f"{key}.notions: {name!r} is no scored notion of these datasets; "
            + (suggest(name, scored) if scored else "none of them has any")
            for name in self.notions or []
            if name not in scored
        ]
        if not scored:
            lines.append(f"{key}: there is no scored notion to look at; leave the section out")
        known = [*config.methods, *_external(config)]
        lines += [
            f"{key}.methods: {name!r} is not in methods; {suggest(name, known)}"
            for name in self.methods or []
            if name not in known
        ]
        return lines

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """All datasets with scored notions, these, the first model, and a handful of methods."""
        datasets = [
            name
            for name in self._datasets(config)
            if any(self._wants(notion) for notion in config.datasets[name].scored)
        ]
        notions = {
            notion: None
            for name in datasets
            for notion in config.datasets[name].scored
            if self._wants(notion)
        }
        few = [name for name in A_HANDFUL if name in config.methods] or config.methods
        methods = list(dict.fromkeys([*few, *_external(config)]))[:MOST_METHODS]
        return {
            "datasets": datasets,
            "notions": list(notions),
            "model": config.main_models[0],
            "methods": methods,
        }

    def models_used(self, config: "Benchmark") -> list[str]:
        """The one."""
        return [self.model or config.main_models[0]]

    def _datasets(self, config: "Benchmark") -> list[str]:
        return list(config.datasets) if self.datasets is None else self.datasets

    def _wants(self, notion: str) -> bool:
        return self.notions is None or notion in self.notions


def _external(config: "Benchmark") -> list[str]:
    """Names of finished vectors of others, in the order of the configuration."""
    return [
        method
        for dataset in config.datasets.values()
        for notion in dataset.scored.values()
        for method in notion.external
    ]
