"""A dataset: where it lies, how it is read, and the notions to evaluate on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from lanzdml.config.external import check_external
from lanzdml.config.labels import check_labels
from lanzdml.config.links import check_links
from lanzdml.config.models import ModelConfig
from lanzdml.config.notions import NotionConfig
from lanzdml.config.queries import SHARE, QueriesConfig
from lanzdml.config.section import MOST_LISTED, Name, PathName, Section
from lanzdml.config.torchvision import TorchvisionConfig
from lanzdml.config.vectors import VectorsByModel, check_shape
from lanzdml.datasets import DATASETS, AnyDataset, OwnDataset, find_dataset
from lanzdml.datasets.archives import is_archive
from lanzdml.datasets.raw import LAYOUTS
from lanzdml.embeddings.vectors.reading import Kind
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.ranking import MOST_BLOCKS

OWN_DATA = "docs/your-own.md"


class DatasetConfig(Section):
    """A dataset and the notions to evaluate on it."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["root"]}, {"required": ["labels"]}]}
    )

    root: Annotated[
        PathName | None,
        Field(
            description="folder, file or archive of the dataset; for images of your own, the "
            "folder of labels unless given"
        ),
    ] = None
    labels: Annotated[
        PathName | None,
        Field(description=f"table of images of your own, .csv, .tsv or .parquet ({OWN_DATA})"),
    ] = None
    torchvision: Annotated[
        TorchvisionConfig | None,
        Field(description="a class of torchvision's that reads it, see docs/datasets.md"),
    ] = None
    linked: Annotated[
        list[Annotated[PathName, Field(min_length=1)]],
        Field(
            default_factory=list,
            description="folders elsewhere that links in the root may lead to",
        ),
    ]
    download: Annotated[
        bool, Field(description="fetch the dataset into the folder root where it is not there")
    ] = False
    on_unreadable: Annotated[
        Literal["fail", "skip"],
        Field(
            description="skip: images that cannot be read are left out and listed in excluded.csv; "
            "every image is decoded once more for this"
        ),
    ] = "fail"
    vectors: Annotated[
        VectorsByModel,
        Field(description="vectors of the images that are there already, by model"),
    ]
    shards: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="how many jobs share the dataset's images when they are embedded",
        ),
    ] = 1
    rank_shards: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_BLOCKS,
            description="how many jobs share the queries of a run when they are ranked; unless "
            "given, as many as take some minutes each",
        ),
    ] = None
    queries: Annotated[
        QueriesConfig | None,
        Field(
            description="which images are queries to the others, for the protocol query_gallery; a "
            f"share of {SHARE} unless given"
        ),
    ] = None
    notions: Annotated[dict[Name, NotionConfig], Field(min_length=1, max_length=MOST_LISTED)]

    @property
    def folder(self) -> str:
        """Where it is: images of the user's own, unless told, where their table is."""
        return self.root if self.root is not None else str(Path(self.labels or "").parent)

    @property
    def has_images(self) -> bool:
        """Whether there are images, not vectors and labels only; yes where it is not known."""
        try:
            return self.labels is None or OwnDataset(Path(self.labels)).has_images
        except LanzdmlError:  # a line of its own
            return True

    @property
    def paths(self) -> list[str]:
        """What it is read from, as given."""
        tables = self.torchvision.tables.values() if self.torchvision else ()
        return [path for path in (self.root, self.labels, *tables) if path is not None]

    def source(self, name: str) -> AnyDataset:
        """What it is read by, under its name.

        Raises:
            KeyError: it is neither registered nor said otherwise.
        """
        return find_dataset(
            name, self.labels, self.torchvision.resolved if self.torchvision else None
        )

    @property
    def scored(self) -> dict[str, NotionConfig]:
        """Its notions with scores."""
        return {name: notion for name, notion in self.notions.items() if notion.scored}

    def resolved(self) -> Self:
        """With what its notions imply."""
        notions = {name: notion.resolved() for name, notion in self.notions.items()}
        return self.model_copy(update={"notions": notions})

    def check(self, key: str, name: str, protocols: list[str], methods: list[str]) -> list[str]:
        """All that is wrong with a dataset and its notions.

        Args:
            key: of this dataset.
            name: its own.
            protocols: that it is evaluated by.
            methods: that are evaluated.
        """
        if lines := self._check_links(key):
            return lines
        lines = self._check_source(key, name) + self.check_protocols(key, name, protocols, methods)
        for notion_name, notion in self.notions.items():
            lines += notion.check(f"{key}.notions.{notion_name}")
            lines += notion.check_against(f"{key}.notions.{notion_name}", notion_name, self.notions)
        return lines

    def check_vectors(
        self, key: str, models: Mapping[str, ModelConfig], dims: dict[str, tuple[str, int]]
    ) -> list[str]:
        """Whether vectors are given where there is nothing to embed, or nothing to embed with.

        Args:
            key: of this dataset.
            models: all of the benchmark.
            dims: see :func:`lanzdml.config.vectors.check_shapes`.
        """
        own = OwnDataset(Path(self.labels)) if self.labels else None
        try:
            has_images, n_images = (own.has_images, own.n_images) if own else (True, None)
        except LanzdmlError:  # a line of its own
            return []
        lines = []
        if not has_images and self.on_unreadable == "skip":
            lines.append(f"{key}.on_unreadable: {self.labels} lists no images; leave it out")
        given = {f"{key}.vectors": self.vectors}
        for name, notion in self.notions.items():
            of_notion = f"{key}.notions.{name}"
            sections = notion.sections
            if notion.combine is not None and sections.pop("").vectors:
                lines.append(
                    f"{of_notion}.vectors: are those of the parts in a notion that combines "
                    "others; leave it out"
                )
            given |= {f"{of_notion}{rest}.vectors": each.vectors for rest, each in sections.items()}
            lines += [
                f"{of_notion}.ensemble: is averaged of what a model embeds, and {model} has no "
                "architecture; average the unit vectors of its templates yourself, and list them "
                "as a variant, with a template and vectors"
                for model in sorted(models)
                if notion.ensemble and models[model].architecture is None
            ]
        for where, vectors in given.items():
            lines += [
                f"{where}: there is no model {name!r}; {suggest(name, models)}"
                for name in sorted(vectors.keys() - models.keys())
            ]
            of_images = vectors is self.vectors
            for name in sorted(models.keys() - vectors.keys()):
                if of_images and not has_images:
                    lines.append(
                        f"{where}: {self.labels} has no column 'image', but "
                        f"{', '.join(own.notions if own else ())}; give the column of the images "
                        f"that name, or vectors of model {name}"
                    )
                elif models[name].architecture is None:
                    lines.append(
                        f"{where}: are needed of model {name}, which has no architecture to embed "
                        "with"
                    )
            kind, n = (Kind.IMAGES, n_images) if of_images else (Kind.PROMPTS, None)
            for name, source in vectors.items():
                lines += check_shape(f"{where}.{name}", source, kind, n, dims, name)
        return lines

    def check_external(self, key: str, methods: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """Whether finished vectors are there, of as many images, where they can be scored.

        Args:
            key: of this dataset.
            methods, seeds: of the benchmark.
        """
        try:
            n_images = OwnDataset(Path(self.labels)).n_images if self.labels else None
        except LanzdmlError:  # a line of its own
            return []
        lines = []
        for name, notion in self.notions.items():
            where = f"{key}.notions.{name}.external"
            if notion.external and not notion.scored:
                lines.append(f"{where}: the notion is not scored; leave it out")
            lines += check_external(where, notion.external, n_images, [*METHODS, *methods], seeds)
        return lines

    def _check_links(self, key: str) -> list[str]:
        named = {f"{key}.labels": self.labels} if self.labels else {}
        if self.torchvision:
            named |= {
                f"{key}.torchvision.{at}": path for at, path in self.torchvision.tables.items()
            }
        for notion_name, notion in self.notions.items():
            for rest, section in notion.sections.items():
                for kind in ("aspects", "prompts"):
                    if isinstance(texts := getattr(section, kind), str):
                        named[f"{key}.notions.{notion_name}{rest}.{kind}"] = texts
        return check_links(named, self.folder, self.linked)

    def _check_source(self, key: str, name: str) -> list[str]:
        """Whether there is such a dataset, and labels for the notions that need them."""
        said = [kind for kind in ("labels", "torchvision") if getattr(self, kind) is not None]
        if name in DATASETS and said:
            return [
                f"{key}.{said[0]}: {name} is registered; choose another name for a dataset of your "
                "own"
            ]
        if len(said) > 1:
            return [f"{key}: has both labels and torchvision; leave one of them out"]
        if name not in DATASETS and not said:
            return [
                f"{key}: there is no dataset {name!r}; {suggest(name, DATASETS)}; or, for images "
                f"of your own, give labels: the path of a table, see {OWN_DATA}"
            ]
        if self.root is None and self.labels is None:
            return [f"{key}.root: is missing"]
        lines = self.torchvision.check(f"{key}.torchvision") if self.torchvision else []
        if lines:
            return lines
        try:
            known = self.source(name).notions
        except LanzdmlError as error:
            return [f"{key}.labels: {error}"]
        lines = self._check_download(key, name)
        for notion in self.notions:
            lines += check_labels(self, key, name, notion, known)
        return lines

    def _check_download(self, key: str, name: str) -> list[str]:
        if not self.download:
            return []
        fetched = self.source(name).fetched
        if fetched is None:
            return [
                f"{key}.download: {name} has no stable public address; {LAYOUTS} says where it "
                "comes from and what to place where"
            ]
        if self.root is not None and (is_archive(Path(self.root)) or Path(self.root).is_file()):
            return [
                f"{key}.root: with download it is the folder that {fetched} goes into, "
                f"not {self.root!r}"
            ]
        return []

    def check_protocols(
        self, key: str, name: str, protocols: list[str], methods: list[str]
    ) -> list[str]:
        """Whether a protocol takes prompts that are not there, or other labels than are named."""
        replaced, needed = [], []
        for notion, settings in self.scored.items():
            where = f"{key}.notions.{notion}"
            for protocol in protocols:
                sources = [
                    PROTOCOLS[protocol].notions_used(name, notion, method) for method in methods
                ]
                replaced += [
                    f"{where}.labels: the {protocol} protocol takes those of {labels} in their "
                    "place; leave it out, or give the notion another name"
                    for labels in sorted({source.labels for source in sources} - {notion})
                    if settings.labels is not None
                ]
                needed += [
                    f"{where}: the {protocol} protocol needs the prompts of {prompts}, too: "
                    f"list {key}.notions.{prompts}"
                    for prompts in sorted({source.prompts for source in sources})
                    if prompts not in self.notions
                ]
        return replaced + needed
