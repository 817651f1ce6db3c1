"""Datasets: each module reads one collection from its original files into a manifest.

A dataset is a module of this package with one function::

    def read_manifest(root: Path) -> pandas.DataFrame

that returns the manifest with all of the dataset's notions (see :mod:`lanzdml.manifest`), and one
entry in :data:`DATASETS`. Its root is a folder or a file of the dataset's own; an archive has been
unpacked before.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """A registered dataset: its module, the notions that it has labels for, our files about it."""

    module: str
    notions: tuple[str, ...]
    resources: tuple[str, ...] = ()  # relative to the repository

    def read_manifest(self, root: Path) -> "pd.DataFrame":
        """The manifest of a collection; the module is imported here.

        Raises:
            LanzdmlError: the collection is not there or not what is expected.
        """
        return import_module(self.module).read_manifest(root)


DATASETS: dict[str, Dataset] = {
    "demo_cars": Dataset(
        "lanzdml.datasets.demo_cars", ("car_model", "car_color", "background_color")
    ),
    "synthetic_cars": Dataset(
        "lanzdml.datasets.synthetic_cars", ("car_model", "car_color", "background_color")
    ),
    "cars196": Dataset(
        "lanzdml.datasets.cars196",
        ("car_model", "manufacturer", "car_type", "car_color"),
        resources=("resources/cars196_classes.csv",),
    ),
    "cub200": Dataset("lanzdml.datasets.cub200", ("bird_species", "bird_species_case_matched")),
    "deepfashion": Dataset(
        "lanzdml.datasets.deepfashion", ("clothing_category", "texture", "fabric", "fit")
    ),
    "movie_posters": Dataset("lanzdml.datasets.movie_posters", ("genre", "production_country")),
}
