"""What the explorer is asked to show: files of datasets, of notions on them and of methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from lanzdml.datasets.labels import LabelColumns
from lanzdml.datasets.queries import Queries


@dataclass(frozen=True)
class MethodTask:
    """A method's run on a notion.

    Attributes:
        method: its name.
        transform: what was scored; or finished vectors of others, a Parquet file of embeddings.
        seed: whose scores are shown.
        metrics: of the run, see :mod:`lanzdml.metrics.runs`.
        queries: its scores of every query, see :class:`lanzdml.metrics.evidence.Evidence`.
    """

    method: str
    transform: str
    seed: int
    metrics: str
    queries: str

    @property
    def files(self) -> list[str]:
        """All that is read."""
        return [self.transform, self.metrics, self.queries]


@dataclass(frozen=True)
class NotionTask:
    """A notion, and the methods that are shown on it.

    Attributes:
        notion: its name.
        images: embeddings of the dataset's images.
        labels: where the labels are in the manifest.
        queries: which images are queries to the others; each to all others unless given.
        methods: in their order on the page.
    """

    notion: str
    images: str
    labels: LabelColumns
    queries: Queries | None
    methods: Sequence[MethodTask]


@dataclass(frozen=True)
class Source:
    """Where the pictures of a manifest are.

    Attributes:
        manifest: see :mod:`lanzdml.datasets.manifest`.
        root: what paths in it are relative to, a folder or an archive.
        linked: folders elsewhere that links in the root may lead to.
    """

    manifest: str
    root: str
    linked: Sequence[str]


@dataclass(frozen=True)
class DatasetTask:
    """A dataset and what is shown of it.

    Attributes:
        dataset: its name.
        source: of its images.
        others: of those images that are its queries, where these are another dataset's.
        notions: in their order on the page; all have the same queries.
    """

    dataset: str
    source: Source
    others: Source | None
    notions: Sequence[NotionTask]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """What :func:`dataclasses.asdict` made plain."""
        notions = [
            NotionTask(
                **notion
                | {
                    "queries": notion["queries"] and Queries(**notion["queries"]),
                    "methods": [MethodTask(**method) for method in notion["methods"]],
                }
            )
            for notion in values["notions"]
        ]
        others = values["others"] and Source(**values["others"])
        return cls(values["dataset"], Source(**values["source"]), others, notions)

    @property
    def files(self) -> list[str]:
        """All results that are read: no pictures."""
        found = [self.source.manifest]
        for notion in self.notions:
            of_queries = notion.queries.files if notion.queries else ()
            found += [notion.images, *of_queries]
            found += [path for method in notion.methods for path in method.files]
        return list(dict.fromkeys(found))
