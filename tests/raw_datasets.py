"""Builds each dataset small in its original format, with the manifest that must come of it.

Every builder takes an empty folder, fills it as the published archives do when they are unpacked
there, and returns the expected manifest with all of the dataset's notions. Among the images are the
kinds that real collections hold: CMYK, palette, grey, transparent and EXIF-rotated ones.
"""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from lanzdml.datasets import cars196
from lanzdml.datasets.cub200_attributes import GROUPS

EXIF_ORIENTATION, ROTATED_RIGHT = 0x0112, 6

# A record of the posters' metadata as MongoDB's shell prints it.
RECORD = """{{
	"_id" : ObjectId("57{number:022x}"),
	"Title" : "{title}",
	"Plot" : "One line
and \\"another\\" }} {{ line",
	"Genre" : {genre},
	"Country" : {country},
	"imdbID" : "{imdb_id}",
	"Box_office" : null
}}
"""


def save_image(path: Path, kind: str = "rgb", size: tuple[int, int] = (12, 8)) -> None:
    """Write an image of a kind; what it shows depends on its name alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(path.name.encode())
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    options = {}
    if kind == "rotated":
        options["exif"] = image.getexif()
        options["exif"][EXIF_ORIENTATION] = ROTATED_RIGHT
    modes = {"cmyk": "CMYK", "palette": "P", "grey": "L", "transparent": "RGBA"}
    file_format = "PNG" if kind in ("palette", "transparent") else "JPEG"
    # Collections hold PNGs that are called .jpg, so the format does not go by the name.
    image.convert(modes.get(kind, "RGB")).save(path, file_format, **options)


def save_truncated(path: Path) -> None:
    """Write the first half of a JPEG."""
    save_image(path, size=(64, 64))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def save_bomb(path: Path, side: int = 30_000) -> None:
    """Write a PNG of a few kilobytes that decodes to side x side white pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    compressor = zlib.compressobj(1)
    row = b"\0" + b"\xff" * ((side + 7) // 8)
    rows = b"".join(compressor.compress(row * 1000) for _ in range(side // 1000))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", rows + compressor.flush())
        + chunk(b"IEND", b"")
    )


def frame(columns: list[str], rows: list[tuple]) -> pd.DataFrame:
    """A table of strings and nulls."""
    return pd.DataFrame(rows, columns=columns, dtype="str")


def several(values: list[tuple[str, ...] | None]) -> pd.Series:
    """A column of several values an image."""
    return pd.Series(values, dtype=object if any(values) else "str")


def build_demo_cars(root: Path) -> pd.DataFrame:
    """One parquet file with encoded images."""
    save_image(root / "a.png", "palette")
    manifest = pd.DataFrame(
        [("0", (root / "a.png").read_bytes(), b"mask", "suv", "red", "blue")],
        columns=["image_id", "image", "mask", "car_model", "car_color", "background_color"],
    )
    manifest.to_parquet(root / "test.parquet", index=False)
    return manifest.assign(any_color=several([("blue", "red")]))


def build_synthetic_cars(root: Path) -> pd.DataFrame:
    """Five frames out of order, one of them after the first thousand."""
    rows = [
        # frame, model, car: hue, sat, val, background: hue, sat, val
        (3, "tesla", 0.5, 2, 2, 0.5, 0, 2),  # pure red on white
        (1, "enzo", 0.5 + 1 / 3, 2, 1, 0.5, 0, 1),  # half green on grey
        (1001, "megane", 0.5, 2, 2, 0.5, 0, 2),
        (2, "enzo", 1 / 6, 2, 2, 0.1, 0.5, 0),  # blue on black
        (10, "megane", 0, 2, 2, 0.5 + 0.65 / 6, 2, 2),  # hue runs around: aqua on orange
    ]
    columns = "frame,model,color_hue,color_sat,color_val,bg_color_hue,bg_color_sat,bg_color_val"
    lines = [columns, *(",".join(map(str, row)) for row in rows)]
    (root / "cars.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number, kind in ((1, "palette"), (2, "transparent"), (3, "rgb"), (10, "grey"), (1001, "")):
        save_image(root / f"cars/{number}.png", kind)
    return frame(
        ["image_id", "path", "car_model", "car_color", "background_color"],
        [
            ("1", "cars/1.png", "enzo", "green", "gray"),
            ("2", "cars/2.png", "enzo", "blue", "black"),
            ("3", "cars/3.png", "tesla", "red", "white"),
            ("10", "cars/10.png", "megane", "aqua", "orange"),
        ],
    )


def build_synthetic_cars_release(root: Path) -> pd.DataFrame:
    """The same frames as they were released, with numbers as Blender writes them."""
    manifest = build_synthetic_cars(root)
    (root / "cars.csv").rename(root / "samples.csv")
    (root / "cars").rename(root / "images")
    for path in (root / "images").iterdir():
        path.rename(path.with_stem(f"{int(path.stem):04}"))
    save_image(root / "images/10000.png")
    return manifest.assign(path=[f"images/{int(number):04}.png" for number in manifest["image_id"]])


def class_names() -> list[str]:
    """The 196 class names of Cars196 in their order."""
    return pd.read_csv(cars196.CLASSES_FILE)["class_name"].tolist()


def save_annotations(path: Path, name_field: str, images: list[tuple[str, int]], **more) -> None:
    """Write the struct array ``annotations``, with the fields of the original in their order."""
    from scipy.io import savemat

    boxes = ["bbox_x1", "bbox_x2", "bbox_y1", "bbox_y2"]
    if name_field == "fname":
        fields = [*boxes, "class", "fname"]
    else:
        fields = ["relative_im_path", *boxes, "class", "test"]
    annotations = np.zeros((1, len(images)), dtype=[(field, "O") for field in fields])
    for position, (name, number) in enumerate(images):
        for field in fields:
            value = {name_field: name, "class": np.uint8(number)}.get(field, np.uint8(1))
            annotations[0, position][field] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": annotations, **more})


def cell(names: list[str]) -> np.ndarray:
    """A MATLAB cell array of strings."""
    array = np.empty((1, len(names)), dtype=object)
    array[0, :] = names
    return array


CAR_COLUMNS = ["image_id", "path", "car_model", "manufacturer", "car_type", "car_color"]
ABARTH = ("FIAT 500 Abarth 2012", "FIAT", "hatchback")
SMART = ("smart fortwo Convertible 2012", "smart", "convertible")


def build_cars196(root: Path) -> pd.DataFrame:
    """All images in one folder: two classes of the training half and two of the test half."""
    images = [(1, 1), (8054, 98), (8055, 99), (8056, 99), (16185, 196)]
    save_annotations(
        root / "cars_annos.mat",
        "relative_im_path",
        [(f"car_ims/{image:06}.jpg", number) for image, number in images],
        class_names=cell(class_names()),
    )
    for (image, _), kind in zip(images, ("", "", "cmyk", "grey", "rotated"), strict=True):
        save_image(root / f"car_ims/{image:06}.jpg", kind)
    (root / "car_color.csv").write_text(
        "image,car_color\ncar_ims/000001.jpg,red\ncar_ims/008055.jpg,black\n"
        'car_ims/008056.jpg,\ncar_ims/016185.jpg," "\n'
    )
    return frame(
        CAR_COLUMNS,
        [
            ("car_ims/008055", "car_ims/008055.jpg", *ABARTH, "black"),
            ("car_ims/008056", "car_ims/008056.jpg", *ABARTH, None),
            ("car_ims/016185", "car_ims/016185.jpg", *SMART, None),
        ],
    )


def build_cars196_split(root: Path) -> pd.DataFrame:
    """The same collection as train and test folders, each with images of both halves."""
    train = [("00001.jpg", 196), ("00002.jpg", 1), ("00003.jpg", 99)]
    test = [("00001.jpg", 99), ("00002.jpg", 98)]
    save_annotations(root / "devkit/cars_train_annos.mat", "fname", train)
    save_annotations(root / "cars_test_annos_withlabels.mat", "fname", test)
    from scipy.io import savemat

    savemat(root / "devkit/cars_meta.mat", {"class_names": cell(class_names())})
    for folder, images in (("cars_train", train), ("cars_test", test)):
        for name, _ in images:
            save_image(root / folder / name)
    return frame(
        CAR_COLUMNS,
        [
            ("cars_test/00001", "cars_test/00001.jpg", *ABARTH, None),
            ("cars_train/00003", "cars_train/00003.jpg", *ABARTH, None),
            ("cars_train/00001", "cars_train/00001.jpg", *SMART, None),
        ],
    )


def build_cub200(root: Path) -> pd.DataFrame:
    """The archive's folder with its lists; file names and class names differ in case."""
    classes = {
        1: "001.Black_footed_Albatross", 100: "100.Brown_Pelican", 101: "101.White_Pelican",
        120: "120.Fox_Sparrow", 154: "154.Red_eyed_Vireo",
    }  # fmt: skip
    images = [
        ("Black_Footed_Albatross_0046_18", 1), ("Brown_Pelican_0001_93811", 100),
        ("White_Pelican_0002_96422", 101), ("White_Pelican_0001_97316", 101),
        ("Fox_Sparrow_0011_114887", 120), ("Fox_Sparrow_0025_114555", 120),
        ("Red_Eyed_Vireo_0001_156749", 154),
    ]  # fmt: skip
    folder = root / "CUB_200_2011"
    folder.mkdir()
    names = [f"{classes[number]}/{image}.jpg" for image, number in images]
    (folder / "classes.txt").write_text(
        "".join(f"{number} {name}\n" for number, name in classes.items())
    )
    (folder / "images.txt").write_text(
        "".join(f"{position} {name}\n" for position, name in enumerate(names, start=1))
    )
    (folder / "image_class_labels.txt").write_text(
        "".join(f"{position} {number}\n" for position, (_, number) in enumerate(images, start=1))
    )
    for name, kind in zip(names, ("", "", "grey", "cmyk", "", "rotated", ""), strict=True):
        save_image(folder / "images" / name, kind)
    (root / "attributes.txt").write_text(
        "".join(f"{number} {name}\n" for number, name in enumerate(BIRD_ATTRIBUTES, start=1))
    )
    (folder / "attributes").mkdir()
    (folder / "attributes/image_attribute_labels.txt").write_text("".join(attribute_lines(7)))
    rows = [(image, classes[number].partition(".")[2], number) for image, number in images[2:]]
    manifest = frame(
        ["image_id", "path", "bird_species", "bird_species_case_matched"],
        [
            (
                image,
                f"CUB_200_2011/images/{number}.{name}/{image}.jpg",
                name.replace("_", " "),
                None if name == "Red_eyed_Vireo" else name.replace("_", " "),
            )
            for image, name, number in rows
        ],
    )
    for notion in GROUPS:
        values = BIRD_VALUES.get(notion, {})
        manifest[notion] = several([values.get(image) for image in range(3, 8)])
    return manifest


# Of the original's 312, in its order; the last is of a group that is no notion.
BIRD_ATTRIBUTES = [
    "has_bill_shape::curved_(up_or_down)", "has_bill_shape::dagger", "has_upperparts_color::blue",
    "has_underparts_color::blue", "has_size::very_large_(32_-_72_in)", "has_size::small_(5_-_9_in)",
    "has_shape::duck-like", "has_primary_color::blue", "has_primary_color::black",
    "has_primary_color::buff", "has_crown_color::red", "has_wing_pattern::multi-colored",
    "has_eye_color::black",
]  # fmt: skip
# Image and attribute, counted from 1, to whether it is there and how certain that is.
BIRD_LABELS = {
    (1, 8): (1, 4), (2, 9): (1, 4),  # of the training half
    (3, 8): (1, 3), (3, 10): (1, 4), (3, 9): (0, 4), (3, 1): (1, 4), (3, 5): (1, 4),
    (4, 8): (1, 2), (4, 10): (1, 1), (4, 2): (1, 3), (4, 13): (1, 4),
    (5, 9): (1, 3), (5, 1): (1, 4), (5, 2): (1, 4), (5, 6): (1, 4), (5, 12): (1, 4),
    (7, 9): (1, 4), (7, 8): (1, 4), (7, 7): (1, 4),
}  # fmt: skip
BIRD_VALUES = {
    "primary_color": {3: ("blue", "buff"), 5: ("black",), 7: ("black", "blue")},
    "bill_shape": {3: ("curved",), 4: ("dagger",), 5: ("curved", "dagger")},
    "shape": {7: ("duck-like",)},
    "size": {3: ("very large",), 5: ("small",)},
    "wing_pattern": {5: ("multi-colored",)},
}


def attribute_lines(n_images: int) -> list[str]:
    """A line for each image and attribute; those of one image have two fields more."""
    lines = []
    for image in range(1, n_images + 1):
        for attribute in range(1, len(BIRD_ATTRIBUTES) + 1):
            present, certainty = BIRD_LABELS.get((image, attribute), (0, 3))
            more = " 0 1.509" if image == 3 else ""
            lines.append(f"{image} {attribute} {present} {certainty} 27.7080{more}\n")
    return lines


ATTRIBUTE_NAMES = [
    "floral", "graphic", "striped", "embroidered", "pleated", "solid", "lattice", "long_sleeve",
    "short_sleeve", "sleeveless", "maxi_length", "mini_length", "no_dress", "crew_neckline",
    "v_neckline", "square_neckline", "no_neckline", "denim", "chiffon", "cotton", "leather", "faux",
    "knit", "tight", "loose", "conventional",
]  # fmt: skip


def build_deepfashion(root: Path) -> pd.DataFrame:
    """Fine annotation with all 26 attributes and three categories."""
    categories = ["Anorak", "Button-Down", "Tee"]
    images = [
        "img/Blouse/img_00000003.jpg", "img/Anorak/img_00000001.jpg", "img/Tee/img_2.jpg",
        "img/Tee/img_4.jpg",
    ]  # fmt: skip
    present = [
        {"striped", "pleated", "cotton", "tight"}, {"maxi_length"}, {"solid", "loose"}, {"floral"},
    ]  # fmt: skip
    folder = root / "Anno_fine"
    folder.mkdir()

    def write_list(name: str, header: str, names: list[str], gap: str) -> None:
        lines = [str(len(names)), header, *(f"{value}{gap}1" for value in names)]
        (folder / name).write_text("\n".join(lines) + "\n")

    write_list("list_category_cloth.txt", "category_name\tcategory_type", categories, "\t\t")
    write_list("list_attr_cloth.txt", "attribute_name  attribute_type", ATTRIBUTE_NAMES, "   ")
    (folder / "test.txt").write_text("\n".join(images))
    (folder / "test_cate.txt").write_text("2\n1\n3\n3\n")
    rows = [" ".join(str(int(name in names)) for name in ATTRIBUTE_NAMES) for names in present]
    (folder / "test_attr.txt").write_text("".join(f"{row} \n" for row in rows))
    for name, kind in zip(images, ("rotated", "cmyk", "", ""), strict=True):
        save_image(root / "Img" / name, kind)
    labels = [
        ("Button-Down", "striped + pleated", "cotton", "tight"),
        ("Anorak", "none", "none", "none"),
        ("Tee", "solid", "none", "loose"),
        ("Tee", "floral", "none", "none"),
    ]
    return frame(
        ["image_id", "path", "clothing_category", "texture", "fabric", "fit"],
        [(name, f"Img/{name}", *row) for name, row in zip(images, labels, strict=True)],
    )


def build_movie_posters(root: Path) -> pd.DataFrame:
    """Three years of metadata in three encodings; :data:`EXCLUDED_POSTERS` are left out."""
    years = {
        "1980": ("latin-1", [
            ("tt0000009", "Café", '"Comedy, Drama"', '"USA, UK"'),
            ("tt0000002", "Missing", '"Horror"', '"USA"'),
            ("tt0000003", "Truncated", '"Horror"', '"USA"'),
        ]),
        "1981": ("utf-16", [
            ("tt0000001", "Señor 東京", '"N/A"', '"West Germany, Japan"'),
            ("tt0000009", "Café, again", '"Drama"', '"UK"'),
            ("tt0000004", "Bomb", '"Action"', '"France"'),
            ("tt0000005", "Text", '"Action"', '"France"'),
        ]),
        "1982": ("utf-8", [
            ("tt0000006", "Čtyři", "null", '"Czech Republic"'),
            ("tt0000007", "CMYK", '"Sci-Fi"', '""'),
            ("", "Nameless", '"Sci-Fi"', '"USA"'),
        ]),
    }  # fmt: skip
    (root / "groundtruth").mkdir()
    for year, (encoding, records) in years.items():
        text = "".join(
            RECORD.format(number=number, title=title, genre=genre, country=country, imdb_id=imdb_id)
            for number, (imdb_id, title, genre, country) in enumerate(records)
        )
        (root / f"groundtruth/{year}.txt").write_bytes(text.encode(encoding))
    posters = root / "Movie_Poster_Dataset"
    for name, kind in (
        ("1980/tt0000009", ""), ("1981/tt0000001", "palette"), ("1982/tt0000006", "rotated"),
        ("1982/tt0000007", "cmyk"), ("1982/tt0000008", ""), ("1981/tt0000009", "grey"),
    ):  # fmt: skip
        save_image(posters / f"{name}.jpg", kind)
    save_truncated(posters / "1980/tt0000003.jpg")
    save_bomb(posters / "1981/tt0000004.jpg")
    (posters / "1981/tt0000005.jpg").write_text("404 not found")
    (posters / "1981/._tt0000001.jpg").write_bytes(b"\0\5\26\7")
    return frame(
        ["image_id", "path", "genre", "production_country"],
        [
            ("tt0000001", "Movie_Poster_Dataset/1981/tt0000001.jpg", "N/A", "West Germany"),
            ("tt0000006", "Movie_Poster_Dataset/1982/tt0000006.jpg", None, "Czech Republic"),
            ("tt0000007", "Movie_Poster_Dataset/1982/tt0000007.jpg", "Sci-Fi", None),
            ("tt0000009", "Movie_Poster_Dataset/1980/tt0000009.jpg", "Comedy", "USA"),
        ],
    ).assign(genres=several([("N/A",), None, ("Sci-Fi",), ("Comedy", "Drama")]))


STANFORD40 = [
    # image, split, location, mood
    ("riding_a_bike_010.jpg", "train", "urban_area_or_city_street", None),
    ("riding_a_bike_002.jpg", "test", "natural_environment", "adventurous"),
    ("applauding_001.jpg", "test", "-1", "joyful"),
    ("applauding_284.jpg", "train", "public_event_or_gathering", "joyful"),
    ("watching_TV_003.jpg", "test", None, "relaxed"),
    ("watching_TV_004.jpg", "train", "residential_area", "relaxed"),
]


def build_stanford40(root: Path) -> pd.DataFrame:
    """Three actions with lists of both splits, and the labels that others made."""
    splits = root / "ImageSplits"
    splits.mkdir(parents=True)
    actions = {image: image.rpartition("_")[0] for image, *_ in STANFORD40}
    lines = [f"{action}\t2" for action in sorted(set(actions.values()))]
    (splits / "actions.txt").write_text("\n".join(["action_name\tnumber_of_images", *lines, ""]))
    for name, members in (
        (
            f"{prefix}{split}.txt",
            [image for image, of, *_ in STANFORD40 if of == split and image.startswith(prefix)],
        )
        for split in ("train", "test")
        for prefix in ("", *(f"{action}_" for action in set(actions.values())))
    ):
        (splits / name).write_text("".join(f"{image}\n" for image in members))
    for column, notion in ((2, "location"), (3, "mood")):
        rows = [f"{row[0]} {row[column]}\n" for row in STANFORD40 if row[column]]
        (root / f"{notion}.txt").write_text("".join(rows))
    for (image, *_), kind in zip(STANFORD40, ("", "grey", "cmyk", "rotated", "", ""), strict=True):
        save_image(root / "JPEGImages" / image, kind)

    def words(label: str | None) -> str | None:
        return None if label in (None, "-1") else label.replace("_", " ")

    return frame(
        ["image_id", "path", "action", "location", "mood"],
        [
            (
                image.removesuffix(".jpg"), f"JPEGImages/{image}", words(actions[image]),
                words(location), words(mood),
            )
            for image, _, location, mood in sorted(STANFORD40)
        ],
    )  # fmt: skip


CLEVR4_SCENES = [
    # name, texture, shape, color, count, split
    ("CLEVR_new_000102", "rubber", "monkey", "cyan", 10, "val"),
    ("CLEVR_new_000007", "emojis", "torus", "gray", 1, "train"),
    ("CLEVR_new_000031", "star", "star", "pink", 3, "train"),
    ("CLEVR_new_000030", "chessboard", "gear", "gray", 3, "train"),
]


def build_clevr4(root: Path) -> pd.DataFrame:
    """Four scenes of both splits, in another order than that of their names."""
    keys = ("texture", "shape", "color", "count", "split")
    annotation = {name: dict(zip(keys, values, strict=True)) for name, *values in CLEVR4_SCENES}
    root.mkdir(exist_ok=True)
    (root / "clevr_4_annots.json").write_text(json.dumps(annotation))
    for (name, *_), kind in zip(CLEVR4_SCENES, ("transparent", "palette") * 2, strict=True):
        save_image(root / f"images/{name}.png", kind)
    return frame(
        ["image_id", "path", *keys[:4]],
        [
            (name, f"images/{name}.png", texture, shape, color, str(count))
            for name, texture, shape, color, count, _ in sorted(CLEVR4_SCENES)
        ],
    )


# image, folder and the beginning of the reason of each row that build_movie_posters leaves out
EXCLUDED_POSTERS = [
    ("tt0000002", None, "no poster"),
    ("tt0000003", "1980", "unreadable poster: "),
    ("tt0000004", "1981", "unreadable poster: it has more than "),
    ("tt0000005", "1981", "unreadable poster: it is no image"),
    ("tt0000008", "1982", "no record"),
    ("tt0000009", "1981", "duplicate: record 2 of 1981.txt"),
    (None, None, "no imdbID: record 3 of 1982.txt"),
]

# Dataset, and for those with more than one layout a word about it, to its builder.
BUILDERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "demo_cars": build_demo_cars,
    "synthetic_cars": build_synthetic_cars,
    "synthetic_cars release": build_synthetic_cars_release,
    "cars196": build_cars196,
    "cars196 split": build_cars196_split,
    "cub200": build_cub200,
    "deepfashion": build_deepfashion,
    "movie_posters": build_movie_posters,
    "stanford40": build_stanford40,
    "clevr4": build_clevr4,
}
