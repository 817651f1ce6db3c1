"""Datasets: each module reads one collection from its original files into a manifest.

A dataset is a module of this package with one function::

    def read_manifest(root: Path, notions: list[str]) -> pandas.DataFrame

that returns the manifest (see :mod:`lanzdml.manifest`), and one line in :data:`DATASETS`.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DATASETS: dict[str, str] = {
    "demo_cars": "lanzdml.datasets.demo_cars",
}


def manifest_reader(dataset: str) -> "Callable[[Path, list[str]], pd.DataFrame]":
    """The ``read_manifest`` function of a dataset; its module is imported here."""
    return import_module(DATASETS[dataset]).read_manifest
