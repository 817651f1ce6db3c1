"""What experiments and pictures choose from: datasets, models, methods, dims, seeds, protocols and
metrics."""

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lanzdml.config.collections import CollectionConfig
from lanzdml.config.datasets import DatasetConfig
from lanzdml.config.methods import MethodName, known_methods
from lanzdml.config.models import ModelConfig
from lanzdml.config.place import check_place
from lanzdml.config.protocols import ProtocolName
from lanzdml.config.section import (
    MOST_LISTED,
    Dims,
    Name,
    PathName,
    Section,
    check_unique,
    strangers,
)
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import DEFAULT, PROTOCOLS
from lanzdml.metrics.scores import METRICS, MORE_METRICS
from lanzdml.tables.published_values import published_files, read_published

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[*METRICS, *MORE_METRICS]


def _protocols(value: Any) -> Any:
    """One error for what is neither a name nor a list of them, in place of one for each kind."""
    names = value if isinstance(value, list) else [value]
    if 0 < len(names) <= 9 and all(isinstance(name, str) and name in PROTOCOLS for name in names):
        return value
    raise ValueError(f"should be {' or '.join(PROTOCOLS)}, or a list of them")


def _folder(value: str) -> str:
    """A folder that holds results only, so that nothing else is lost with it."""
    if os.path.normpath(value) in {".", "..", "/"} or value.startswith("~"):
        raise ValueError("should be a folder for nothing else, such as results/mine")
    if "://" in value:
        raise ValueError("should be a folder and no address: results lie on a disk")
    return os.path.normpath(value)


class Benchmark(Section):
    """A configuration but for its experiments, pictures and machine."""

    results: Annotated[
        PathName,
        Field(min_length=1, description="folder of all results, of this configuration only"),
        AfterValidator(_folder),
    ] = "results"
    datasets: Annotated[dict[Name, DatasetConfig], Field(min_length=1, max_length=MOST_LISTED)]
    models: Annotated[dict[Name, ModelConfig], Field(min_length=1, max_length=MOST_LISTED)]
    methods: Annotated[
        list[MethodName],
        Field(
            min_length=1,
            max_length=MOST_LISTED,
            description="names; file.py:Class, or what a package registers, for a method of others",
        ),
    ]
    dims: Annotated[
        Dims,
        Field(
            description="sizes r' of the transformed embeddings; auto for the one that a notion's "
            "prompts say"
        ),
    ]
    seeds: Annotated[
        list[Annotated[int, Field(ge=0, lt=2**32)]], Field(min_length=1, max_length=MOST_LISTED)
    ]
    protocol: Annotated[
        ProtocolName | Annotated[list[ProtocolName], Field(min_length=1)],
        Field(
            description="paper: as its text says; released: as its public code does; "
            "query_gallery: the text, but some images are queries, and the others their gallery; "
            "or several"
        ),
        BeforeValidator(_protocols),
    ] = DEFAULT
    metrics: Annotated[
        list[MetricName],
        Field(
            default_factory=list,
            description="metrics beside the seven that every run has; none unless given",
        ),
    ]
    kmeans_repeats: Annotated[
        int,
        Field(ge=1, le=1000, description="starts of k-means that are averaged; 1 unless given"),
    ] = 1
    kmeans_batch_size: Annotated[
        int | None,
        Field(
            ge=1,
            le=2**24,
            description="images a batch of mini-batch k-means, many times more than classes; "
            "k-means of all at once unless given",
        ),
    ] = None
    collections: Annotated[
        dict[Name, CollectionConfig], Field(default_factory=dict, max_length=MOST_LISTED)
    ]
    published: Annotated[
        list[PathName],
        Field(
            default_factory=list,
            max_length=MOST_LISTED,
            description="more values of papers, to be compared with: CSV files, or folders of "
            "them, beside those of resources/published",
        ),
    ]
    results_elsewhere: Annotated[
        bool, Field(description="true: the folder of all results may be outside the working folder")
    ] = False

    @property
    def main_models(self) -> list[str]:
        """The models of the tables."""
        return list(self.models)

    @property
    def protocols(self) -> list[str]:
        """The protocol, or protocols, as a list."""
        return self.protocol if isinstance(self.protocol, list) else [self.protocol]

    @property
    def more_metrics(self) -> list[str]:
        """The metrics beyond the seven, in the order of tables."""
        return [name for name in MORE_METRICS if name in self.metrics]

    def _dims_of_models(self) -> dict[str, tuple[str, int]]:
        """The dimensions of each model with an architecture, and who says so."""
        found = {}
        for name, model in self.models.items():
            if (dim := model.embed_dim) is not None:
                found[name] = (f"models.{name}", dim)
        return found

    def check(self) -> list[str]:
        """All that is wrong with it that its schema cannot say, one line each."""
        lines = [
            *check_unique("methods", self.methods),
            *check_unique("dims", self.dims),
            *check_unique("seeds", self.seeds),
            *check_unique("protocol", self.protocols),
            *check_unique("metrics", self.metrics),
        ]
        lines += [
            f"methods[{self.methods.index(name)}]: there is no method {name!r}; "
            + suggest(name, known_methods())
            for name in strangers(self.methods, METHODS)
        ]
        try:
            read_published(published_files(self.published))
        except LanzdmlError as error:
            lines += [f"published: {line}" for line in error.lines]
        data = [path for dataset in self.datasets.values() for path in dataset.paths]
        data += [collection.vectors.file for collection in self.collections.values()]
        try:
            check_place(
                self.results, elsewhere=self.results_elsewhere, apart=[*data, *self.published]
            )
        except LanzdmlError as error:
            lines += error.lines
        dims = self._dims_of_models()
        for name, dataset in self.datasets.items():
            lines += dataset.check_vectors(f"datasets.{name}", self.models, dims)
            lines += dataset.check_external(f"datasets.{name}", self.methods, self.seeds)
            lines += dataset.check(f"datasets.{name}", name, self.protocols, self.methods)
        for name, model in self.models.items():
            lines += model.check(f"models.{name}")
        for name, collection in self.collections.items():
            lines += collection.check(f"collections.{name}", self)
        return lines
