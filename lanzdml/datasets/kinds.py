"""The kinds of datasets: registered ones, a user's own, and those that torchvision reads.

All are used alike. What reads one is imported when it does, by the name of its module, so that the
fingerprint of a manifest has that of its own reader only.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from lanzdml.datasets.download import Download, checksum_of, download
from lanzdml.datasets.inside import Places, reading

if TYPE_CHECKING:
    import pandas as pd

    from lanzdml.datasets.summary import Summary


@dataclass(frozen=True)
class Dataset:
    """A registered dataset: its module, its notions, our files about it, where to download it.

    ``n_images`` are about as many as are evaluated: what is planned goes by it, no result.
    """

    module: str
    notions: tuple[str, ...]
    n_images: int
    resources: tuple[Path, ...] = ()
    download: Download | None = None

    has_images: ClassVar[bool] = True
    tables: ClassVar[tuple[Path, ...]] = ()

    @property
    def fetched(self) -> str | None:
        """What a download brings, in words; None where there is none."""
        return self.download.file if self.download else None

    def is_fetched(self, file: Path, root: Path) -> bool:
        """Whether a download makes a file that the manifest is made of."""
        return self.download is not None and file == root / self.download.file

    def patterns(self, kind: str) -> Sequence[str]:
        """The reader's ``FILES`` or ``IMAGES``."""
        return getattr(import_module(self.module), kind, ())

    def fetch(self, name: str, root: Path, linked: Sequence[str] = ()) -> dict[str, str | int]:
        """Download the archive where the collection is not there; the record of what is there.

        Raises:
            LanzdmlError: see :func:`lanzdml.datasets.download.download`.
        """
        from lanzdml.datasets.raw import locate

        source = self.download
        assert source is not None, "the configuration lets no other be downloaded"
        if folder := locate(root, source.holds):
            print(f"{name}: nothing to download, {folder} holds {source.holds}")
            return {"folder": str(folder)}
        file = download(name, source, root, linked)
        checksum, size = checksum_of(name, source, root, linked), file.stat().st_size
        print(f"{name}: {file} is complete, {size:,} bytes")
        sums = {"sums": str(root / source.sums), "sums_url": source.sums_url} if source.sums else {}
        record = {"url": source.url, "file": str(file), checksum.kind: checksum.digits}
        return record | sums | {"bytes": size}

    def read_manifest(self, root: Path, linked: Sequence[str] = ()) -> "pd.DataFrame":
        """The manifest of a collection; the module is imported here.

        Args:
            root: where it is.
            linked: folders elsewhere that links in the root may lead to.

        Raises:
            LanzdmlError: the collection is not there or not what is expected, or a file of it is
                elsewhere (:mod:`lanzdml.datasets.inside`).
        """
        from lanzdml.datasets.manifest import PATH

        places = Places(root, linked)
        with reading(places):
            manifest = import_module(self.module).read_manifest(root)
        if PATH in manifest:
            for path in manifest[PATH].dropna():
                places.check(os.path.join(root, path))
        return manifest


@dataclass(frozen=True)
class OwnDataset:
    """A dataset of the user's own, which is used as a registered one is: see docs/your-own.md."""

    table: Path

    module: ClassVar[str] = "lanzdml.datasets.own"
    resources: ClassVar[tuple[Path, ...]] = ()
    fetched: ClassVar[str | None] = None

    @property
    def tables(self) -> tuple[Path, ...]:
        """Files that the configuration names, wherever they are."""
        return (self.table,)

    @property
    def notions(self) -> tuple[str, ...]:
        """The notions that the table has a column for.

        Raises:
            LanzdmlError: the table cannot be read, or its columns are not as they should be.
        """
        return self._summary.columns

    @property
    def labelled(self) -> tuple[str, ...]:
        """Those of which any image has a label.

        Raises:
            LanzdmlError: as :attr:`notions`.
        """
        return self._summary.labelled

    @property
    def lists(self) -> tuple[str, ...]:
        """Those in whose columns an image may have several values, as they hold lists.

        Raises:
            LanzdmlError: as :attr:`notions`.
        """
        return self._summary.lists

    @property
    def n_images(self) -> int:
        """How many images the table lists.

        Raises:
            LanzdmlError: as :attr:`notions`.
        """
        return self._summary.n_images

    @property
    def has_images(self) -> bool:
        """Whether the table lists images, and not their labels only.

        Raises:
            LanzdmlError: as :attr:`notions`.
        """
        return self._summary.has_images

    @property
    def _summary(self) -> "Summary":
        from lanzdml.datasets.summary import summarise

        return summarise(self.table)

    def patterns(self, kind: str) -> Sequence[str]:
        """None: all that it is made of is the table and the images in it."""
        return ()

    def is_fetched(self, file: Path, root: Path) -> bool:
        """Never."""
        return False

    def read_manifest(self, root: Path, linked: Sequence[str] = ()) -> "pd.DataFrame":
        """The manifest of the images in the table.

        Args:
            root: the folder that paths are relative to.
            linked: folders elsewhere that links in the root may lead to.

        Raises:
            LanzdmlError: the table or an image is not there or not what is expected, or an image or
                a mask is elsewhere (:mod:`lanzdml.datasets.inside`).
        """
        return import_module(self.module).read_manifest(root, self.table, linked)


@dataclass(frozen=True)
class TorchvisionDataset:
    """A dataset of torchvision's, which is used as a registered one is: see docs/datasets.md.

    ``notions`` have ``arguments`` of the class and ``classes``, the path of a table, or None.
    """

    dataset: str
    sources: Mapping[str, Mapping[str, Any]]

    module: ClassVar[str] = "lanzdml.datasets.from_torchvision"
    resources: ClassVar[tuple[Path, ...]] = ()
    has_images: ClassVar[bool] = True
    # Nobody knows before they are read; most have as many, and no result goes by it.
    n_images: ClassVar[int] = 10_000

    @property
    def notions(self) -> tuple[str, ...]:
        """Those that the configuration names."""
        return tuple(self.sources)

    @property
    def tables(self) -> tuple[Path, ...]:
        """The tables of classes."""
        named = (source["classes"] for source in self.sources.values())
        return tuple(Path(table) for table in dict.fromkeys(named) if table is not None)

    @property
    def fetched(self) -> str | None:
        """What a download brings, in words; None where there is none."""
        nothing = import_module(self.module).FOLDERS
        return None if self.dataset == nothing else f"torchvision's {self.dataset}"

    def is_fetched(self, file: Path, root: Path) -> bool:
        """Whether a download makes a file that the manifest is made of."""
        return file.is_relative_to(root)

    def patterns(self, kind: str) -> Sequence[str]:
        """The class's files beside the images, or images that it lists itself."""
        layout = import_module(self.module).CLASSES[self.dataset]
        return layout.files if kind == "FILES" else layout.images

    def fetch(self, name: str, root: Path, linked: Sequence[str] = ()) -> dict[str, str | int]:
        """Have torchvision download what is not there; the record of what is there.

        Raises:
            LanzdmlError: see :func:`lanzdml.datasets.from_torchvision.fetch`.
        """
        version = import_module(self.module).fetch(root, self.dataset, self.sources, linked)
        print(f"{name}: {'complete' if version else 'nothing to download'}, {root} holds it")
        by = {"torchvision": version} if version else {}
        return {"folder": str(root), "dataset": self.dataset, **by}

    def read_manifest(self, root: Path, linked: Sequence[str] = ()) -> "pd.DataFrame":
        """The manifest of a collection; the module, and torchvision, is imported here.

        Args:
            root: the folder that torchvision is given.
            linked: folders elsewhere that links in it may lead to.

        Raises:
            LanzdmlError: see :func:`lanzdml.datasets.from_torchvision.read_manifest`.
        """
        return import_module(self.module).read_manifest(root, self.dataset, self.sources, linked)


AnyDataset: TypeAlias = Dataset | OwnDataset | TorchvisionDataset
