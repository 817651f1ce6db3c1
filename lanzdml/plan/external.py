"""Vectors that are there already: what is read of them, and what is scored as it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from lanzdml.config.config import Config
from lanzdml.plan.paths import Paths
from lanzdml.plan.runs import Fit, Run


@dataclass(frozen=True)
class GivenVectors:
    """A file of vectors of a dataset's images that a job reads.

    Attributes:
        of: what they are of, for the job's name.
        title: what is said of it.
        source: where they are, as :class:`lanzdml.config.vectors.VectorsConfig` has it.
        output: ours.
        seed: of the method that made them; None of a model's, which are no method's.
    """

    dataset: str
    of: tuple[str, ...]
    title: str
    source: dict[str, Any]
    output: str
    seed: int | None = None


def external_runs(config: Config) -> Iterator[Run]:
    """The runs of the notions' finished vectors, which are scored beside those of each model."""
    for protocol, (dataset, settings) in product(config.protocols, config.datasets.items()):
        for (name, notion), model in product(settings.scored.items(), config.main_models):
            for method, given in notion.external.items():
                for seed in [None] if len(given.vectors) == 1 else config.seeds:
                    yield Run(protocol, Fit(dataset, model, name, method, dim=None, seed=seed))


def vectors_to_read(
    config: Config, paths: Paths, embedded: Iterable[tuple[str, str]]
) -> list[GivenVectors]:
    """What a configuration gives of images' vectors: of models, and finished ones.

    Args:
        config: what gives them.
        paths: of what is written.
        embedded: dataset and model of all embeddings of images.
    """
    found = []
    for dataset, model in embedded:
        if source := config.datasets[dataset].vectors.get(model):
            title = f"the images of {dataset} by {model}"
            output = paths.images(dataset, model)
            found.append(GivenVectors(dataset, (model,), title, source.model_dump(), output))
    for dataset, settings in config.datasets.items():
        for name, notion in settings.scored.items():
            for method, given in notion.external.items():
                for seed, source in zip(config.seeds, given.vectors, strict=False):
                    output = paths.vectors(dataset, name, method, seed)
                    of, title = (name, method, str(seed)), f"{dataset} by {method} for {name}"
                    read = GivenVectors(dataset, of, title, source.model_dump(), output, seed)
                    found.append(read)
    return found
