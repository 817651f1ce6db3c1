"""Datasets: each module reads one collection from its original files into a manifest.

A dataset is a module of this package with one function::

    def read_manifest(root: Path) -> pandas.DataFrame

that returns the manifest with all of the dataset's notions (see :mod:`lanzdml.datasets.manifest`),
and one entry in :data:`DATASETS`. Its root is a folder or a file of the dataset's own; an archive
has been unpacked before. What the function looks for in a folder, whether it has to be there or
not, is in the module's ``FILES`` and, if it lists images itself, ``IMAGES``, as patterns for
:func:`lanzdml.datasets.raw.look_up`: when that changes, a manifest is made anew.

A dataset can be downloaded where its authors' archive has a stable public address and a published
checksum. What is not registered is read by :mod:`lanzdml.datasets.own`, with a table of the user's.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lanzdml.datasets.download import Download
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
    download: ClassVar[Download | None] = None

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


def find_dataset(name: str, labels: str | None) -> Dataset | OwnDataset:
    """The registered dataset of this name, or the one that a table of labels makes."""
    return DATASETS[name] if labels is None else OwnDataset(Path(labels))


def files_read(dataset: Dataset | OwnDataset, root: Path, linked: Sequence[str] = ()) -> list[Path]:
    """The files beside images, and a table of the user's, that a manifest is made of.

    Those that are there now, so that one that comes later is seen to be new; and that may be read,
    as by ``read_manifest``.
    """
    return [root] if root.is_file() else _look_up(dataset, root, linked, "FILES")


def images_listed(
    dataset: Dataset | OwnDataset, root: Path, linked: Sequence[str] = ()
) -> list[Path]:
    """The images of a reader that lists folders; none of one that goes by a file."""
    return _look_up(dataset, root, linked, "IMAGES")


def _look_up(
    dataset: Dataset | OwnDataset, root: Path, linked: Sequence[str], kind: str
) -> list[Path]:
    from lanzdml.datasets.raw import look_up

    return look_up(root, getattr(import_module(dataset.module), kind, ()), linked)


DATASETS: dict[str, Dataset] = {
    "demo_cars": Dataset(
        "lanzdml.datasets.demo_cars", ("car_model", "car_color", "background_color"), 1000
    ),
    "synthetic_cars": Dataset(
        "lanzdml.datasets.synthetic_cars", ("car_model", "car_color", "background_color"), 1000
    ),
    "cars196": Dataset(
        "lanzdml.datasets.cars196",
        ("car_model", "manufacturer", "car_type", "car_color"),
        8131,
        resources=(Path(__file__).with_name("cars196_classes.csv"),),
    ),
    "cub200": Dataset(
        "lanzdml.datasets.cub200",
        ("bird_species", "bird_species_case_matched"),
        5924,
        download=Download(
            url="https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
            file="CUB_200_2011.tgz",
            md5="97eceeb196236b17998738112f37df78",
            holds="images/001.Black_footed_Albatross",
        ),
    ),
    "deepfashion": Dataset(
        "lanzdml.datasets.deepfashion", ("clothing_category", "texture", "fabric", "fit"), 4000
    ),
    "movie_posters": Dataset(
        "lanzdml.datasets.movie_posters", ("genre", "production_country"), 8052
    ),
}
