"""cars196: Stanford Cars, its second half of classes (paper appendix 2.2).

Known in two layouts: all images in ``car_ims/`` with ``cars_annos.mat``, and ``cars_train/`` and
``cars_test/`` with a devkit. The halves of metric learning are halves of the classes, whichever
folder an image is in.
"""

import io
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from lanzdml.datasets import csv_file, raw
from lanzdml.datasets.matlab import check_sizes
from lanzdml.errors import LanzdmlError, in_one_line

FIRST_TEST_CLASS = 98  # of 196, counted from 0
# Facts about the 196 classes, which the original annotation has in their names only.
CLASSES_FILE = Path(__file__).with_name("cars196_classes.csv")
COLORS_FILE = "car_color.csv"
PUBLISHED = raw.Published(
    total=16_185,
    unit="images",
    images=8_131,
    classes={"car_model": 98, "manufacturer": 35, "car_type": 7},
)
_WHOLE, _WHOLE_ANNOTATION = "car_ims", "cars_annos.mat"
_HALVES = {"cars_train": "cars_train_annos.mat", "cars_test": "cars_test_annos_withlabels.mat"}
_DEVKIT = ("car_devkit.tgz", "car_devkit.zip", "devkit.zip")
_META = "cars_meta.mat"
_PACKED = (".tgz", ".tar.gz", ".zip")
FILES = (
    COLORS_FILE, _WHOLE_ANNOTATION, *_HALVES.values(), _META, *_DEVKIT,
    *(folder + suffix for folder in (_WHOLE, *_HALVES) for suffix in _PACKED),
)  # fmt: skip

_HDF5, _USER_BLOCK = b"\x89HDF\r\n\x1a\n", 512  # MATLAB 7.3 puts a text of that size before
_Images = list[tuple[str, int]]  # name as <folder>/<file>, class counted from 0


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of the images of classes 98 to 195, in the annotation's order or by class.

    ``car_color`` is read from ``car_color.csv`` beside the images' folder, with the columns
    ``image`` (such as ``car_ims/008055.jpg``) and ``car_color``: the authors' labels were never
    published. An image without a row, or every one where there is no such file, has no colour.

    Args:
        root: the folder of one of the two layouts, or one that holds it or its archives.

    Raises:
        LanzdmlError: a file is missing or broken, or the classes are not those of Cars196.
    """
    classes = pd.read_csv(CLASSES_FILE, dtype="str", keep_default_na=False)
    images = _read_images(root, classes["class_name"].tolist())
    test = [(name, number) for name, number in images if number >= FIRST_TEST_CLASS]
    names, rows = [name for name, _ in test], classes.iloc[[number for _, number in test]]
    folder = raw.locate(root, COLORS_FILE)
    colors = _read_colors(folder / COLORS_FILE, {name for name, _ in images}) if folder else {}
    manifest = raw.make_manifest(
        [str(PurePosixPath(name).with_suffix("")) for name in names],
        _paths(root, names),
        {
            "car_model": rows["class_name"].tolist(),
            "manufacturer": rows["manufacturer"].tolist(),
            "car_type": rows["car_type"].tolist(),
            "car_color": [colors.get(name) or None for name in names],
        },
    )
    raw.check_published("cars196", len(images), manifest, PUBLISHED)
    return manifest


def _paths(root: Path, names: list[str]) -> list[str]:
    """Paths of images; each of the collection's folders may be somewhere else."""
    paths: dict[str, str] = {}
    for folder in sorted({name.partition("/")[0] for name in names}):
        part = [name for name in names if name.startswith(f"{folder}/")]
        paths |= zip(part, raw.image_rows("cars196", root, part, _archives(folder)), strict=True)
    return [paths[name] for name in names] or raw.image_rows("cars196", root, names)


def _archives(folder: str) -> list[str]:
    return [folder + suffix for suffix in _PACKED]


def _read_images(root: Path, class_names: list[str]) -> _Images:
    """All images of the layout that is there, and a check of its class names and numbers."""
    whole = raw.locate(root, _WHOLE_ANNOTATION)
    if whole and raw.locate(root, _WHOLE, _archives(_WHOLE)):
        path = whole / _WHOLE_ANNOTATION
        images = _read_annotation(path, "relative_im_path")
        _check_class_names(path, class_names)
    else:
        images = _read_halves(root, class_names)
    outside = [name for name, number in images if not 0 <= number < len(class_names)]
    if outside:
        raise LanzdmlError(f"cars196: {outside[0]} has a class that is not 1 to {len(class_names)}")
    return images


def _read_halves(root: Path, class_names: list[str]) -> _Images:
    if root.is_dir() and not any(raw.locate(root, folder, _archives(folder)) for folder in _HALVES):
        raise LanzdmlError(
            f"cars196: {root} has neither {_WHOLE}/ with {_WHOLE_ANNOTATION} nor cars_train/ and "
            f"cars_test/ with a devkit; {raw.LAYOUTS} shows both layouts"
        )
    images = []
    for folder, annotation in _HALVES.items():
        path = raw.require("cars196", root, annotation, _DEVKIT) / annotation
        images += [(f"{folder}/{name}", number) for name, number in _read_annotation(path, "fname")]
    if meta := raw.locate(root, _META, _DEVKIT):
        _check_class_names(meta / _META, class_names)
    return sorted(images, key=lambda image: (image[1], image[0]))


def _read_annotation(path: Path, name_field: str) -> _Images:
    """The struct array ``annotations`` of a MATLAB file; its classes count from 1."""
    annotations = _load(path, "annotations")
    if not {name_field, "class"} <= set(annotations.dtype.names or ()):
        raise LanzdmlError(
            f"{path}: annotations have no fields {name_field!r} and 'class' of names and numbers"
        )
    images = []
    for position, row in enumerate(annotations, start=1):
        name, number = row[name_field], row["class"]
        if not (isinstance(name, str) and name and _is_whole(number)):
            raise LanzdmlError(
                f"{path}: {name_field!r} and 'class' of annotation {position} are not a name and a "
                "whole number"
            )
        raw.check_name(name, f"{path}, annotation {position}")
        images.append((str(name), int(number) - 1))
    return images


def _is_whole(value: object) -> bool:
    number = np.asarray(value)
    return number.shape == () and number.dtype.kind in "iuf" and float(number).is_integer()


def _check_class_names(path: Path, class_names: list[str]) -> None:
    names = [str(name).strip() for name in _load(path, "class_names")]
    if len(names) != len(class_names):
        raise LanzdmlError(f"{path} names {len(names)} classes, not {len(class_names)}")
    for number, (name, expected) in enumerate(zip(names, class_names, strict=True)):
        if name != expected:
            raise LanzdmlError(
                f"{path}: class {number} is {name!r}, but {expected!r} in {CLASSES_FILE.name}"
            )


def _load(path: Path, variable: str) -> np.ndarray:
    from scipy.io import loadmat

    content = raw.read_file(path)
    if _HDF5 in content[: _USER_BLOCK + len(_HDF5)]:
        raise LanzdmlError(
            f"{path} is a file of MATLAB 7.3 (HDF5), which is not read, and the original is none: "
            "load it in MATLAB and save it with -v7"
        )
    try:
        check_sizes(content)
        found = loadmat(io.BytesIO(content), squeeze_me=True, variable_names=[variable])
    except Exception as error:  # any that its parser stumbles over: SciPy checks little
        raise LanzdmlError(
            f"{path} is no annotation of Cars196, or a damaged one: {in_one_line(error)}"
        ) from None
    if variable not in found:
        raise LanzdmlError(f"{path} is no annotation of Cars196: no {variable}")
    return np.atleast_1d(found[variable])


def _read_colors(path: Path, images: set[str]) -> dict[str, str]:
    """Image name to colour, of some of the collection's images."""
    table = csv_file.read_csv(path, "image")
    if not {"image", "car_color"} <= set(table):
        found = raw.shown(", ".join(table))
        raise LanzdmlError(f"{path} needs the columns image and car_color, not {found}")
    repeated = table["image"][table["image"].duplicated()]
    if len(repeated):
        raise LanzdmlError(f"{path}: image {repeated.iloc[0]!r} occurs twice")
    unknown = [name for name in table["image"] if name not in images]
    if unknown:
        raise LanzdmlError(
            f"{path}: {unknown[0]!r} is no image of the collection (unknown: {len(unknown):,} of "
            f"{len(table):,}); they are called as {min(images)!r} is"
        )
    return dict(zip(table["image"], table["car_color"], strict=True))
