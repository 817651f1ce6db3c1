"""deepfashion: Category and Attribute Prediction, fine annotation (paper appendix 2.4)."""

import logging
from pathlib import Path

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.errors import LanzdmlError

_log = logging.getLogger(__name__)
# A notion's values are the attributes of its group, of which an image of the original has one.
ATTRIBUTES = {
    "texture": ("floral", "graphic", "striped", "embroidered", "pleated", "solid", "lattice"),
    "fabric": ("denim", "chiffon", "cotton", "leather", "faux", "knit"),
    "fit": ("tight", "loose", "conventional"),
}
ARCHIVES = ("img.zip", "Img/img.zip", "Anno_fine.zip")
FILES = ("Anno_fine/*.txt", *ARCHIVES)
NO_ATTRIBUTE = "none"
PUBLISHED = raw.Published(
    total=4_000,
    unit="test images",
    images=4_000,
    # Nine of the 50 categories have no test image.
    classes={"clothing_category": 41, "texture": 7, "fabric": 6, "fit": 3},
)


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of the fine annotation's test images in the order of ``test.txt``.

    The label of an attribute notion is the image's whole set of attributes of that group, as in the
    released code: two images agree when their sets are equal. In the original annotation each image
    has exactly one of every group; a warning says where one has several, such as ``striped +
    pleated``, or ``none``.

    Args:
        root: the folder with ``Anno_fine/`` and ``img/`` (or ``Img/img/``), or one that holds it.

    Raises:
        LanzdmlError: a file is missing, a line of one is wrong, or two do not match.
    """
    folder = raw.require("deepfashion", root, "Anno_fine/test.txt", ARCHIVES) / "Anno_fine"
    images = [line.strip() for line in raw.read_lines(folder / "test.txt")]
    if "" in images:
        raise LanzdmlError(f"{folder / 'test.txt'}, line {images.index('') + 1}: is empty")
    for line, image in enumerate(images, start=1):
        raw.check_name(image, f"{folder / 'test.txt'}, line {line}")
    labels = {
        "clothing_category": _categories(folder, len(images)),
        **_attributes(folder, len(images)),
    }
    paths = raw.image_rows("deepfashion", root, images, ARCHIVES)
    manifest = raw.make_manifest(images, paths, labels)
    raw.check_published("deepfashion", len(images), manifest, PUBLISHED)
    return manifest


def _categories(folder: Path, n_images: int) -> list[str]:
    """Category names by the index in ``test_cate.txt``, which counts from 1."""
    names = _read_names(folder / "list_category_cloth.txt")
    raw.check_prompts("deepfashion", "deepfashion_categories.txt", names)
    path = folder / "test_cate.txt"
    labels = []
    for position, line in enumerate(_read_labels(path, n_images), start=1):
        number = raw.number_of(line) or 0
        if not 1 <= number <= len(names):
            raise LanzdmlError(
                f"{path}, line {position}: {line!r:.100} is no category, 1 to {len(names)}"
            )
        labels.append(names[number - 1])
    return labels


def _attributes(folder: Path, n_images: int) -> dict[str, list[str]]:
    """Labels of the attribute notions, by the columns of ``test_attr.txt``."""
    names_path, path = folder / "list_attr_cloth.txt", folder / "test_attr.txt"
    names = _read_names(names_path)
    for group in ATTRIBUTES.values():
        missing = [name for name in group if name not in names]
        if missing:
            raise LanzdmlError(
                f"{names_path} has no attribute {missing[0]!r}: is it the fine annotation?"
            )
    labels: dict[str, list[str]] = {notion: [] for notion in ATTRIBUTES}
    for position, line in enumerate(_read_labels(path, n_images), start=1):
        values = line.split()
        if len(values) != len(names) or not set(values) <= {"0", "1"}:
            raise LanzdmlError(f"{path}, line {position}: not {len(names)} zeros and ones")
        present = {name for name, value in zip(names, values, strict=True) if value == "1"}
        for notion, group in ATTRIBUTES.items():
            label = " + ".join(name for name in group if name in present)
            labels[notion].append(label or NO_ATTRIBUTE)
    for notion, group in ATTRIBUTES.items():
        odd = [line for line, label in enumerate(labels[notion], start=1) if label not in group]
        if odd:
            _log.warning(
                "deepfashion: %s of %s images have no %s or several, where the original annotation "
                "has one each; line %s of %s is the first. What an image has is one label, such as "
                "%r", f"{len(odd):,}", f"{n_images:,}", notion, odd[0], path,
                labels[notion][odd[0] - 1],
            )  # fmt: skip
    return labels


def _read_names(path: Path) -> list[str]:
    """Names of a list: their number, a line of column names, then a name and its type a line.

    Between columns are blanks or tabs, one or more.
    """
    lines = raw.read_lines(path)
    names = []
    for position, line in enumerate(lines[2:], start=3):
        columns = line.strip().rsplit(maxsplit=1)
        if len(columns) < 2:
            raise LanzdmlError(f"{path}, line {position}: {line!r} is no name and its type")
        names.append(columns[0])
    if not lines or lines[0].strip() != str(len(names)):
        raise LanzdmlError(f"{path}: its first line does not give the number of its names")
    return names


def _read_labels(path: Path, n_images: int) -> list[str]:
    lines = [line.strip() for line in raw.read_lines(path)]
    if len(lines) != n_images:
        raise LanzdmlError(f"{path} has {len(lines):,} lines, but test.txt has {n_images:,}")
    return lines
