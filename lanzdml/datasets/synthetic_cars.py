"""synthetic_cars: rendered cars with random colours (Kobs et al. 2021; paper appendix 2.1).

``cars.csv`` has one row a frame, ``cars/<frame>.png`` are the images.
"""

import colorsys
from pathlib import Path

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.errors import LanzdmlError

N_FRAMES = 1000  # "the first 1000 images to speed up evaluation"
ARCHIVES = ("3D cars dataset.zip",)
FILES = ("cars.csv", *ARCHIVES)
PUBLISHED = raw.Published(
    total=N_FRAMES, unit="first frames", images=N_FRAMES, classes={"car_model": 6}
)

# The colours of CSS 2.1, section 4.3.6: 17 distinct ones (the paper counts gray twice).
CSS21_COLORS = {
    "aqua": (0, 255, 255), "black": (0, 0, 0), "blue": (0, 0, 255), "fuchsia": (255, 0, 255),
    "gray": (128, 128, 128), "green": (0, 128, 0), "lime": (0, 255, 0), "maroon": (128, 0, 0),
    "navy": (0, 0, 128), "olive": (128, 128, 0), "orange": (255, 165, 0),
    "purple": (128, 0, 128), "red": (255, 0, 0), "silver": (192, 192, 192),
    "teal": (0, 128, 128), "white": (255, 255, 255), "yellow": (255, 255, 0),
}  # fmt: skip
_HSV = {
    "car_color": ("color_hue", "color_sat", "color_val"),
    "background_color": ("bg_color_hue", "bg_color_sat", "bg_color_val"),
}


def color_name(hue: float, saturation: float, value: float) -> str:
    """The CSS 2.1 colour nearest to a frame's parameters, by squared distance in 8-bit RGB.

    Parameters become RGB, cut to whole levels, as in the authors' evaluation.
    """
    rgb = colorsys.hsv_to_rgb((hue + 0.5) % 1, 0.5 * saturation, 0.5 * value)
    levels = [int(255 * channel) for channel in rgb]
    return min(
        CSS21_COLORS,
        key=lambda name: sum(
            (level - channel) ** 2
            for level, channel in zip(levels, CSS21_COLORS[name], strict=True)
        ),
    )


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of frames 1 to 1000 in their order.

    Args:
        root: the folder with ``cars.csv`` and ``cars/``, or one that holds it or its archive.

    Raises:
        LanzdmlError: a file or column is missing, or a row of ``cars.csv`` is wrong.
    """
    path = raw.require("synthetic_cars", root, "cars.csv", ARCHIVES) / "cars.csv"
    table = _read_table(path)
    frames = table[table["frame"].between(1, N_FRAMES)].sort_values("frame")
    names = [f"cars/{frame}.png" for frame in frames["frame"]]
    labels = {"car_model": frames["model"].tolist()}
    for notion, columns in _HSV.items():
        hsv = frames[list(columns)].itertuples(index=False)
        labels[notion] = [color_name(*values) for values in hsv]
    manifest = raw.make_manifest(
        [str(frame) for frame in frames["frame"]],
        raw.image_rows("synthetic_cars", root, names, ARCHIVES),
        labels,
    )
    # How many frames were rendered in all was never published, but the first 1000 are known.
    raw.check_published("synthetic_cars", min(len(table), N_FRAMES), manifest, PUBLISHED)
    return manifest


def _read_table(path: Path) -> pd.DataFrame:
    """``cars.csv`` with whole frames, distinct, and the numbers of the colours."""
    table = raw.read_csv(path)
    numbers = ["frame", *(column for columns in _HSV.values() for column in columns)]
    missing = [column for column in ("model", *numbers) if column not in table]
    if missing:
        found = raw.shown(", ".join(table))
        raise LanzdmlError(f"{path} has no column {missing[0]!r}, but {found}")
    for column in numbers:
        values = pd.to_numeric(table[column], errors="coerce")
        wrong = values.isna() | (values % 1 != 0 if column == "frame" else False)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise LanzdmlError(
                f"{path}, row {row + 1}: {column} is {table[column][row]!r}, no number"
            )
        table[column] = values.astype("int64") if column == "frame" else values
    repeated = table["frame"][table["frame"].duplicated()]
    if len(repeated):
        raise LanzdmlError(f"{path}: frame {repeated.iloc[0]} occurs twice")
    return table
