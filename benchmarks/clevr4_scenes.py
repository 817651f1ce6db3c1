"""A Clevr-4 of our own in the archive's format: flat scenes of things alike in all but their place.

They stand in for the rendered ones where what counts is the way from an archive to a report and the
time that it takes. Scores on them say nothing about the collection.
"""

import io
import json
import math
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from lanzdml.datasets.clevr4 import ANNOTATION, ARCHIVES, CLASSES

SIZE = (120, 90)
SIDES = (22, 25, 28)  # of things; twelve of the largest have room
_CELL, _FINER = 30, 4  # a thing's place, and how many times as fine its outline is drawn
_IN_TRAINING = 0.8

Grid = NDArray[np.float64]


def write_archive(folder: Path, n_images: int) -> Path:
    """Write scenes as the archive of 10,000 images has them: the same in every call.

    Entries have the first date that there is. The four values of a scene are drawn by themselves,
    so that none says anything of another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, annotation = folder / ARCHIVES[0], {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # a PNG is compressed
        for index in range(n_images):
            rng = np.random.default_rng([4, index])
            values = {notion: str(rng.choice(classes)) for notion, classes in CLASSES.items()}
            name = f"CLEVR_new_{index:06}"
            content = io.BytesIO()
            draw_scene(values, rng).save(content, "PNG", compress_level=1)
            archive.writestr(zipfile.ZipInfo(f"images/{name}.png"), content.getvalue())
            split = "train" if rng.random() < _IN_TRAINING else "val"
            annotation[name] = values | {"count": int(values["count"]), "split": split}
        archive.writestr(zipfile.ZipInfo(ANNOTATION), json.dumps(annotation))
    return path


def draw_scene(values: dict[str, str], rng: np.random.Generator) -> Image.Image:
    """A scene of so many things, which do not overlap, on a ground that gets darker."""
    light = rng.uniform(150, 200) - np.linspace(0, 40, SIZE[1])[:, None]
    ground = np.broadcast_to(light, SIZE[::-1]) + rng.normal(0, 2, SIZE[::-1])
    image = Image.fromarray(ground.clip(0, 255).astype(np.uint8)).convert("RGB")
    columns = SIZE[0] // _CELL
    for place in rng.permutation(columns * (SIZE[1] // _CELL))[: int(values["count"])]:
        side = int(rng.choice(SIDES))
        corner = np.array(divmod(int(place), columns))[::-1] * _CELL
        x, y = (corner + rng.integers(0, _CELL - side + 1, 2)).tolist()
        thing = _thing(values["texture"], values["shape"], values["color"], side)
        image.paste(thing, (x, y), thing)
    return image


@cache
def _thing(texture: str, shape: str, color: str, side: int) -> Image.Image:
    """An image with transparency outside of the outline."""
    rgb = np.array(ImageColor.getrgb(color), dtype=float)
    y, x = np.mgrid[0:side, 0:side] / side
    pattern = TEXTURES[texture](x, y)[..., None]
    # The pattern is darker, and all is shaded, so that colour and texture are both seen.
    pixels = (rgb * (1 - 0.75 * pattern) * (1.1 - 0.4 * y[..., None])).clip(0, 255)
    if texture == "metal":
        pixels += (255 - pixels) * np.exp(-40 * ((x - 0.35) ** 2 + (y - 0.3) ** 2))[..., None]
    fine = side * _FINER
    outline = Image.new("L", (fine, fine), 0)
    SHAPES[shape](ImageDraw.Draw(outline), fine)
    thing = Image.fromarray(pixels.astype(np.uint8))
    thing.putalpha(outline.resize((side, side), Image.Resampling.BOX))
    return thing


def _tiled(x: Grid, y: Grid, times: int) -> tuple[Grid, Grid]:
    """Places within tiles, from -1 to 1 each way."""
    return 2 * (x * times % 1) - 1, 2 * (y * times % 1) - 1


def _faces(x: Grid, y: Grid) -> Grid:
    across, down = _tiled(x, y, 2)
    eyes = (abs(across) - 0.35) ** 2 + (down + 0.3) ** 2 < 0.04
    mouth = (abs(np.hypot(across, down) - 0.55) < 0.12) & (down > 0.2)
    rim = abs(np.hypot(across, down) - 0.9) < 0.1
    return (eyes | mouth | rim).astype(float)


def _bricks(x: Grid, y: Grid) -> Grid:
    row = np.floor(y * 5)
    return (((y * 5) % 1 < 0.25) | ((x * 3 + row / 2) % 1 < 0.15)).astype(float)


def _stars(x: Grid, y: Grid) -> Grid:
    across, down = _tiled(x, y, 2)
    angle = np.arctan2(down, across)
    return (np.hypot(across, down) < 0.5 + 0.3 * np.cos(5 * angle)).astype(float)


def _rings(x: Grid, y: Grid) -> Grid:
    return (abs(np.hypot(*_tiled(x, y, 3)) - 0.6) < 0.25).astype(float)


def _zigzag(x: Grid, y: Grid) -> Grid:
    return ((y * 4 + abs((x * 3) % 1 - 0.5) * 1.6) % 1 < 0.4).astype(float)


def _squares(times: int) -> Callable[[Grid, Grid], Grid]:
    return lambda x, y: (np.floor(x * times) + np.floor(y * times)) % 2


TEXTURES: dict[str, Callable[[Grid, Grid], Grid]] = {
    "rubber": lambda x, y: np.zeros_like(x),
    "metal": lambda x, y: 0.5 * abs(x - y),
    "checkered": _squares(8),
    "emojis": _faces,
    "wave": lambda x, y: ((y * 5 + 0.25 * np.sin(12 * x)) % 1 < 0.4).astype(float),
    "brick": _bricks,
    "star": _stars,
    "circles": _rings,
    "zigzag": _zigzag,
    "chessboard": _squares(4),
}


def _polygon(corners: list[tuple[float, float]]) -> Callable[[ImageDraw.ImageDraw, int], None]:
    """Draws a polygon whose corners are shares of the side."""
    return lambda draw, side: draw.polygon([(x * side, y * side) for x, y in corners], fill=255)


def _wheel(teeth: int, inner: float, waist: float) -> list[tuple[float, float]]:
    """Corners of a star, or with a wide waist of a gear."""
    angles = np.arange(4 * teeth) * math.pi / (2 * teeth) - math.pi / 2 - waist
    radii = [0.5 if position % 4 < 2 else inner for position in range(4 * teeth)]
    return [
        (0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle))
        for radius, angle in zip(radii, angles, strict=True)
    ]


def _star_corners() -> list[tuple[float, float]]:
    return [
        (
            0.5 + (0.5, 0.2)[position % 2] * math.sin(math.pi * position / 5),
            0.5 - (0.5, 0.2)[position % 2] * math.cos(math.pi * position / 5),
        )
        for position in range(10)
    ]


def _ellipses(
    *parts: tuple[float, float, float, float, int],
) -> Callable[[ImageDraw.ImageDraw, int], None]:
    """Draws ellipses in boxes that are shares of the side, the last number is their opacity."""

    def draw_them(draw: ImageDraw.ImageDraw, side: int) -> None:
        for left, top, right, bottom, fill in parts:
            draw.ellipse([left * side, top * side, right * side, bottom * side], fill=fill)

    return draw_them


def _teapot(draw: ImageDraw.ImageDraw, side: int) -> None:
    _ellipses((0.2, 0.3, 0.8, 0.95, 255), (0.4, 0.1, 0.6, 0.35, 255))(draw, side)
    draw.arc([0.62 * side, 0.4 * side, side, 0.8 * side], -90, 90, fill=255, width=side // 12)
    _polygon([(0, 0.35), (0.1, 0.3), (0.35, 0.6), (0.3, 0.8)])(draw, side)


def _cylinder(draw: ImageDraw.ImageDraw, side: int) -> None:
    _ellipses((0.2, 0, 0.8, 0.25, 255), (0.2, 0.75, 0.8, 1, 255))(draw, side)
    _polygon([(0.2, 0.12), (0.8, 0.12), (0.8, 0.88), (0.2, 0.88)])(draw, side)


SHAPES: dict[str, Callable[[ImageDraw.ImageDraw, int], None]] = {
    "cube": _polygon([(0, 0.2), (0.25, 0), (1, 0), (1, 0.8), (0.75, 1), (0, 1)]),
    "sphere": _ellipses((0, 0, 1, 1, 255)),
    "monkey": _ellipses(
        (0.15, 0.05, 0.85, 0.95, 255), (0, 0.3, 0.3, 0.6, 255), (0.7, 0.3, 1, 0.6, 255),
        (0.32, 0.3, 0.44, 0.42, 0), (0.56, 0.3, 0.68, 0.42, 0),
    ),
    "cone": _polygon([(0.5, 0), (1, 1), (0, 1)]),
    "torus": _ellipses((0, 0, 1, 1, 255), (0.3, 0.3, 0.7, 0.7, 0)),
    "star": _polygon(_star_corners()),
    "teapot": _teapot,
    "diamond": _polygon([(0.5, 0), (0.9, 0.5), (0.5, 1), (0.1, 0.5)]),
    "gear": _polygon(_wheel(8, 0.36, 0.1)),
    "cylinder": _cylinder,
}  # fmt: skip
