"""The section of the explorer, a page to look at images and their neighbours."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from lanzdml.config.choice import Choice, ModelOfTables, check_names
from lanzdml.config.methods import MethodName
from lanzdml.config.section import MOST_LISTED
from lanzdml.errors import suggest

if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark
    from lanzdml.config.datasets import DatasetConfig

A_HANDFUL = ("clip", "indirect", "text_subspace", "prompt_posterior", "oracle")
"""The methods that are shown unless others are named, of those that there are."""
MOST_METHODS = 12  # each adds neighbours of every image, for every notion
MOST_IMAGES = 5_000  # with more of them a page is slow to open
_IMAGES = 2_000


class ExplorerConfig(Choice):
    """A page of the tables' runs by one model, and by the first protocol, dim and seed.

    Where no notion is scored there is none, as there are no tables.
    """

    datasets: Annotated[
        list[str] | None,
        Field(min_length=1, max_length=MOST_LISTED, description="all datasets unless given"),
    ] = None
    notions: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            max_length=MOST_LISTED,
            description="all scored notions of the datasets but combined ones unless given",
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
        scored = {name: None for dataset in self._of(config) for name in dataset.scored}
        lines += [
            f"{key}.notions: {name!r} is no scored notion of these datasets; "
            + (suggest(name, scored) if scored else "none of them has any")
            for name in self.notions or []
            if name not in scored
        ]
        known = [*config.methods, *_external(config)]
        lines += [
            f"{key}.methods: {name!r} is not in methods; {suggest(name, known)}"
            for name in self.methods or []
            if name not in known
        ]
        return lines

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """Datasets with such notions, all but combined ones, the first model, and some methods."""
        notions = {name: None for dataset in self._of(config) for name in self._wanted(dataset)}
        few = [name for name in A_HANDFUL if name in config.methods] or config.methods
        methods = list(dict.fromkeys([*few, *_external(config)]))[:MOST_METHODS]
        return {
            "datasets": [
                name for name in self._named(config) if self._wanted(config.datasets[name])
            ],
            "notions": list(notions),
            "model": config.main_models[0],
            "methods": methods,
        }

    def models_used(self, config: "Benchmark") -> list[str]:
        """The one."""
        return [self.model or config.main_models[0]]

    def _named(self, config: "Benchmark") -> list[str]:
        named = config.datasets if self.datasets is None else self.datasets
        return [name for name in named if name in config.datasets]

    def _of(self, config: "Benchmark") -> list["DatasetConfig"]:
        return [config.datasets[name] for name in self._named(config)]

    def _wanted(self, dataset: "DatasetConfig") -> list[str]:
        """The notions of a dataset that are shown."""
        scored = dataset.scored
        if self.notions is not None:
            return [name for name in scored if name in self.notions]
        return [name for name, notion in scored.items() if notion.combine is None] or list(scored)


def _external(config: "Benchmark") -> list[str]:
    """Names of finished vectors of others, in the order of the configuration."""
    return [
        method
        for dataset in config.datasets.values()
        for notion in dataset.scored.values()
        for method in notion.external
    ]
