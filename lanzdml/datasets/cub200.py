"""cub200: Caltech-UCSD Birds-200-2011, its second half of classes (paper appendix 2.3)."""

import logging
from pathlib import Path

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.errors import LanzdmlError

_log = logging.getLogger(__name__)
ARCHIVES = ("CUB_200_2011.tgz", "CUB_200_2011.tar.gz", "CUB_200_2011.zip")
FILES = ("images.txt", "image_class_labels.txt", "classes.txt", *ARCHIVES)
IMAGES = ("images/*/*.jpg",)  # listed by their folders where there is no images.txt
LAST_TRAIN_CLASS = 100
PUBLISHED = raw.Published(
    total=11_788,
    unit="images",
    images=5_924,
    classes={"bird_species": 100},
)
MATCHED_IMAGES = 4_462  # with a label of bird_species_case_matched


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of all images of classes 101 to 200, in the order of the archive's list.

    ``bird_species_case_matched`` is the species again, but only where the file's name begins with
    it: the authors' code finds an image's class this way, and the two differ in case for many
    (``Red_Eyed_Vireo_0001_156749.jpg`` is in ``154.Red_eyed_Vireo``).

    Args:
        root: the archive's folder ``CUB_200_2011``, or one that holds it or its archive. Where the
            lists ``images.txt``, ``image_class_labels.txt`` and ``classes.txt`` are not there, the
            folders ``images/<nnn.Class_name>/`` tell the classes.

    Raises:
        LanzdmlError: a file is missing, or a line of a list is wrong.
    """
    folder = raw.require("cub200", root, "images", ARCHIVES)
    classes, images = _read_collection(folder)
    test = [(name, number) for name, number in images if number > LAST_TRAIN_CLASS]
    image_ids = [Path(name).stem for name, _ in test]
    species = [classes[number] for _, number in test]
    manifest = raw.make_manifest(
        image_ids,
        raw.image_rows("cub200", root, [f"images/{name}" for name, _ in test], ARCHIVES),
        {
            "bird_species": species,
            "bird_species_case_matched": [
                name if image.startswith(name.replace(" ", "_")) else None
                for image, name in zip(image_ids, species, strict=True)
            ],
        },
    )
    raw.check_published("cub200", len(images), manifest, PUBLISHED)
    matched = int(manifest["bird_species_case_matched"].notna().sum())
    if len(images) == PUBLISHED.total and matched != MATCHED_IMAGES:
        # No error: the paper protocol does not need it.
        _log.warning(
            "cub200: %s images match the names of their classes, but %s in the authors' code: the "
            "released protocol is not quite theirs", f"{matched:,}", f"{MATCHED_IMAGES:,}",
        )  # fmt: skip
    train = (name for number, name in classes.items() if number <= LAST_TRAIN_CLASS)
    raw.check_prompts("cub200", "cub200_species.txt", train)
    return manifest


def _read_collection(folder: Path) -> tuple[dict[int, str], list[tuple[str, int]]]:
    """Class number to species, and (path below images/, class number) of every image."""
    if not (folder / "images.txt").is_file():
        return _read_folders(folder / "images")
    classes = {number: _species(name) for number, name in _read_list(folder / "classes.txt")}
    labels = dict(_read_list(folder / "image_class_labels.txt"))
    images = []
    for image, name in _read_list(folder / "images.txt"):
        number = labels.get(image, "")
        if not number.isdecimal() or int(number) not in classes:
            raise LanzdmlError(
                f"{folder / 'image_class_labels.txt'}: image {image} ({name}) has no class that "
                f"is in classes.txt, but {number!r}"
            )
        images.append((name, int(number)))
    return classes, images


def _read_folders(folder: Path) -> tuple[dict[int, str], list[tuple[str, int]]]:
    classes, images = {}, []
    for path in sorted(folder.iterdir()):
        number = path.name.partition(".")[0]
        if not (path.is_dir() and number.isdecimal()):
            continue
        classes[int(number)] = _species(path.name)
        images += [
            (f"{path.name}/{image.name}", int(number))
            for image in sorted(path.glob("*.jpg"))
            if not image.name.startswith(".")  # what macOS leaves beside files
        ]
    return classes, images


def _read_list(path: Path) -> list[tuple[int, str]]:
    """Lines of a number and a value."""
    rows = []
    for position, line in enumerate(raw.read_lines(path), start=1):
        number, _, value = line.partition(" ")
        if not (number.isdecimal() and value):
            raise LanzdmlError(f"{path}, line {position}: {line!r:.100} is no number and a value")
        rows.append((int(number), value))
    return rows


def _species(class_name: str) -> str:
    """``001.Black_footed_Albatross`` is a Black footed Albatross."""
    return class_name.partition(".")[2].replace("_", " ")
