"""cub200: Caltech-UCSD Birds-200-2011, its second half of classes (paper appendix 2.3)."""

import logging
from pathlib import Path

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.datasets.cub200_attributes import LABELS, PLACES, no_attributes, read_attributes
from lanzdml.errors import LanzdmlError

_log = logging.getLogger(__name__)
ARCHIVES = ("CUB_200_2011.tgz", "CUB_200_2011.tar.gz", "CUB_200_2011.zip")
FILES = ("images.txt", "image_class_labels.txt", "classes.txt", LABELS, *PLACES, *ARCHIVES)
IMAGES = ("images/*/*.[jJ][pP][gG]",)  # listed by their folders where there is no images.txt
LAST_TRAIN_CLASS = 100
PUBLISHED = raw.Published(
    total=11_788,
    unit="images",
    images=5_924,
    classes={"bird_species": 100},
)
MATCHED = (4_462, 75)  # images and classes of bird_species_case_matched


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of all images of classes 101 to 200, in the order of the archive's list.

    ``bird_species_case_matched`` is the species again, but only where the file's name begins with
    it: the authors' code finds an image's class this way, and the two differ in case for many
    (``Red_Eyed_Vireo_0001_156749.jpg`` is in ``154.Red_eyed_Vireo``).

    The notions of attributes have the values that a worker found probably or definitely, none or
    several an image (:mod:`lanzdml.datasets.cub200_attributes`).

    Args:
        root: the archive's folder ``CUB_200_2011``, or one that holds it or its archive. Where the
            lists ``images.txt``, ``image_class_labels.txt`` and ``classes.txt`` are not there, the
            folders ``images/<nnn.Class_name>/`` tell the classes.

    Raises:
        LanzdmlError: a file is missing, or a line of a list is wrong.
    """
    folder = raw.require("cub200", root, "images", ARCHIVES)
    classes, images = _read_collection(folder)
    test = {image: of for image, of in images.items() if of[1] > LAST_TRAIN_CLASS}
    image_ids = [Path(name).stem for name, _ in test.values()]
    species = [_species(classes[number]) for _, number in test.values()]
    listed = (folder / "images.txt").exists()  # else nothing says which image has which number
    attributes = (
        read_attributes(folder, root, [*test], [*images]) if listed else no_attributes(len(test))
    )
    manifest = raw.make_manifest(
        image_ids,
        raw.image_rows("cub200", root, [f"images/{name}" for name, _ in test.values()], ARCHIVES),
        {
            "bird_species": species,
            "bird_species_case_matched": [
                name if image.startswith(name.replace(" ", "_")) else None
                for image, name in zip(image_ids, species, strict=True)
            ],
        },
        attributes,
    )
    raw.check_published("cub200", len(images), manifest, PUBLISHED)
    matched = manifest["bird_species_case_matched"]
    found = (int(matched.notna().sum()), matched.nunique())
    if len(images) == PUBLISHED.total and found != MATCHED:
        # No error: the paper protocol does not need it.
        _log.warning(
            "cub200: %s images of %s classes match the names of their classes, but %s of %s in the "
            "authors' code: the released protocol is not quite theirs",
            *(f"{number:,}" for number in (*found, *MATCHED)),
        )
    train = (_species(name) for number, name in classes.items() if number <= LAST_TRAIN_CLASS)
    raw.check_prompts("cub200", "cub200_species.txt", train)
    return manifest


def _read_collection(folder: Path) -> tuple[dict[int, str], dict[int, tuple[str, int]]]:
    """Class number to its folder, and image number to its path below images/ and its class.

    Images are numbered as the list does or, without one, from 1.
    """
    if not (folder / "images.txt").exists():
        return _read_folders(folder / "images")
    classes = _read_list(folder / "classes.txt")
    labels = _read_list(folder / "image_class_labels.txt")
    images = {}
    for image, name in _read_list(folder / "images.txt").items():
        said = labels.get(image, "")
        number = raw.number_of(said)
        if number not in classes:
            raise LanzdmlError(
                f"{folder / 'image_class_labels.txt'}: image {image} ({name}) has no class that "
                f"is in classes.txt, but {said!r:.100}"
            )
        if name.partition("/")[0] != classes[number]:
            raise LanzdmlError(
                f"{folder / 'image_class_labels.txt'}: image {image} ({name}) has class {number}, "
                f"which is {classes[number]}: the lists do not belong together"
            )
        images[image] = (name, number)
    return classes, images


def _read_folders(folder: Path) -> tuple[dict[int, str], dict[int, tuple[str, int]]]:
    classes, images = {}, []
    for path in sorted(folder.iterdir()):
        number = raw.number_of(path.name.partition(".")[0])
        if number is None or not path.is_dir():
            continue
        classes[number] = path.name
        images += [
            (f"{path.name}/{image.name}", number)
            for image in sorted(path.glob("*.[jJ][pP][gG]"))
            if not image.name.startswith(".")  # what macOS leaves beside files
        ]
    return classes, dict(enumerate(images, start=1))


def _read_list(path: Path) -> dict[int, str]:
    """Lines of a number and a value."""
    rows: dict[int, str] = {}
    for position, line in enumerate(raw.read_lines(path), start=1):
        columns = line.split(maxsplit=1)
        number = raw.number_of(columns[0]) if len(columns) == 2 else None
        if number is None:
            raise LanzdmlError(f"{path}, line {position}: {line!r:.100} is no number and a value")
        if number in rows:
            raise LanzdmlError(f"{path}, line {position}: number {number} is there already")
        raw.check_name(columns[1], f"{path}, line {position}")
        rows[number] = columns[1]
    return rows


def _species(class_name: str) -> str:
    """``001.Black_footed_Albatross`` is a Black footed Albatross."""
    return class_name.partition(".")[2].replace("_", " ")
