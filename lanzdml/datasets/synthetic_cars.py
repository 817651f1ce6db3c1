"""synthetic_cars: rendered cars with random colours (Kobs et al. 2021; paper appendix 2.1).

Known in two layouts, a table with one row a frame and a folder of frames: ``samples.csv`` and
``images/`` in the release, ``cars.csv`` and ``cars/`` in the code of the paper. A frame's file is
its number, which Blender pads with zeros: ``0001.png`` and ``1.png`` are both read.
"""

import colorsys
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lanzdml.datasets import csv_file, raw
from lanzdml.errors import LanzdmlError

N_FRAMES = 1000  # "the first 1000 images to speed up evaluation", of 100,000
ARCHIVES = ("3D cars dataset.zip",)
_FOLDERS = {"samples.csv": "images", "cars.csv": "cars"}  # table to the folder of its frames
FILES = (*_FOLDERS, *ARCHIVES)
PUBLISHED = raw.Published(
    total=N_FRAMES, unit="first frames", images=N_FRAMES, classes={"car_model": 6}
)
_MOST = 10**9  # of what a table says; numbers that no integer holds are none
_SUFFIXES = (".png", ".jpg", ".jpeg")

# The colours of CSS 2.1, section 4.3.6: 17 distinct ones, in the order of the released code.
CSS21_COLORS = {
    "orange": (255, 165, 0), "aqua": (0, 255, 255), "black": (0, 0, 0), "blue": (0, 0, 255),
    "fuchsia": (255, 0, 255), "green": (0, 128, 0), "gray": (128, 128, 128), "lime": (0, 255, 0),
    "maroon": (128, 0, 0), "navy": (0, 0, 128), "olive": (128, 128, 0), "purple": (128, 0, 128),
    "red": (255, 0, 0), "silver": (192, 192, 192), "teal": (0, 128, 128),
    "white": (255, 255, 255), "yellow": (255, 255, 0),
}  # fmt: skip
_HSV = {
    "car_color": ("color_hue", "color_sat", "color_val"),
    "background_color": ("bg_color_hue", "bg_color_sat", "bg_color_val"),
}


def nearest_color(levels: Sequence[int]) -> str:
    """The CSS 2.1 colour nearest to three levels of 8 bits, by squared distance.

    Of several that are equally near it is the last one in the order of :data:`CSS21_COLORS`, as in
    the released code: (64, 64, 64) is teal, and neither black nor gray.
    """
    return min(
        reversed(CSS21_COLORS),  # min takes the first of equal ones
        key=lambda name: sum(
            (level - channel) ** 2
            for level, channel in zip(levels, CSS21_COLORS[name], strict=True)
        ),
    )


def color_name(hue: float, saturation: float, value: float) -> str:
    """The CSS 2.1 colour nearest to a frame's parameters: see :func:`nearest_color`.

    Parameters become RGB, cut to whole levels, as in the released code. That code gives levels
    which are exactly those of a CSS 3 colour this colour's name; here they have one of the 17.
    """
    rgb = colorsys.hsv_to_rgb((hue + 0.5) % 1, 0.5 * saturation, 0.5 * value)
    return nearest_color([int(255 * channel) for channel in rgb])


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of frames 1 to 1000 in their order.

    Args:
        root: the folder of one of the two layouts, or one that holds it or its archive.

    Raises:
        LanzdmlError: a file or column is missing, a row of the table is wrong, or the frames'
            files cannot be told apart.
    """
    path = _find_table(root)
    table = _read_table(path)
    frames = table[table["frame"].between(1, N_FRAMES)].sort_values("frame")
    labels = {"car_model": frames["model"].tolist()}
    for notion, columns in _HSV.items():
        hsv = frames[list(columns)].itertuples(index=False)
        labels[notion] = [color_name(*values) for values in hsv]
    names = _find_frames(root, _FOLDERS[path.name], frames["frame"].tolist())
    manifest = raw.make_manifest(
        [str(frame) for frame in frames["frame"]],
        raw.image_rows("synthetic_cars", root, names, ARCHIVES),
        labels,
    )
    # By the first 1000 frames, so that who keeps no others has the complete collection, too.
    raw.check_published("synthetic_cars", min(len(table), N_FRAMES), manifest, PUBLISHED)
    return manifest


def _find_table(root: Path) -> Path:
    """The table of the layout that is there."""
    found = [folder / name for name in _FOLDERS if (folder := raw.locate(root, name, ARCHIVES))]
    if len(found) > 1:
        raise LanzdmlError(
            f"synthetic_cars: {found[0]} and {found[1]} are two layouts: delete one of them"
        )
    if not found and root.is_dir():
        raise LanzdmlError(
            f"synthetic_cars: there is neither {' nor '.join(_FOLDERS)} in {root}; {raw.LAYOUTS} "
            "shows both layouts"
        )
    return found[0] if found else raw.require("synthetic_cars", root, "samples.csv")


def _find_frames(root: Path, folder: str, frames: list[int]) -> list[str]:
    """The relative names of some frames' files, in any spelling that is one for all.

    Of a frame that is not there it is the name that it would have.
    """
    holder = raw.locate(root, folder, ARCHIVES)
    wanted = set(frames)
    names: dict[int, str] = {}
    for name in sorted(os.listdir(holder / folder)) if holder else []:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in _SUFFIXES or not (stem.isascii() and stem.isdigit()):
            continue
        frame = int(stem)
        if frame in names:
            raise LanzdmlError(
                f"synthetic_cars: frame {frame} is there as {folder}/{names[frame]} and as "
                f"{folder}/{name}: delete one of them"
            )
        if frame in wanted:
            names[frame] = name
    stems = [os.path.splitext(name)[0] for name in names.values()]
    padded = [stem for stem in stems if stem[0] == "0"]
    width = len(padded[0]) if padded else 1
    other = [stem for stem in stems if stem != f"{int(stem):0{width}}"]
    if other:
        raise LanzdmlError(
            f"synthetic_cars: {folder}/ numbers its frames in two ways, such as {padded[0]} and "
            f"{other[0]}: are they of one rendering? Give them all the same number of digits"
        )
    return [f"{folder}/{names.get(frame, f'{frame:0{width}}.png')}" for frame in frames]


def _read_table(path: Path) -> pd.DataFrame:
    """The table with whole frames, distinct, and the numbers of the colours."""
    table = csv_file.read_csv(path, "frame")
    numbers = ["frame", *(column for columns in _HSV.values() for column in columns)]
    missing = [column for column in ("model", *numbers) if column not in table]
    if missing:
        found = raw.shown(", ".join(table))
        raise LanzdmlError(f"{path} has no column {missing[0]!r}, but {found}")
    for column in numbers:
        values = pd.to_numeric(table[column], errors="coerce")
        wrong = ~(values.abs() < _MOST) | (values % 1 != 0 if column == "frame" else False)
        if wrong.any():
            line, cell = next(table[column].fillna("")[wrong].items())
            raise LanzdmlError(f"{path}, line {line}: {column} is {cell!r:.100}, no number")
        table[column] = values.astype("int64") if column == "frame" else values
    nameless = table.index[table["model"].isna()]
    if len(nameless):
        raise LanzdmlError(f"{path}, line {nameless[0]}: model is empty")
    repeated = table["frame"][table["frame"].duplicated()]
    if len(repeated):
        raise LanzdmlError(f"{path}: frame {repeated.iloc[0]} occurs twice")
    return table
