"""deepfashion: Category and Attribute Prediction, fine annotation (paper appendix 2.4)."""

from pathlib import Path

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.errors import LanzdmlError

# A notion's values are the attributes of its group; an image can have several or none of them.
ATTRIBUTES = {
    "texture": ("floral", "graphic", "striped", "embroidered", "pleated", "solid", "lattice"),
    "fabric": ("denim", "chiffon", "cotton", "leather", "faux", "knit"),
    "fit": ("tight", "loose", "conventional"),
}
ARCHIVES = ("img.zip", "Img/img.zip", "Anno_fine.zip")
FILES = ("Anno_fine/*.txt", *ARCHIVES)
NO_ATTRIBUTE = "none"
PUBLISHED = raw.Published(total=4_000, unit="test images", images=4_000)


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of the fine annotation's test images in the order of ``test.txt``.

    The label of an attribute notion is the image's whole set of attributes of that group, such as
    ``striped + pleated``, or ``none``: two images agree when their sets are equal.

    Args:
        root: the folder with ``Anno_fine/`` and ``img/`` (or ``Img/img/``), or one that holds it.

    Raises:
        LanzdmlError: a file is missing, a line of one is wrong, or two do not match.
    """
    folder = raw.require("deepfashion", root, "Anno_fine/test.txt", ARCHIVES) / "Anno_fine"
    images = raw.read_lines(folder / "test.txt")
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
        if not (line.isdecimal() and 1 <= int(line) <= len(names)):
            raise LanzdmlError(
                f"{path}, line {position}: {line!r:.100} is no category, 1 to {len(names)}"
            )
        labels.append(names[int(line) - 1])
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
    return labels


def _read_names(path: Path) -> list[str]:
    """Names of a list: their number, a line of column names, then a name and its type a line."""
    lines = raw.read_lines(path)
    names = [line.rpartition(" ")[0].rstrip() for line in lines[2:]]
    if not lines or lines[0].strip() != str(len(names)) or not all(names):
        raise LanzdmlError(f"{path}: its first line does not give the number of its names")
    return names


def _read_labels(path: Path, n_images: int) -> list[str]:
    lines = [line.strip() for line in raw.read_lines(path)]
    if len(lines) != n_images:
        raise LanzdmlError(f"{path} has {len(lines):,} lines, but test.txt has {n_images:,}")
    return lines
