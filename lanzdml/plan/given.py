"""What the user gives: the files of datasets and models, whose contents results depend on."""

import hashlib
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from lanzdml.config.config import Config
from lanzdml.datasets import AnyDataset, files_read, images_listed
from lanzdml.embeddings import models
from lanzdml.errors import LanzdmlError
from lanzdml.files import sample_of
from lanzdml.plan.notions import sections_of


class Given:
    """Files of a configuration's datasets and models, by name, as they are now."""

    def __init__(self, config: Config) -> None:
        self._config = config
        # Looked for once: each of a collection's jobs asks.
        self._shards = cache(lambda name: config.collections[name].shards())

    def dataset(self, name: str) -> AnyDataset:
        """The dataset: a registered one, that of a table of the user's, or torchvision's."""
        return self._config.datasets[name].source(name)

    def torchvision(self, name: str) -> dict[str, Any] | None:
        """The class of torchvision's that reads a dataset, and its notions, if one does."""
        section = self._config.datasets[name].torchvision
        return section.resolved if section else None

    def root(self, name: str) -> str:
        """Where a dataset is."""
        return self._config.datasets[name].folder

    def linked(self, name: str) -> list[str]:
        """Folders elsewhere that links in a dataset may lead to."""
        return self._config.datasets[name].linked

    def is_there(self, name: str) -> bool:
        """Whether there is anything where a dataset should be."""
        root = Path(self.root(name))
        return root.is_file() or (root.is_dir() and any(root.iterdir()))

    def dataset_files(self, name: str) -> list[Path]:
        """The files that a manifest is made of, but for images and what is to be downloaded.

        Links that lead elsewhere are not among them: nothing reads them, and the job says so.
        """
        settings, dataset = self._config.datasets[name], self.dataset(name)
        root = Path(self.root(name))
        files = files_read(dataset, root, settings.linked)
        if settings.download:
            files = [file for file in files if not dataset.is_fetched(file, root)]
        return [*dataset.tables, *files]

    def dataset_contents(self, name: str) -> list[str]:
        """What those hold, and which images there are where the reader lists them itself."""
        images = images_listed(self.dataset(name), Path(self.root(name)), self.linked(name))
        names = hashlib.sha256("\n".join(map(str, images)).encode()).hexdigest()[:16]
        return [*_contents(self.dataset_files(name)), names]

    def model(self, name: str) -> dict[str, Any]:
        """What a model is loaded by."""
        return self._config.models[name].model_dump(include={"architecture", "pretrained"})

    def model_files(self, name: str) -> list[Path]:
        """A model's own files: changed weights are embedded with anew."""
        model = self.model(name)
        return models.model_files(**model) if model["architecture"] else []

    def vectors_of_prompts(
        self, dataset: str, model: str, names: Collection[str]
    ) -> dict[str, dict[str, Any]]:
        """Where vectors of some of a dataset's prompts are, by their names, if they are given."""
        return {
            name: prompts.vectors[model].model_dump()
            for notion, settings in self._config.datasets[dataset].notions.items()
            for name, prompts in sections_of(notion, settings).items()
            if name in names and model in prompts.vectors
        }

    def vector_files(self, *sources: dict[str, Any]) -> list[Path]:
        """The files of given vectors, of folders all that are in them."""
        found = []
        for source in sources:
            path = Path(source["file"])
            inside = sorted(path.rglob("*")) if path.is_dir() else [path]
            found += [file for file in inside if file.is_file()]
        return found

    def vector_contents(self, *sources: dict[str, Any]) -> list[str]:
        """What those hold."""
        return _contents(self.vector_files(*sources))

    def shards(self, collection: str) -> list[str]:
        """The files of a collection's vectors, by their names without a suffix, in order."""
        return list(self._shards(collection))

    def shard_files(self, collection: str, shard: str) -> list[Path]:
        """One of them, with the table beside it, if there is one.

        Raises:
            LanzdmlError: there is no such shard.
        """
        shards = self._shards(collection)
        if shard not in shards:
            raise LanzdmlError(f"collections.{collection}: there is no shard {shard!r}")
        return [file for file in shards[shard] if file is not None]

    def shard_contents(self, collection: str, shard: str) -> list[str]:
        """What those hold."""
        return _contents(self.shard_files(collection, shard))

    def model_contents(self, name: str) -> list[str]:
        """What those hold."""
        return _contents(self.model_files(name))


def _contents(files: Iterable[str | Path]) -> list[str]:
    """Samples of files: Snakemake goes by dates, and a copy may have an older one."""
    return [sample_of(file) for file in files]
