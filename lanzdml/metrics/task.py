"""What a score is made of, and where it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from lanzdml.datasets.labels import LabelColumns
from lanzdml.datasets.queries import Queries
from lanzdml.metrics.evidence import Evidence
from lanzdml.metrics.recalls import RECALLS


@dataclass(frozen=True)
class ScoreTask:
    """A transform that is to be scored.

    Attributes:
        output: parquet with :data:`lanzdml.metrics.runs.COLUMNS`: a row, or one a seed.
        run: dataset, notion, model, protocol and method.
        transform: what is scored; or finished vectors of others, a Parquet file of embeddings.
        seeds: of k-means; that of the fit, or several where each seed gives the same fit.
        version: of the code that transforms and scores; other scores are made anew.
        images, manifest: the images' embeddings and labels. Beside finished vectors those of the
            first seed.
        labels: where the labels are in the manifest.
        queries: which images are queries to the others; each to all others unless given.
        external: of finished vectors what the row says of them, ``source`` and ``supervised``.
        siblings: the transforms of all seeds of the run, where there is evidence.
        evidence: what is kept beside the metrics; nothing unless the run is one of the tables'.
        metrics: those of :data:`lanzdml.metrics.scores.MORE_METRICS` that are asked for.
        kmeans_repeats: how many starts of k-means are averaged for each of its seeds.
        kmeans_batch_size: images a batch of mini-batch k-means; None for k-means of all at once.
        shards: files of :mod:`lanzdml.metrics.shards`, where other jobs rank the queries.
        clusters: likewise the file of its clusters.
    """

    output: str
    run: Mapping[str, str]
    transform: str
    seeds: Sequence[int]
    version: str
    images: str
    manifest: str
    labels: LabelColumns
    queries: Queries | None = None
    siblings: Sequence[str] = ()
    external: Mapping[str, Any] | None = None
    evidence: Evidence | None = None
    metrics: Sequence[str] = ()
    kmeans_repeats: int = 1
    kmeans_batch_size: int | None = None
    shards: Sequence[str] = ()
    clusters: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """That of its attributes, of which those that are classes here are mappings."""
        kinds = {"evidence": Evidence, "queries": Queries}
        given = {name: values[name] and kind(**values[name]) for name, kind in kinds.items()}
        return cls(**{**values, **given})

    @property
    def source(self) -> tuple[str, str, LabelColumns, Queries | None]:
        """What tells the images that it is scored on."""
        return self.images, self.manifest, self.labels, self.queries

    @property
    def inputs(self) -> list[str]:
        """All files that are read, but for the siblings."""
        of_queries = self.queries.files if self.queries else ()
        parts = [*self.shards, *([self.clusters] if self.clusters else [])]
        return [self.transform, self.images, self.manifest, *of_queries, *parts]

    @property
    def recalls(self) -> list[str]:
        """The metrics that are asked for and go by ranks."""
        return [name for name in self.metrics if name in RECALLS]

    @property
    def outputs(self) -> list[str]:
        """All files that are written."""
        return [self.output, *(vars(self.evidence).values() if self.evidence else ())]
