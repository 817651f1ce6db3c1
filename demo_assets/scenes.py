"""Random scenes of demo_cars and the names of their colours; needs no renderer."""

import colorsys
import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
import webcolors

CAR_MODELS = ("sedan", "hatchback", "suv", "pickup", "van", "convertible")

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """All that determines one image. Angles in radians, lengths in metres, colours in 0..1."""

    car_model: str
    geometry_seed: int  # proportions and equipment of this particular car
    yaw: float  # direction of the camera around the car; 0 looks at its front
    elevation: float  # of the camera above the horizon
    distance: float  # of the camera; 1 is where the car just fills the frame
    target: Triple  # offset of the point looked at from the car's centre
    sun_azimuth: float
    sun_elevation: float
    sun_intensity: float
    paint_hsv: Triple
    background_hsv: Triple

    @property
    def paint_rgb(self) -> Triple:
        return colorsys.hsv_to_rgb(*self.paint_hsv)

    @property
    def background_rgb(self) -> Triple:
        return colorsys.hsv_to_rgb(*self.background_hsv)

    @property
    def car_color(self) -> str:
        """The CSS2.1 name nearest to the paint."""
        return nearest_color(self.paint_rgb)

    @property
    def background_color(self) -> str:
        """The CSS2.1 name nearest to the background."""
        return nearest_color(self.background_rgb)


def draw_scene(seed: int, split: str, index: int) -> Scene:
    """Draw scene `index` of a split; it depends on these three arguments alone."""
    key = (seed, zlib.crc32(split.encode()), index)
    rng = np.random.default_rng(np.random.SeedSequence(key))

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def hsv() -> Triple:
        return between(0, 1), between(0, 1), between(0, 1)

    return Scene(
        car_model=CAR_MODELS[rng.integers(len(CAR_MODELS))],
        geometry_seed=int(rng.integers(2**31)),
        yaw=between(0, 2 * np.pi),
        elevation=np.radians(between(8, 34)).item(),
        distance=between(1.12, 1.4),
        target=(between(-0.09, 0.09), between(-0.09, 0.09), between(-0.09, 0.09)),
        sun_azimuth=between(0, 2 * np.pi),
        sun_elevation=np.radians(between(30, 75)).item(),
        sun_intensity=between(0.75, 1.0),
        paint_hsv=hsv(),
        background_hsv=hsv(),
    )


@cache
def color_table(spec: str = webcolors.CSS21) -> dict[str, Triple]:
    """Colour name -> RGB in 0..1 of a webcolors specification (CSS21: 17 names, CSS3: 138).

    Names of one and the same colour (gray and grey, aqua and cyan) count once, under the name
    that webcolors prefers.
    """
    table = {}
    for name in webcolors.names(spec):
        rgb = webcolors.name_to_rgb(name, spec)
        table[webcolors.rgb_to_name(rgb, spec)] = tuple(channel / 255 for channel in rgb)
    return dict(sorted(table.items()))


def nearest_color(rgb, spec: str = webcolors.CSS21):
    """Name of the colour at the least squared RGB distance.

    `rgb` (3,) in 0..1 gives a str, (n, 3) an array of n names.
    """
    table = color_table(spec)
    colors = np.array(list(table.values()))
    difference = np.asarray(rgb, dtype=float)[..., None, :] - colors
    nearest = np.array(list(table))[(difference**2).sum(-1).argmin(-1)]
    return str(nearest) if nearest.ndim == 0 else nearest
