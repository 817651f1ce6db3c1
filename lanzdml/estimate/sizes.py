"""How large a configuration's data is: images, classes, prompts, embeddings, models.

What finished parts of the run know is taken from there, and else what the configuration, its tables
and our own lists of the paper's collections say. What nobody knows is assumed, and told.
"""

from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.datasets.class_counts import known_counts
from lanzdml.datasets.kinds import OwnDataset
from lanzdml.datasets.labels import LabelColumns, class_sizes, columns_of, read_labels
from lanzdml.datasets.parquet_file import count_rows
from lanzdml.embeddings.models import read_architecture
from lanzdml.errors import LanzdmlError
from lanzdml.estimate.models import ModelSize, size_of
from lanzdml.methods.dim import Dim
from lanzdml.plan import Plan

FEW = 20
"""Classes, or prompts, where nothing says how many."""
AUTO = 16
"""r' at most where the prompts will say it."""
WIDE = 512
"""Components of embeddings where nothing says how many."""


class Sizes:
    """Sizes of a plan's data; ``assumed`` is what of it nobody knows yet, in words.

    Args:
        plan: of the configuration.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.assumed: dict[str, None] = {}  # in order
        # Each is asked for by every run.
        self.n_images = cache(self._n_images)
        self.model = cache(self._model)
        self._classes = cache(self._count_classes)

    def _n_images(self, dataset: str) -> int:
        manifest = Path(self._plan.paths.manifest(dataset))
        try:
            return count_rows(manifest)
        except (LanzdmlError, OSError):
            pass
        source = self._plan.config.datasets[dataset].source(dataset)
        if not isinstance(source, OwnDataset) and not self._is_table(dataset):
            self.assume(f"{dataset} has {source.n_images:,} images, as nothing of it was read yet")
        return source.n_images

    def classes(self, dataset: str, columns: LabelColumns) -> NDArray[np.int64]:
        """How many images each class of some labels has: (classes,)."""
        return self._classes(dataset, str(columns), tuple(columns_of(columns)))

    def _count_classes(
        self, dataset: str, _: str, columns: tuple[tuple[str, str], ...]
    ) -> NDArray[np.int64]:
        names, manifest = [name for name, _ in columns], Path(self._plan.paths.manifest(dataset))
        for file in (manifest, self._table(dataset)):
            if file is not None and file.is_file():
                try:
                    sizes = class_sizes(read_labels(file, [*columns]))
                except (LanzdmlError, OSError, KeyError, ValueError):
                    continue
                return sizes.to_numpy(np.int64)
        if len(names) == 1 and (known := known_counts(dataset, names[0])) is not None:
            return known.to_numpy(np.int64)
        n, n_images = 1, self.n_images(dataset)
        for name in names:
            n *= self._n_aspects(dataset, name)
        n = max(1, min(n, n_images // 2))
        return np.full(n, n_images // n, np.int64)

    def _n_aspects(self, dataset: str, column: str) -> int:
        """Distinct aspects of the notion whose labels a column holds: about as many classes."""
        for name in self._plan.notions_of(dataset):
            given = self._prompts[dataset].get(name, {})
            if column in [name, self._plan.notions[dataset, name].labels] and given.get("aspects"):
                self.assume(f"{dataset} has as many classes by {column} as aspects, equally large")
                return len(given["aspects"])
        self.assume(f"{dataset} has {FEW} classes by {column}")
        return FEW

    def n_prompts(self, dataset: str, name: str) -> int:
        """How many prompts a notion, or one of its wordings, has."""
        given = self._prompts[dataset].get(name)
        if given is None:
            return FEW
        if given["parts"]:
            return sum(self.n_prompts(dataset, part) for part in given["parts"])
        if given["labels"]:
            return len(self.classes(dataset, given["labels"]))
        return len(given["aspects"]) * len(given["ensemble"] or [""])

    @cached_property
    def _prompts(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {
            dataset: {
                source["name"]: source
                for source in (
                    *self._plan.prompt_sources(dataset),
                    *self._plan.wording_sources(dataset),
                )
            }
            for dataset in self._plan.config.datasets
        }

    def width(self, model: str) -> int:
        """Components of a model's embeddings."""
        return self.model(model).width or WIDE

    def _model(self, name: str) -> ModelSize:
        """A model's parameters and work an image."""
        architecture = self._plan.config.models[name].architecture
        try:
            config = read_architecture(architecture) if architecture else None
        except LanzdmlError:
            config = None
        size = size_of(config)
        if architecture and not size.is_known:
            self.assume(f"{name} takes as long an image, and is as large, as ViT-B/32")
        if not size.width:
            self.assume(f"{name} has embeddings of {WIDE} components")
        return size

    @staticmethod
    def dim(dim: Dim | None, width: int, n_prompts: int) -> int:
        """r' as a number."""
        if dim is None:
            return width
        return max(1, min(n_prompts - 1, AUTO)) if isinstance(dim, str) else dim

    def _is_table(self, dataset: str) -> bool:
        return self._table(dataset) is not None

    def _table(self, dataset: str) -> Path | None:
        """A file with a row an image and a column a notion, if the dataset is one."""
        settings = self._plan.config.datasets[dataset]
        path = settings.labels or settings.root
        found = Path(path) if path else None
        return found if found and found.is_file() and found.suffix == ".parquet" else None

    def assume(self, what: str) -> None:
        """Note what is told with an estimate, as nobody knows it yet."""
        self.assumed.setdefault(what)


def pairs_of(classes: NDArray[np.int64]) -> int:
    """Ordered pairs of images of one class."""
    return int((classes.astype(np.float64) ** 2).sum())


def in_all(classes: NDArray[np.int64]) -> int:
    """Images that have a label."""
    return int(classes.sum())
