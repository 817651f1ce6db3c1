"""Datasets: each module reads one collection from its original files into a manifest.

A dataset is a module of this package with one function::

    def read_manifest(root: Path) -> pandas.DataFrame

that returns the manifest with all of the dataset's notions (see :mod:`lanzdml.datasets.manifest`),
and one entry in :data:`DATASETS`. Its root is a folder or a file of the dataset's own; an archive
has been unpacked before. What the function looks for in a folder, whether it has to be there or
not, is in the module's ``FILES`` and, if it lists images itself, ``IMAGES``, as patterns for
:func:`lanzdml.datasets.raw.look_up`: when that changes, a manifest is made anew.

A dataset can be downloaded where its authors' archive has a stable public address and a published
checksum, which we hold or which lies beside it. What is not registered is read by
:mod:`lanzdml.datasets.own`, with a table of the user's, or by
:mod:`lanzdml.datasets.from_torchvision`, with a class of torchvision's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lanzdml.datasets.download import Download
from lanzdml.datasets.kinds import AnyDataset, Dataset, OwnDataset, TorchvisionDataset

__all__ = [
    "DATASETS", "AnyDataset", "Dataset", "OwnDataset", "TorchvisionDataset", "files_read",
    "find_dataset", "images_listed",
]  # fmt: skip


def find_dataset(
    name: str, labels: str | None = None, torchvision: Mapping[str, Any] | None = None
) -> AnyDataset:
    """The registered dataset of this name, or the one that a table of labels or torchvision makes.

    Args:
        name: of the dataset.
        labels: path of a table of the user's own.
        torchvision: a class, ``dataset``, and its ``notions`` (:class:`TorchvisionDataset`).
    """
    if torchvision is not None:
        return TorchvisionDataset(torchvision["dataset"], torchvision["notions"])
    return DATASETS[name] if labels is None else OwnDataset(Path(labels))


def files_read(dataset: AnyDataset, root: Path, linked: Sequence[str] = ()) -> list[Path]:
    """The files beside images, and tables of the user's, that a manifest is made of.

    Those that are there now, so that one that comes later is seen to be new; and that may be read,
    as by ``read_manifest``.
    """
    return [root] if root.is_file() else _look_up(dataset, root, linked, "FILES")


def images_listed(dataset: AnyDataset, root: Path, linked: Sequence[str] = ()) -> list[Path]:
    """The images of a reader that lists folders; none of one that goes by a file."""
    return _look_up(dataset, root, linked, "IMAGES")


def _look_up(dataset: AnyDataset, root: Path, linked: Sequence[str], kind: str) -> list[Path]:
    from lanzdml.datasets.raw import look_up

    return look_up(root, dataset.patterns(kind), linked)


DATASETS: dict[str, Dataset] = {
    "demo_cars": Dataset(
        "lanzdml.datasets.demo_cars",
        ("car_model", "car_color", "background_color", "any_color"),
        1000,
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
        (
            *("bird_species", "bird_species_case_matched"),
            *("primary_color", "upperparts_color", "underparts_color", "crown_color"),
            *("bill_shape", "shape", "size", "wing_pattern"),
        ),
        5924,
        download=Download(
            url="https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
            file="CUB_200_2011.tgz",
            holds="images/001.Black_footed_Albatross",
            md5="97eceeb196236b17998738112f37df78",
            n_bytes=1_100_000_000,
        ),
    ),
    "deepfashion": Dataset(
        "lanzdml.datasets.deepfashion", ("clothing_category", "texture", "fabric", "fit"), 4000
    ),
    "movie_posters": Dataset(
        "lanzdml.datasets.movie_posters", ("genre", "production_country", "genres"), 8052
    ),
    "stanford40": Dataset("lanzdml.datasets.stanford40", ("action", "location", "mood"), 9532),
    "clevr4": Dataset(
        "lanzdml.datasets.clevr4",
        ("texture", "shape", "color", "count"),
        10_000,
        download=Download(
            url="https://thor.robots.ox.ac.uk/clevr4/clevr_4_10k_v1.zip",
            file="clevr_4_10k_v1.zip",
            holds="clevr_4_annots.json",
            sums="SHA512SUMS",
            n_bytes=3_800_000_000,
        ),
    ),
}
