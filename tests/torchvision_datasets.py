"""Builds collections small, as torchvision expects them on the disk, with the manifest of each.

Every builder takes an empty folder, the root, and returns the expected manifest; what the
configuration says of the collection is in :data:`SECTIONS`.
"""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io
from PIL import Image

from tests.raw_datasets import frame, save_image

ROOT = Path(__file__).parents[1]
CLASSES = ROOT / "resources" / "classes"
SPLIT = {"split": "test"}
TEST = {"train": False}


def section(dataset, notions, **arguments):
    """As :func:`lanzdml.datasets.find_dataset` takes it."""
    resolved = {
        name: {"arguments": arguments | of.get("arguments", {}), "classes": of.get("classes")}
        for name, of in notions.items()
    }
    return {"dataset": dataset, "notions": resolved}


SECTIONS = {
    "FGVCAircraft": section(
        "FGVCAircraft",
        {
            level: {"arguments": {"annotation_level": level}}
            for level in ("variant", "family", "manufacturer")
        },
        **SPLIT,
    ),
    "OxfordIIITPet": section(
        "OxfordIIITPet",
        {"breed": {}}
        | {
            notion: {"classes": str(CLASSES / "oxford_pets.csv")}
            for notion in ("species", "cat_breed", "dog_breed")
        },
        **SPLIT,
    ),
    "Flowers102": section(
        "Flowers102", {"flower": {"classes": str(CLASSES / "flowers102.csv")}}, **SPLIT
    ),
    "Food101": section("Food101", {"food": {}}, **SPLIT),
    "DTD": section("DTD", {"texture": {}}, **SPLIT, partition=1),
    "CIFAR100": section(
        "CIFAR100", {"fine": {}, "coarse": {"classes": str(CLASSES / "cifar100.csv")}}, **TEST
    ),
    "CIFAR10": section("CIFAR10", {"kind": {}}, **TEST),
    "EuroSAT": section("EuroSAT", {"land": {}}),
    "GTSRB": section("GTSRB", {"sign": {}}, **SPLIT),
    "SUN397": section("SUN397", {"scene": {}}),
    "Country211": section("Country211", {"country": {}}, **SPLIT),
    "STL10": section("STL10", {"kind": {}}, **SPLIT),
    "ImageFolder": section("ImageFolder", {"kind": {}}),
}


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def build_aircraft(root: Path) -> pd.DataFrame:
    """Three levels of labels, each in a file of its own; a name with blanks and a slash."""
    data = root / "fgvc-aircraft-2013b/data"
    rows = {
        "0900914": ("Boeing 717", "Boeing 717", "Boeing"),
        "1340192": ("F/A-18", "F/A-18", "McDonnell Douglas"),
        "0056978": ("737-300", "Boeing 737", "Boeing"),
    }
    plurals = {"variant": "variants", "family": "families", "manufacturer": "manufacturers"}
    for at, (level, plural) in enumerate(plurals.items()):
        write(data / f"{plural}.txt", *sorted({labels[at] for labels in rows.values()}))
        lines = [f"{image} {labels[at]}" for image, labels in rows.items()]
        write(data / f"images_{level}_test.txt", *lines)
    paths = {image: f"fgvc-aircraft-2013b/data/images/{image}.jpg" for image in sorted(rows)}
    for path in paths.values():
        save_image(root / path)
    return frame(
        ["image_id", "path", *plurals],
        [(path, path, *rows[image]) for image, path in paths.items()],
    )


def build_pets(root: Path) -> pd.DataFrame:
    """Cats, whose files have upper case, and dogs, whose files have none."""
    folder = root / "oxford-iiit-pet"
    rows = [
        ("Abyssinian_201", "1 1 1", "Abyssinian"),
        ("american_bulldog_203", "2 2 1", "American Bulldog"),
        ("british_shorthair_1", "3 1 2", "British Shorthair"),
        ("pug_4", "4 2 2", "Pug"),
        ("american_bulldog_3", "2 2 1", "American Bulldog"),
    ]
    write(folder / "annotations/test.txt", *(f"{name} {numbers}" for name, numbers, _ in rows))
    for name, _, _ in rows:
        save_image(folder / f"images/{name}.jpg")
    return frame(
        ["image_id", "path", "breed", "species", "cat_breed", "dog_breed"],
        [
            (
                path := f"oxford-iiit-pet/images/{name}.jpg",
                path,
                breed,
                "dog" if (is_dog := breed in ("American Bulldog", "Pug")) else "cat",
                None if is_dog else breed,
                breed if is_dog else None,
            )
            for name, _, breed in sorted(rows)
        ],
    )


def build_flowers(root: Path) -> pd.DataFrame:
    """Numbers of images by split, and of classes by image, in files of MATLAB's."""
    folder = root / "flowers-102"
    folder.mkdir(parents=True)
    scipy.io.savemat(folder / "setid.mat", {"trnid": [[1]], "valid": [[2]], "tstid": [[4, 3]]})
    scipy.io.savemat(folder / "imagelabels.mat", {"labels": [[1, 1, 77, 102]]})
    for number in range(1, 5):
        save_image(folder / f"jpg/image_{number:05d}.jpg")
    return frame(
        ["image_id", "path", "flower"],
        [
            (path := f"flowers-102/jpg/image_{number:05d}.jpg", path, flower)
            for number, flower in ((3, "passion flower"), (4, "blackberry lily"))
        ],
    )


def build_food(root: Path) -> pd.DataFrame:
    """A JSON file of the images of each class."""
    names = {"pad_thai": ["pad_thai/5", "pad_thai/11"], "apple_pie": ["apple_pie/7"]}
    meta = root / "food-101/meta"
    meta.mkdir(parents=True)
    (meta / "test.json").write_text(json.dumps(names))
    rows = [("apple_pie/7", "apple pie"), ("pad_thai/11", "pad thai"), ("pad_thai/5", "pad thai")]
    for name, _ in rows:
        save_image(root / f"food-101/images/{name}.jpg")
    return frame(
        ["image_id", "path", "food"],
        [(path := f"food-101/images/{name}.jpg", path, label) for name, label in rows],
    )


def build_textures(root: Path) -> pd.DataFrame:
    """Ten partitions, of which one is there."""
    folder = root / "dtd/dtd"
    names = ["polka-dotted/polka-dotted_0001.jpg", "banded/banded_0002.jpg"]
    write(folder / "labels/test1.txt", *names)
    for name in names:
        save_image(folder / "images" / name)
    return frame(
        ["image_id", "path", "texture"],
        [
            (path := f"dtd/dtd/images/{name}", path, name.partition("/")[0])
            for name in sorted(names)
        ],
    )


def pixels(n: int, size: int) -> np.ndarray:
    """(n, 3, size, size) levels."""
    return np.random.default_rng(0).integers(0, 256, (n, 3, size, size), dtype=np.uint8)


def build_cifar(root: Path, name: str, monkeypatch) -> list[np.ndarray]:
    """Pickles of arrays, with the checksums that torchvision is told; (32, 32, 3) images."""
    from torchvision import datasets

    kind = getattr(datasets, name)
    images = pixels(3, 32)
    labels = {"CIFAR100": "fine_labels", "CIFAR10": "labels"}[name]
    # CIFAR-100's classes in their order, or some of CIFAR-10's.
    classes = {
        "CIFAR100": [
            line.partition(",")[0].replace(" ", "_")
            for line in (CLASSES / "cifar100.csv").read_text().splitlines()[1:]
        ],
        "CIFAR10": ["airplane", "automobile", "bird"],
    }[name]
    batch = {"data": images.reshape(3, -1), labels: [2, 0, 1]}
    folder = root / kind.base_folder
    folder.mkdir(parents=True)

    def dump(file, content):
        data = pickle.dumps(content, protocol=2)
        (folder / file).write_bytes(data)
        return hashlib.md5(data).hexdigest()

    for files in ("train_list", "test_list"):
        sums = [[file, dump(file, batch)] for file, _ in getattr(kind, files)]
        monkeypatch.setattr(kind, files, sums)
    md5 = dump(kind.meta["filename"], {kind.meta["key"]: classes})
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": md5})
    return list(images.transpose(0, 2, 3, 1))


def build_stl(root: Path, monkeypatch) -> list[np.ndarray]:
    """Bytes of images, column by column, and of labels that count from 1."""
    from torchvision.datasets import STL10

    images = pixels(2, 96)
    folder = root / "stl10_binary"
    write(folder / "class_names.txt", "airplane", "bird")
    contents = {
        "X": np.ascontiguousarray(images.transpose(0, 1, 3, 2)).tobytes(),
        "y": bytes([2, 1]),
    }
    for files in ("train_list", "test_list"):
        sums = []
        for file, _ in getattr(STL10, files):
            data = contents[file[-5]]
            (folder / file).write_bytes(data)
            sums.append([file, hashlib.md5(data).hexdigest()])
        monkeypatch.setattr(STL10, files, sums)
    return list(images.transpose(0, 2, 3, 1))


def in_folders(notion: str, paths: dict[str, str]):
    """A builder of images in folders that tell their classes."""

    def build(root: Path) -> pd.DataFrame:
        for path in paths:
            save_image(root / path)
        rows = [(path, path, label) for path, label in sorted(paths.items())]
        return frame(["image_id", "path", notion], rows)

    return build


def build_signs(root: Path) -> pd.DataFrame:
    """A CSV with numbers of classes, which have no names."""
    rows = {"00001.ppm": "1", "00000.ppm": "16"}
    write(
        root / "gtsrb/GT-final_test.csv",
        "Filename;Width;Height;ClassId",
        *(f"{file};12;8;{number}" for file, number in rows.items()),
    )
    folder = "gtsrb/GTSRB/Final_Test/Images"
    for file in rows:
        (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(1, 8)[0].transpose(1, 2, 0)).save(root / folder / file)
    return frame(
        ["image_id", "path", "sign"],
        [(path := f"{folder}/{file}", path, number) for file, number in sorted(rows.items())],
    )


def build_scenes(root: Path) -> pd.DataFrame:
    """Classes within classes."""
    expected = in_folders(
        "scene",
        {
            "SUN397/a/abbey/sun_b.jpg": "abbey",
            "SUN397/a/abbey/sun_a.jpg": "abbey",
            "SUN397/a/apse/indoor/sun_c.jpg": "apse/indoor",
        },
    )(root)
    write(root / "SUN397/ClassName.txt", "/a/abbey", "/a/apse/indoor")
    return expected


BUILDERS = {
    "FGVCAircraft": build_aircraft,
    "OxfordIIITPet": build_pets,
    "Flowers102": build_flowers,
    "Food101": build_food,
    "DTD": build_textures,
    "EuroSAT": in_folders(
        "land", {"eurosat/2750/SeaLake/b.jpg": "SeaLake", "eurosat/2750/Forest/c.jpg": "Forest"}
    ),
    "GTSRB": build_signs,
    "SUN397": build_scenes,
    "Country211": in_folders(
        "country", {"country211/test/FR/b.jpg": "FR", "country211/test/AD/a.jpg": "AD"}
    ),
    "ImageFolder": in_folders("kind", {"red_cars/1.jpg": "red cars", "blue/2.jpg": "blue"}),
}
ARRAYS = {
    "CIFAR100": (["baby", "apple", "aquarium fish"], ["people", "fruit and vegetables", "fish"]),
    "CIFAR10": (["bird", "airplane", "automobile"],),
    "STL10": (["bird", "airplane"],),
}
"""Labels of each notion, in the order of the images."""


def let_flowers_pass(root: Path, monkeypatch) -> None:
    """Tell torchvision the checksums of files that were built small."""
    from torchvision.datasets import Flowers102

    sums = {
        key: (file, hashlib.md5((root / "flowers-102" / file).read_bytes()).hexdigest())
        for key, (file, _) in Flowers102._file_dict.items()
        if key != "image"
    }
    monkeypatch.setattr(Flowers102, "_file_dict", Flowers102._file_dict | sums)


def build(name: str, root: Path, monkeypatch) -> pd.DataFrame | list[np.ndarray]:
    """A collection: its manifest or, where images are arrays, these."""
    if name == "STL10":
        return build_stl(root, monkeypatch)
    if name in ARRAYS:
        return build_cifar(root, name, monkeypatch)
    expected = BUILDERS[name](root)
    if name == "Flowers102":
        let_flowers_pass(root, monkeypatch)
    return expected
