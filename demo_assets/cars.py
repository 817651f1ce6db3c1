"""Parametric cars as triangles: a curved lower body, a greenhouse on it, and the parts.

Axes in metres: x forward, y to the left, z up, the ground at z = 0, the car's middle at x = 0.
Curved surfaces carry their own smooth normals, flat ones a normal per face; wheel arches are cut
out of the body by its lower edge, and windows are patches lying just above the curved surfaces.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator

Array = np.ndarray
Outline = list[tuple[float, float]]  # corners in a plane, in order

ABOVE = 0.008  # how far a patch lies above the surface it covers
BOTH_SIDES = (1.0, -1.0)


@dataclass(frozen=True)
class Material:
    """How a surface shades. `paint` 1 takes the paint colour, 0 the albedo (RGB in 0..1)."""

    albedo: tuple[float, float, float] = (0.0, 0.0, 0.0)
    paint: float = 0.0
    gloss: float = 0.0  # strength of white sky reflections
    glow: float = 0.0  # share of the albedo seen whatever the light


PAINT = Material(paint=1.0, gloss=1.0)
GLASS = Material((0.09, 0.12, 0.16), gloss=2.2, glow=0.3)
SCREEN = Material((0.42, 0.52, 0.60), gloss=1.4, glow=0.5)  # a windscreen with open air behind it
TYRE = Material((0.085, 0.085, 0.09), gloss=0.12)
RIM = Material((0.78, 0.79, 0.81), gloss=0.5, glow=0.15)
CHROME = Material((0.72, 0.74, 0.77), gloss=1.2, glow=0.35)
BLACK = Material((0.045, 0.045, 0.05), gloss=0.25)
PLASTIC = Material((0.13, 0.13, 0.14), gloss=0.25)
SEAM = Material((0.02, 0.02, 0.02))
HEADLIGHT = Material((0.98, 0.97, 0.88), gloss=0.8, glow=0.6)
TAIL_LIGHT = Material((0.80, 0.04, 0.06), gloss=0.7, glow=0.5)
INDICATOR = Material((0.95, 0.52, 0.06), gloss=0.4, glow=0.5)
PLATE = Material((0.88, 0.88, 0.84), glow=0.3)
LEATHERS = (
    Material((0.42, 0.25, 0.15), gloss=0.2, glow=0.2),
    Material((0.80, 0.74, 0.62), gloss=0.2, glow=0.2),
    Material((0.16, 0.15, 0.15), gloss=0.3, glow=0.2),
)


@dataclass(frozen=True)
class Shape:
    """Proportions of one car, in metres; `*_x` are positions along the car."""

    length: float
    half_width: float
    clearance: float
    wheel_radius: float
    nose: float  # height of the bonnet's front edge
    belt: float  # height at which the windows start
    tail: float  # height of the body's rear edge
    roof: float
    front_axle_x: float
    rear_axle_x: float
    screen_x: float  # foot of the windscreen
    roof_front_x: float
    roof_rear_x: float
    rear_glass_x: float  # foot of the rear window
    shoulder: float  # radius of the body's upper edge
    tumblehome: float  # share of its width that the cabin loses up to the roof
    rake: float  # how far the nose leans back

    @property
    def half_length(self) -> float:
        return self.length / 2

    @property
    def arch_radius(self) -> float:
        return 1.16 * self.wheel_radius

    @property
    def axles(self) -> tuple[float, float]:
        return self.front_axle_x, self.rear_axle_x


SHAPES = {
    "sedan": Shape(
        4.7, 0.89, 0.19, 0.33, 0.74, 0.94, 0.95, 1.44,
        1.42, -1.33, 0.95, 0.22, -0.80, -1.62, 0.12, 0.20, 0.16,
    ),
    "hatchback": Shape(
        3.75, 0.86, 0.19, 0.325, 0.79, 0.96, 0.95, 1.50,
        1.22, -1.25, 1.03, 0.36, -1.12, -1.74, 0.11, 0.19, 0.15,
    ),
    "suv": Shape(
        4.5, 0.95, 0.31, 0.40, 1.00, 1.12, 1.12, 1.82,
        1.38, -1.34, 0.94, 0.45, -1.98, -2.16, 0.10, 0.15, 0.08,
    ),
    "pickup": Shape(
        5.4, 0.97, 0.35, 0.42, 1.03, 1.13, 1.13, 1.83,
        1.68, -1.62, 1.05, 0.50, -0.42, -0.60, 0.09, 0.17, 0.07,
    ),
    "van": Shape(
        4.95, 0.97, 0.24, 0.355, 0.98, 1.16, 1.16, 2.12,
        1.62, -1.50, 2.00, 1.25, -2.34, -2.42, 0.06, 0.09, 0.12,
    ),
    "convertible": Shape(
        4.2, 0.90, 0.16, 0.325, 0.69, 0.85, 0.86, 1.24,
        1.28, -1.25, 0.58, 0.18, -0.9, -0.9, 0.11, 0.12, 0.20,
    ),
}  # fmt: skip


def draw_shape(car_model: str, rng: np.random.Generator) -> Shape:
    """The type's proportions, each changed by a few percent."""
    typical = SHAPES[car_model]
    stretch = rng.uniform(0.965, 1.035)
    along = {
        name: getattr(typical, name) * stretch for name in ("length", "front_axle_x", "rear_axle_x")
    } | {
        name: getattr(typical, name) * stretch + rng.uniform(-0.05, 0.05)
        for name in ("screen_x", "roof_front_x", "roof_rear_x")
    }
    moved = typical.rear_glass_x * stretch + rng.uniform(-0.04, 0.04)
    along["rear_glass_x"] = max(moved, 0.06 - along["length"] / 2)
    along["roof_rear_x"] = max(along["roof_rear_x"], along["rear_glass_x"] + 0.06)
    others = {
        name: getattr(typical, name) * rng.uniform(0.97, 1.03)
        for name in ("half_width", "clearance", "wheel_radius", "shoulder", "rake")
    }
    lift = rng.uniform(-0.025, 0.025)
    heights = {name: getattr(typical, name) + lift for name in ("nose", "belt", "tail")}
    heights["roof"] = typical.roof + lift + rng.uniform(-0.03, 0.03)
    return replace(typical, **along, **others, **heights)


@dataclass(frozen=True)
class Triangles:
    """n triangles: points and normals (n, 3, 3), surface (n, 7).

    A surface row is albedo red, green, blue, paint, gloss, glow (see Material) and openness, the
    share of the sky that reaches it.
    """

    points: Array
    normals: Array
    surface: Array


class Mesh:
    """Collects patches of triangles."""

    def __init__(self) -> None:
        self._points: list[Array] = []
        self._normals: list[Array] = []
        self._surface: list[Array] = []

    def triangles(self) -> Triangles:
        """All that was added, with unit normals; triangles without area are left out."""
        points, normals, surface = (
            np.concatenate(part) for part in (self._points, self._normals, self._surface)
        )
        edges = points[:, 1:] - points[:, :1]
        area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        keep = area > 1e-9
        normals = normals[keep]
        normals /= np.maximum(np.sqrt((normals**2).sum(-1, keepdims=True)), 1e-9)
        return Triangles(points[keep], normals, surface[keep])

    def add(self, points: Array, normals: Array, material: Material, openness: float = 1.0) -> None:
        """Add triangles (n, 3, 3) with normals of any length."""
        row = (*material.albedo, material.paint, material.gloss, material.glow, openness)
        self.extend(Triangles(points, normals, np.broadcast_to(row, (len(points), len(row)))))

    def extend(self, triangles: Triangles) -> None:
        self._points.append(triangles.points)
        self._normals.append(triangles.normals)
        self._surface.append(triangles.surface)

    def grid(self, points: Array, normals: Array, material: Material, **options) -> None:
        """Add the quads between neighbours of a grid (rows, columns, 3)."""
        self.add(_grid_triangles(points), _grid_triangles(normals), material, **options)

    def both_sides(self, points: Array, normals: Array, material: Material, **options) -> None:
        """Add a grid and its mirror image."""
        for side in BOTH_SIDES:
            mirror = np.array([1.0, side, 1.0])
            self.grid(points * mirror, normals * mirror, material, **options)

    def fan(self, outline: Array, normals: Array, material: Material, **options) -> None:
        """Add a polygon (n, 3), star-shaped about its mean; `normals` is (n, 3) or (3,)."""
        normals = np.broadcast_to(normals, outline.shape)
        rings = [
            np.stack([np.broadcast_to(ring.mean(0), ring.shape), ring, np.roll(ring, -1, 0)], 1)
            for ring in (outline, normals)
        ]
        self.add(*rings, material, **options)

    def box(
        self,
        center: tuple[float, float, float],
        size: tuple[float, float, float],
        material: Material,
        radius: float = 0.03,
        **options,
    ) -> None:
        """Add a box with rounded edges."""
        half = np.array(size) / 2
        radius = min(radius, half.min())
        directions = _BOX_DIRECTIONS
        points = np.array(center) + _BOX_SIGNS * (half - radius) + radius * directions
        self.grid(points, directions, material, **options)

    def box_pair(self, center: tuple, size: tuple, material: Material, **options) -> None:
        """Add a box on the left and its mirror image on the right."""
        x, y, z = center
        for side in BOTH_SIDES:
            self.box((x, side * y, z), size, material, **options)

    def lathe(self, center: tuple, profile: Outline, material: Material, **options) -> None:
        """Turn a profile of (y outwards, radius) about an axis along y through `center`.

        Outwards is away from the car's middle plane.
        """
        side = np.sign(center[1])
        out, radius = np.array(profile).T
        slope_out, slope_radius = np.gradient(out), np.gradient(radius)
        angle = np.linspace(0, 2 * np.pi, 37)[:, None]

        def turned(out: Array, radius: Array) -> Array:
            across = np.broadcast_to(side * out, (len(angle), len(out)))
            return np.stack([radius * np.cos(angle), across, radius * np.sin(angle)], -1)

        normals = turned(-slope_radius, slope_out)
        self.grid(np.array(center) + turned(out, radius), normals, material, **options)

    def bar(self, start: tuple, end: tuple, radius: float, material: Material) -> None:
        """Add a round bar between two points."""
        start, end = np.array(start), np.array(end)
        axis = (end - start) / np.linalg.norm(end - start)
        helper = np.array([1.0, 0, 0]) if abs(axis[0]) < 0.7 else np.array([0, 1.0, 0])
        across = np.cross(axis, helper)
        across /= np.linalg.norm(across)
        angle = np.linspace(0, 2 * np.pi, 9)[:, None]
        normals = np.cos(angle) * across + np.sin(angle) * np.cross(axis, across)
        self.grid(np.stack([start + radius * normals, end + radius * normals]),
                  np.stack([normals, normals]), material)  # fmt: skip


def _grid_triangles(grid: Array) -> Array:
    """(rows, columns, 3) -> (2 (rows-1)(columns-1), 3, 3)"""
    near, right = grid[:-1, :-1], grid[:-1, 1:]
    far, diagonal = grid[1:, :-1], grid[1:, 1:]
    halves = [np.stack([near, right, diagonal], 2), np.stack([near, diagonal, far], 2)]
    return np.stack(halves, 2).reshape(-1, 3, 3)


def _box_sphere() -> tuple[Array, Array]:
    """Directions of a sphere (rows, columns, 3), doubled on the axes, and the octant of each.

    A rounded box is this sphere pulled apart by octants: the doubled rows become its flat faces.
    """
    quarter = np.linspace(0, np.pi / 2, 4)
    latitude = np.concatenate([quarter - np.pi / 2, quarter])[:, None]
    longitude = np.concatenate([quarter + k * np.pi / 2 for k in range(4)] + [[2 * np.pi]])
    signs_z = np.repeat([-1.0, 1.0], 4)[:, None] + 0 * longitude
    signs_x = np.append(np.repeat([1.0, -1, -1, 1], 4), 1.0) + 0 * latitude
    signs_y = np.append(np.repeat([1.0, 1, -1, -1], 4), 1.0) + 0 * latitude
    directions = [
        np.cos(latitude) * np.cos(longitude),
        np.cos(latitude) * np.sin(longitude),
        np.sin(latitude) + 0 * longitude,
    ]
    return np.stack(directions, -1), np.stack([signs_x, signs_y, signs_z], -1)


_BOX_DIRECTIONS, _BOX_SIGNS = _box_sphere()


def _round_corners(outline: Outline, radius: float) -> Array:
    """Replace each corner of a polygon by four points of a curve; (n, 2) -> (4 n, 2)."""
    corners = np.array(outline)
    rounded = []
    for before, corner, after in zip(
        np.roll(corners, 1, 0), corners, np.roll(corners, -1, 0), strict=True
    ):
        start, end = (
            corner
            + (other - corner) * min(0.45, radius / max(np.linalg.norm(other - corner), 1e-6))
            for other in (before, after)
        )
        for t in (0.0, 0.33, 0.67, 1.0):
            rounded.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    return np.array(rounded)


def _smooth_step(value: Array, low: float, high: float) -> Array:
    t = np.clip((np.asarray(value, float) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _normals(surface: Callable[[Array, Array], Array], first: Array, second: Array) -> Array:
    """Normals of surface(first, second) by differences, pointing away from the middle plane."""
    step = 1e-3
    along_first = surface(first + step, second) - surface(first - step, second)
    along_second = surface(first, second + step) - surface(first, second - step)
    return np.cross(along_first, along_second)


class LowerBody:
    """Everything below the windows: half-width by (x, z) and the top line by x."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        half = shape.half_length
        bonnet = (shape.screen_x + half) / 2
        heights = {
            -half: shape.tail - 0.03,
            -half + 0.25: shape.tail,
            min(shape.rear_glass_x, shape.screen_x - 0.2): shape.belt + 0.01,
            shape.screen_x: shape.belt - 0.02,
            bonnet: shape.nose + 0.72 * (shape.belt - 0.02 - shape.nose),
            half: shape.nose,
        }
        knots = {}
        for x in sorted(heights):  # short overhangs put knots too close together
            if not knots or x - max(knots) > 0.08:
                knots[x] = heights[x]
        self.top = PchipInterpolator(list(knots), list(knots.values()), extrapolate=True)
        self.end_radius = 0.17

    def end_inset(self, x: Array) -> Array:
        """How far the cross-section has shrunk at x, rounding off nose and tail."""
        beyond = np.clip(np.abs(x) - (self.shape.half_length - self.end_radius), 0, self.end_radius)
        return self.end_radius - np.sqrt(np.maximum(self.end_radius**2 - beyond**2, 0))

    def half_width(self, x: Array, z: Array) -> Array:
        """Widest a bit below the shoulder, tucked in at the sill and towards both ends."""
        shape = self.shape
        waist = 0.62 * shape.belt
        below = np.clip(waist - z, 0, None) / waist
        above = np.clip(z - waist, 0, None) / waist
        plan = 1 - 0.07 * np.abs(x / shape.half_length) ** 3
        return shape.half_width * plan * (1 - 0.10 * below**2 - 0.10 * above**2) - self.end_inset(x)

    def lower_edge(self, x: Array) -> Array:
        """The sill, raised over the wheels to cut the arches."""
        shape = self.shape
        edge = shape.clearance + 0.5 * self.end_inset(x) + 0 * x
        edge = edge + 0.10 * _smooth_step(np.abs(x), 0.8 * shape.half_length, shape.half_length)
        for axle in shape.axles:
            inside = shape.arch_radius**2 - (x - axle) ** 2
            arch = shape.wheel_radius + np.sqrt(np.maximum(inside, 0))
            edge = np.where(inside > -1e-9, np.maximum(edge, arch), edge)
        return edge

    def side(self, x: Array, z: Array) -> Array:
        """Points of the left side."""
        return np.stack(np.broadcast_arrays(x, self.half_width(x, z), z), -1)

    def shoulder_height(self, x: Array) -> Array:
        """Where the side ends and the rounded upper edge starts."""
        return self.top(x) - 0.8 * self.end_inset(x) - self.shape.shoulder

    def deck(self, x: Array, around: Array) -> Array:
        """Points of the rounded edge (around 0..1) and the crowned top (around 1..2)."""
        radius = self.shape.shoulder
        base = self.shoulder_height(x)
        edge = self.half_width(x, base)
        angle = np.clip(around, None, 1) * np.pi / 2
        inwards = np.clip(around - 1, 0, None)
        flat = edge - radius
        y = flat * (1 - inwards) + radius * np.cos(angle)
        crown = 0.035 * (1 - (1 - inwards) ** 2)
        return np.stack(np.broadcast_arrays(x, y, base + radius * np.sin(angle) + crown), -1)

    def stations(self, extra: tuple[float, ...] = ()) -> Array:
        """Positions along the car at which it is cut, dense at the ends and the arches."""
        shape = self.shape
        sweep = self.end_radius * np.sin(np.linspace(0, np.pi / 2, 7))
        start = shape.half_length - self.end_radius
        arches = [
            axle - shape.arch_radius * np.cos(np.linspace(0, np.pi, 19)) for axle in shape.axles
        ]
        # The sill just beside an arch, for its upright ends.
        beside = [
            axle + side * (shape.arch_radius + 1e-4) for axle in shape.axles for side in (1, -1)
        ]
        between = np.linspace(-start, start, 25)
        return np.unique(
            np.concatenate([start + sweep, -start - sweep, *arches, beside, between, extra])
        )

    def build(self, mesh: Mesh, well: tuple[float, float] | None = None) -> None:
        """Add the body; `well` (rear x, front x) leaves the top open there."""
        x = self.stations(well or ())[:, None]
        rise = np.linspace(0, 1, 9)
        edge = np.minimum(self.lower_edge(x), self.shoulder_height(x) - 0.02)
        z = edge + (self.shoulder_height(x) - edge) * rise
        x_grid = x + 0 * rise
        normals = -_normals(self.side, x_grid, z)
        mesh.both_sides(self.side(x_grid, z), normals, PAINT)
        around = np.concatenate([np.linspace(0, 1, 6), np.linspace(1, 2, 7)[1:]])
        rim = 8  # the last column before a well
        self._build_deck(mesh, x, around[:rim])
        for part in self._outside(x, well):
            self._build_deck(mesh, part, around[rim - 1 :])
        for end in (0, -1):
            self._build_cap(mesh, float(x[end, 0]), float(edge[end, 0]))

    def _outside(self, x: Array, well: tuple[float, float] | None) -> list[Array]:
        if well is None:
            return [x]
        rear, front = well
        return [x[x[:, 0] <= rear + 1e-9], x[x[:, 0] >= front - 1e-9]]

    def _build_deck(self, mesh: Mesh, x: Array, around: Array) -> None:
        x_grid, around_grid = np.broadcast_arrays(x, around)
        # One-sided at the seam between edge and top, where both directions agree anyway.
        normals = -_normals(self.deck, x_grid, np.clip(around_grid, 2e-3, 1.998))
        mesh.both_sides(self.deck(x_grid, around_grid), normals, PAINT)

    def _build_cap(self, mesh: Mesh, x: float, edge: float) -> None:
        z = np.linspace(edge, float(self.shoulder_height(np.array(x))), 5)
        left = np.concatenate(
            [self.side(np.full(5, x), z), self.deck(np.full(8, x), np.linspace(0, 2, 8))]
        )
        outline = np.concatenate([left, left[::-1] * [1, -1, 1]])
        mesh.fan(outline, np.array([np.sign(x), 0, 0.05]), PAINT)


class Greenhouse:
    """The cabin above the belt line: a box with leaning sides, curved screens, a crowned roof."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.foot = shape.belt - 0.10
        self.edge_radius = 0.11
        self.corner = 0.13
        self.wall_top = shape.roof - self.edge_radius
        self.bulge_front, self.bulge_rear = 0.13, 0.06

    def front(self, z: Array) -> Array:
        """x of the windscreen at the pillars."""
        shape = self.shape
        lean = (z - shape.belt) / (shape.roof - shape.belt)
        return shape.screen_x - 0.08 + (shape.roof_front_x - shape.screen_x) * lean

    def rear(self, z: Array) -> Array:
        shape = self.shape
        lean = (z - shape.belt) / (shape.roof - shape.belt)
        return shape.rear_glass_x + (shape.roof_rear_x - shape.rear_glass_x) * lean

    def half_width(self, z: Array) -> Array:
        shape = self.shape
        foot_width = shape.half_width - 0.55 * shape.shoulder - 0.035
        return foot_width * (1 - shape.tumblehome * (z - shape.belt) / (shape.roof - shape.belt))

    def ring(self, around: Array, height: Array) -> Array:
        """Points of the left half: around 0 (front) .. 5 (rear), height 0 (foot) .. 2 (roof).

        around: windscreen 0..1, corner 1..2, side 2..3, corner 3..4, rear 4..5;
        height: wall 0..1, rounded edge 1..2.
        """
        angle = np.clip(height - 1, 0, None) * np.pi / 2
        shrink = self.edge_radius * (1 - np.cos(angle))
        z = self.foot + (self.wall_top - self.foot) * np.clip(height, None, 1)
        # The roof comes down further over the screens than over the doors.
        front, rear = self.front(z) - 2.2 * shrink, self.rear(z) + 1.6 * shrink
        z = z + self.edge_radius * np.sin(angle)
        width = self.half_width(z) - shrink
        knots = np.arange(6.0)
        pieces = [np.clip(around - start, 0, 1) for start in knots[:-1]]
        turn_front, turn_rear = pieces[1] * np.pi / 2, pieces[3] * np.pi / 2
        straight = width - self.corner
        y = straight * pieces[0] + self.corner * np.sin(turn_front)
        y = y - self.corner * (1 - np.cos(turn_rear)) - straight * pieces[4]
        x = front - self.corner * (1 - np.cos(turn_front))
        x = x - (front - rear - 2 * self.corner) * pieces[2] - self.corner * np.sin(turn_rear)
        share = np.clip((x - rear) / (front - rear), 0, 1)
        bow = 1 - np.clip(y / width, 0, 1) ** 2
        x = x + bow * (self.bulge_front * share**3 - self.bulge_rear * (1 - share) ** 3)
        return np.stack(np.broadcast_arrays(x, y, z), -1)

    def roof(self, around: Array, inwards: Array) -> Array:
        """Points of the roof's left half, from its edge (inwards 0) to the middle (1)."""
        edge = self.ring(around, np.full_like(inwards, 2.0))
        x, y, z = np.moveaxis(edge, -1, 0)
        along = 2 * (x - x.min()) / np.ptp(x) - 1
        crown = 0.05 * (1 - along**4) * (1 - (1 - inwards) ** 2)
        return np.stack([x, y * (1 - inwards), z + crown], -1)

    def build(self, mesh: Mesh) -> None:
        around = np.concatenate([np.linspace(k, k + 1, 6)[k > 0 :] for k in range(5)])
        height = np.concatenate([np.linspace(0, 1, 5), np.linspace(1, 2, 6)[1:]])
        around_grid, height_grid = np.meshgrid(around, height, indexing="ij")
        inner = np.clip(around_grid, 2e-3, 4.998), np.clip(height_grid, 2e-3, 1.98)
        normals = _normals(self.ring, *inner)
        mesh.both_sides(self.ring(around_grid, height_grid), normals, PAINT)
        around_grid, inwards = np.meshgrid(around, np.linspace(0, 1, 6), indexing="ij")
        points = self.roof(around_grid, inwards)
        normals = np.stack(
            [0.12 * (2 * (points[..., 0] - points[..., 0].min()) / np.ptp(points[..., 0]) - 1) ** 3,
             0.18 * points[..., 1], np.ones(points.shape[:2])], -1,
        )  # fmt: skip
        mesh.both_sides(points, normals, PAINT)

    def pane(
        self, mesh: Mesh, outline: Outline, material: Material, above: float, radius: float
    ) -> None:
        """Cover a polygon (x, z) of both sides."""
        x, z = _round_corners(outline, radius).T
        lean = -np.diff(self.half_width(np.array([0.0, 1.0])))[0]
        bow = (z - z.mean()) / np.ptp(z)  # panes bulge a little, or they would reflect one tone
        normals = np.stack([0.12 * np.sign(x - x.mean()), np.ones_like(x), lean + 0.35 * bow], -1)
        for side in BOTH_SIDES:
            points = np.stack([x, side * (self.half_width(z) + above), z], -1)
            mesh.fan(points, normals * [1, side, 1], material)

    def windows(self, mesh: Mesh, shares: list[tuple[float, float]], trim: Material) -> None:
        """Glaze both sides; `shares` are (start, end) of each window, 0 at the front, 1 rear."""
        low, high = self.shape.belt + 0.035, self.wall_top - 0.01

        def corner(share: float, z: float, margin: float) -> tuple[float, float]:
            front, rear = self.front(z) - 0.17 + margin, self.rear(z) + 0.17 - margin
            return front + share * (rear - front), z

        def outline(start: float, end: float, margin: float = 0.0) -> Outline:
            bottom, top = low - margin, high + margin
            return [corner(start, bottom, margin), corner(start, top, margin),
                    corner(end, top, margin), corner(end, bottom, margin)]  # fmt: skip

        surround = outline(shares[0][0], shares[-1][1], 0.03)
        if all(later[0] - former[1] < 0.06 for former, later in pairwise(shares)):
            self.pane(mesh, surround, trim, ABOVE, 0.09)
            inner = outline(shares[0][0], shares[-1][1], 0.01)
            self.pane(mesh, inner, BLACK, 1.6 * ABOVE, 0.08)
        for start, end in shares:
            self.pane(mesh, outline(start, end), GLASS, 2.4 * ABOVE, 0.07)

    def screen(self, mesh: Mesh, at_rear: bool, low: float, high: float) -> None:
        """Glaze the front or the rear between two heights."""
        across = np.linspace(0, 0.93, 7)
        around = 5 - across if at_rear else across
        height = np.interp(np.linspace(low, high, 5), [self.foot, self.wall_top], [0, 1])
        around_grid, height_grid = np.meshgrid(around, height, indexing="ij")
        normals = _normals(self.ring, np.clip(around_grid, 2e-3, 4.998), height_grid)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        points = self.ring(around_grid, height_grid)
        for material, above, grow in ((BLACK, ABOVE, 1.0), (GLASS, 2 * ABOVE, 0.95)):
            middle = points.mean((0, 1)) * [1, 0, 1]
            scaled = (points - middle) * [1, grow, 1] + middle + above * normals
            mesh.both_sides(scaled, normals, material)


class CarBuilder:
    """Puts one car together."""

    def __init__(self, car_model: str, rng: np.random.Generator) -> None:
        self.model = car_model
        self.rng = rng
        self.shape = draw_shape(car_model, rng)
        self.mesh = Mesh()
        self.body = LowerBody(self.shape)
        self.rugged = car_model in ("suv", "pickup")

    def build(self) -> Triangles:
        well = {"pickup": self._bed, "convertible": self._cockpit}.get(self.model, lambda: None)()
        self.body.build(self.mesh, well)
        self._underbody()
        self._sides()
        self._front()
        self._rear()
        if self.model != "convertible":
            self._cabin()
        body = self._lean_nose(self.mesh.triangles())
        self.mesh = Mesh()
        self.mesh.extend(body)
        self._wheels()
        return self.mesh.triangles()

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def _lean_nose(self, car: Triangles) -> Triangles:
        """Push the upper part of the nose back; the lights and the grille follow."""
        points = car.points.copy()
        x, z = points[..., 0], points[..., 2]
        half = self.shape.half_length
        near_front = _smooth_step(x, 0.55 * half, half) * (z < self.shape.belt + 0.1)
        height = np.clip((z - self.shape.clearance - 0.25) / 0.5, 0, 1)
        points[..., 0] = x - self.shape.rake * near_front * height**1.5
        return replace(car, points=points)

    def _underbody(self) -> None:
        """A dark core that closes the view through the wheel arches."""
        shape = self.shape
        width = 2 * shape.half_width - 0.62
        bottom, top = shape.clearance + 0.02, shape.nose - 0.16
        size = (shape.length - 0.4, width, top - bottom)
        self.mesh.box((0, 0, (top + bottom) / 2), size, SEAM, radius=0.02)
        length = shape.front_axle_x - shape.rear_axle_x - 2 * shape.arch_radius
        middle = (shape.front_axle_x + shape.rear_axle_x) / 2
        size = (length, 2 * shape.half_width - 0.16, 0.10)
        self.mesh.box((middle, 0, shape.clearance + 0.03), size, PLASTIC)

    def _wheels(self) -> None:
        shape = self.shape
        radius = shape.wheel_radius
        spokes = int(self.rng.choice([5, 6, 7, 10]))
        phase = self.rng.uniform(0, 2 * np.pi)
        tyre = [(-0.20, 0.6), (-0.21, 0.92), (-0.17, 1.0), (-0.04, 1.0), (-0.01, 0.97),
                (0.005, 0.90), (0.005, 0.78), (-0.01, 0.70)]  # fmt: skip
        rim_lip = [(-0.01, 0.72), (0.012, 0.70), (0.012, 0.64), (-0.03, 0.61)]
        for axle in shape.axles:
            for side in BOTH_SIDES:
                center = (axle, side * (shape.half_width - 0.035), radius)
                scaled = [(out, share * radius) for out, share in tyre]
                self.mesh.lathe(center, scaled, TYRE)
                self.mesh.lathe(center, [(out, share * radius) for out, share in rim_lip], RIM)
                hollow = [(-0.06, 0.64 * radius), (-0.06, 0.3 * radius), (-0.06, 0.0)]
                self.mesh.lathe(center, hollow, BLACK)
                hub = [(-0.02, 0.2 * radius), (0.012, 0.16 * radius), (0.015, 0.0)]
                self.mesh.lathe(center, hub, RIM)
                self._spokes(center, spokes, phase)

    def _spokes(self, center: tuple, count: int, phase: float) -> None:
        radius, side = self.shape.wheel_radius, np.sign(center[1])
        half_angle = 1.0 / count
        for angle in phase + np.arange(count) * 2 * np.pi / count:
            corners = [
                (0.14, angle - 1.6 * half_angle),
                (0.66, angle - 0.75 * half_angle),
                (0.66, angle + 0.75 * half_angle),
                (0.14, angle + 1.6 * half_angle),
            ]
            points = [
                (share * radius * np.cos(turn), side * -0.012, share * radius * np.sin(turn))
                for share, turn in corners
            ]
            self.mesh.fan(np.array(center) + points, np.array([0.0, side, 0.25]), RIM)

    def _side_line(self, line: Outline, width: float, material: Material) -> None:
        """Draw a line (x, z) of some width along both sides of the lower body."""
        points = np.array(line)
        steps = np.linspace(0, len(points) - 1, 6 * (len(points) - 1) + 1)
        middle = np.stack([np.interp(steps, range(len(points)), points[:, k]) for k in (0, 1)], -1)
        along = np.gradient(middle, axis=0)
        across = along[:, ::-1] * [-1, 1] / np.linalg.norm(along, axis=1, keepdims=True)
        rows = np.stack([middle - width / 2 * across, middle + width / 2 * across])
        normals = -_normals(self.body.side, rows[..., 0], rows[..., 1])
        surface = self.body.side(rows[..., 0], rows[..., 1]) + np.array([0, ABOVE, 0])
        self.mesh.both_sides(surface, normals, material)

    def _sides(self) -> None:
        shape = self.shape
        doors = {"sedan": (0.50, 0.02), "suv": (0.50, 0.0)}.get(self.model, (0.62,))
        opening = shape.screen_x - 0.16
        closing = max(shape.rear_axle_x + shape.arch_radius + 0.06, shape.rear_glass_x)
        if self.model in ("pickup", "convertible"):
            closing = shape.rear_axle_x + shape.arch_radius + 0.10
        if self.model == "pickup":
            closing = max(closing, shape.rear_glass_x + 0.05)
        opening = min(opening, shape.front_axle_x - shape.arch_radius - 0.05)
        sill, top = shape.clearance + 0.14, shape.belt - shape.shoulder
        seams = [
            opening,
            *(closing + share * (opening - closing) for share in doors if share > 0),
            closing,
        ]
        if self.model in ("hatchback", "convertible", "pickup"):
            seams = [opening, closing]
        for x in seams:
            self._side_line([(x, sill), (x, top)], 0.018, SEAM)
        self._side_line([(opening, sill), (closing, sill)], 0.018, SEAM)
        handle = CHROME if self.chance(0.6) else BLACK
        handle_z = top - 0.10
        for x in seams[1:]:
            y = float(self.body.half_width(np.array(x + 0.16), np.array(handle_z)))
            self.mesh.box_pair((x + 0.16, y + 0.01, handle_z), (0.17, 0.04, 0.035), handle)
        if self.chance(0.5) or self.rugged:
            z = shape.clearance + 0.33
            ends = [axle + side * (shape.arch_radius + 0.04)
                    for axle, side in zip(shape.axles, (-1, 1), strict=True)]  # fmt: skip
            self._side_line([(ends[0], z), (ends[1], z)], 0.05, PLASTIC if self.rugged else CHROME)
        self._arch_lips()
        self._mirrors()

    def _arch_lips(self) -> None:
        """A rounded lip around each wheel arch; unpainted on rugged cars."""
        shape = self.shape
        wide = self.rugged or (self.model == "van" and self.chance(0.4))
        thickness, material = (0.055, PLASTIC) if wide else (0.022, PAINT)
        angle = np.linspace(-0.02, np.pi + 0.02, 21)[:, None]
        turn = np.linspace(0, 2 * np.pi, 9)
        for axle in shape.axles:
            radius = shape.arch_radius + 0.4 * thickness + thickness * np.cos(turn)
            x = axle + radius * np.cos(angle)
            z = shape.wheel_radius + radius * np.sin(angle)
            y = self.body.half_width(x, z) - 0.3 * thickness + 0.7 * thickness * np.sin(turn)
            normals = np.stack(
                [
                    np.cos(turn) * np.cos(angle),
                    np.sin(turn) + 0 * angle,
                    np.cos(turn) * np.sin(angle),
                ],
                -1,
            )
            self.mesh.both_sides(np.stack([x, y, z], -1), normals, material)

    def _mirrors(self) -> None:
        shape = self.shape
        x = shape.screen_x - (0.30 if self.model != "van" else 0.42)
        y, z = shape.half_width + 0.04, shape.belt + 0.08
        tall = 0.22 if self.model in ("van", "pickup", "suv") else 0.14
        self.mesh.box_pair((x, y + 0.03, z + tall / 4), (0.11, 0.19, tall), PAINT, radius=0.05)
        self.mesh.box_pair((x - 0.05, y + 0.03, z + tall / 4), (0.03, 0.15, tall - 0.05), GLASS)
        self.mesh.box_pair((x + 0.01, y - 0.08, z - 0.02), (0.06, 0.16, 0.04), BLACK)

    def _end_half_width(self) -> float:
        return self.shape.half_width * 0.93

    def _front(self) -> None:
        shape, mesh = self.shape, self.mesh
        half, width = shape.half_length, self._end_half_width()
        light_z = shape.nose - (0.13 if not self.rugged else 0.17)
        style = self.rng.random()
        if self.model == "convertible" or style < 0.25:
            size = (0.30, 0.34, 0.12)  # slim lights that reach around the corner
        elif style < 0.6:
            size = (0.24, 0.36, 0.17)
        else:
            size = (0.22, 0.22, 0.20)
        y = width - 0.02 - size[1] / 2
        mesh.box_pair((half - 0.10, y, light_z), (size[0], size[1] + 0.03, size[2] + 0.03), BLACK)
        mesh.box_pair((half - 0.09, y, light_z), size, HEADLIGHT, radius=0.06)
        mesh.box_pair((half - 0.15, width - 0.03, light_z - 0.01), (0.16, 0.06, 0.09), INDICATOR)
        grille_width = 2 * (y - size[1] / 2) - 0.06
        grille_height = self.rng.uniform(0.11, 0.17) + (0.08 if self.rugged else 0)
        grille_z = light_z - 0.02
        mesh.box((half - 0.02, 0, grille_z), (0.06, grille_width, grille_height), CHROME)
        mesh.box(
            (half - 0.01, 0, grille_z), (0.06, grille_width - 0.05, grille_height - 0.05), BLACK
        )
        if self.chance(0.6):
            mesh.box((half + 0.005, 0, grille_z), (0.05, grille_width - 0.05, 0.03), CHROME)
        self._bumper(half, 1.0)
        low = shape.clearance + 0.16
        mesh.box((half + 0.05, 0, low + 0.10), (0.03, 0.50, 0.11), PLATE)
        mesh.box((half + 0.01, 0, low - 0.06), (0.10, 1.1, 0.09), BLACK)
        mesh.box_pair((half + 0.0, width - 0.25, low + 0.0), (0.12, 0.18, 0.08), HEADLIGHT)

    def _bumper(self, half: float, end: float) -> None:
        """A bumper around the end: in body colour, or unpainted on rugged cars and vans."""
        shape = self.shape
        material = {"suv": PLASTIC, "pickup": CHROME}.get(self.model, PAINT)
        if self.model == "van" and self.chance(0.6):
            material = PLASTIC
        z = shape.clearance + 0.20
        size = (0.26, 2 * self._end_half_width() - 0.02, 0.24)
        self.mesh.box((end * (half - 0.08), 0, z), size, material, radius=0.09)

    def _rear(self) -> None:
        shape, mesh = self.shape, self.mesh
        half, width = shape.half_length, self._end_half_width()
        if self.model in ("suv", "van", "pickup", "hatchback"):
            size = (0.16, 0.17, 0.24 if self.model == "hatchback" else 0.38)
            y, z = width - 0.08, shape.tail - 0.10 - size[2] / 2
        else:
            size = (0.16, 0.46, 0.14)
            y, z = width - 0.24, shape.tail - 0.18
            mesh.box((-half, 0, z), (0.04, 1.2, 0.03), CHROME)
        mesh.box_pair((-half + 0.05, y, z), size, TAIL_LIGHT, radius=0.04)
        mesh.box_pair((-half + 0.045, y, z - size[2] / 2 + 0.03), (0.165, size[1], 0.04), HEADLIGHT)
        self._bumper(half, -1.0)
        mesh.box((-half - 0.02, 0, shape.clearance + 0.42), (0.03, 0.50, 0.11), PLATE)
        for side in BOTH_SIDES:
            if side > 0 or self.chance(0.5):
                pipe_x, pipe_z = -half - 0.01, shape.clearance + 0.04
                mesh.bar(
                    (pipe_x, 0.5 * side, pipe_z), (-half + 0.3, 0.5 * side, pipe_z), 0.04, CHROME
                )
        gate = {"suv": 0.62, "van": 0.66, "hatchback": 0.58, "pickup": 0.62, "sedan": 0.5}
        seam = gate.get(self.model, 0.5) * shape.half_width * 1.25
        low, high = shape.clearance + 0.36, shape.tail - 0.10
        mesh.box_pair((-half - 0.001, seam, (low + high) / 2), (0.012, 0.015, high - low), SEAM)
        if self.model == "suv" and self.chance(0.45):
            self._spare_wheel()

    def _spare_wheel(self) -> None:
        shape = self.shape
        x, z, radius = -shape.half_length - 0.10, shape.belt - 0.12, 0.9 * shape.wheel_radius
        mesh = Mesh()
        profile = [(-0.1, 0.0), (-0.1, radius), (0.06, radius), (0.1, 0.9 * radius), (0.11, 0.0)]
        mesh.lathe((0, 1e-3, 0), profile, PLASTIC)
        mesh.lathe((0, 2e-3, 0), [(0.115, 0.62 * radius), (0.12, 0.0)], RIM)
        wheel = mesh.triangles()
        quarter = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # turns outwards to the rear
        turned = wheel.points @ quarter + [x, 0, z], wheel.normals @ quarter, wheel.surface
        self.mesh.extend(Triangles(*turned))

    def _cabin(self) -> None:
        shape = self.shape
        cabin = Greenhouse(shape)
        cabin.build(self.mesh)
        trim = CHROME if self.chance(0.5) else BLACK
        panel_van = self.model == "van" and self.chance(0.5)
        shares = {
            "sedan": [(0.0, 0.48), (0.51, 0.88), (0.905, 1.0)],
            "hatchback": [(0.0, 0.55), (0.59, 1.0)],
            "suv": [(0.0, 0.35), (0.38, 0.68), (0.71, 1.0)],
            "pickup": [(0.0, 1.0)] if self.chance(0.5) else [(0.0, 0.6), (0.65, 1.0)],
            "van": [(0.0, 0.24)] if panel_van else [(0.0, 0.24), (0.29, 0.62), (0.66, 1.0)],
        }[self.model]
        cabin.windows(self.mesh, shares, trim)
        cabin.screen(self.mesh, False, shape.belt - 0.01, cabin.wall_top + 0.0)
        if not (panel_van and self.chance(0.4)):
            cabin.screen(self.mesh, True, shape.belt + 0.04, cabin.wall_top - 0.03)
        if self.model == "suv" or (self.model == "van" and self.chance(0.25)):
            self._roof_rails(cabin, CHROME if self.chance(0.6) else BLACK)
        if self.model == "hatchback":
            x = shape.roof_rear_x + 0.06
            self.mesh.box(
                (x, 0, shape.roof - 0.03), (0.26, 1.3 * cabin.half_width(shape.roof), 0.05), PAINT
            )

    def _roof_rails(self, cabin: Greenhouse, material: Material) -> None:
        shape = self.shape
        y, z = 0.80 * float(cabin.half_width(np.array(shape.roof))), shape.roof + 0.075
        front, rear = shape.roof_front_x - 0.35, shape.roof_rear_x + 0.25
        for side in BOTH_SIDES:
            self.mesh.bar((front, side * y, z), (rear, side * y, z), 0.028, material)
            for x in (front, (front + rear) / 2, rear):
                self.mesh.bar((x, side * y, z - 0.09), (x, side * y, z), 0.028, material)

    def _well(
        self, rear: float, front: float, depth: float, material: Material
    ) -> tuple[float, float]:
        """Line a hole in the body's top; returns its ends."""
        x = np.linspace(rear, front, 9)
        rim = self.body.deck(x, np.full(9, 7 / 6))  # the column at which the top ends
        floor = rim * [1, 1, 0] + [0, 0, self.shape.belt - depth]
        self.mesh.both_sides(
            np.stack([rim, floor]), np.tile([0.0, -1, 0.2], (2, 9, 1)), material, openness=0.6
        )
        middle = floor * [1, 0, 1]
        up = np.tile([0.0, 0, 1], (2, 9, 1))
        self.mesh.both_sides(np.stack([floor, middle]), up, material, openness=0.75)
        for end, facing in ((0, 1.0), (-1, -1.0)):
            wall = self.body.deck(np.full(7, x[end]), np.linspace(7 / 6, 2, 7))
            foot = wall * [1, 1, 0] + [0, 0, self.shape.belt - depth]
            normals = np.tile([facing, 0, 0.2], (2, 7, 1))
            self.mesh.both_sides(np.stack([wall, foot]), normals, material, openness=0.6)
        return rear, front

    def _bed(self) -> tuple[float, float]:
        shape = self.shape
        rear, front = -shape.half_length + 0.16, shape.rear_glass_x - 0.10
        liner = PLASTIC if self.chance(0.7) else replace(PAINT, gloss=0.3)
        well = self._well(rear, front, 0.42, liner)
        y = float(self.body.half_width(np.array(0.0), np.array(shape.belt))) - 0.10
        middle, length = (rear + front) / 2, front - rear
        rail = CHROME if self.chance(0.3) else PLASTIC
        self.mesh.box_pair((middle, y, shape.belt + 0.02), (length, 0.10, 0.05), rail)
        if self.chance(0.35):  # a roll bar behind the cab
            x, top = front - 0.15, shape.roof - 0.12
            for side in BOTH_SIDES:
                self.mesh.bar(
                    (x, side * (y - 0.05), shape.belt), (x, side * (y - 0.18), top), 0.04, CHROME
                )
            self.mesh.bar((x, -(y - 0.18), top), (x, y - 0.18, top), 0.04, CHROME)
        return well

    def _cockpit(self) -> tuple[float, float]:
        shape = self.shape
        front, rear = shape.screen_x - 0.12, -0.95 * shape.length / 4.2
        leather = LEATHERS[self.rng.integers(len(LEATHERS))]
        well = self._well(rear, front, 0.45, leather if self.chance(0.5) else BLACK)
        floor = shape.belt - 0.45
        for x in (front - 0.82, front - 1.38) if self.chance(0.5) else (front - 0.95,):
            tall = 0.66 if x > front - 1.1 else 0.56
            size = (0.16, 0.50, tall)
            self.mesh.box_pair((x, 0.36, floor + 0.06 + tall / 2), size, leather, radius=0.07)
            self.mesh.box_pair(
                (x + 0.22, 0.36, floor + 0.14), (0.46, 0.48, 0.16), leather, radius=0.07
            )
            self.mesh.box_pair(
                (x - 0.02, 0.36, floor + tall + 0.12), (0.10, 0.27, 0.15), leather, radius=0.05
            )
        self.mesh.box((front - 0.10, 0, shape.belt - 0.06), (0.22, 1.3, 0.14), BLACK, radius=0.06)
        self._steering_wheel(front - 0.32)
        self._windscreen()
        if self.chance(0.6):  # the folded roof
            cloth = PLASTIC if self.chance(0.7) else leather
            self.mesh.box(
                (rear - 0.05, 0, shape.belt + 0.05), (0.36, 1.34, 0.14), cloth, radius=0.07
            )
        return well

    def _steering_wheel(self, x: float) -> None:
        angle = np.linspace(0, 2 * np.pi, 13)
        up = self.shape.belt + 0.02 + 0.16 * np.sin(angle)
        ring = np.stack([x - 0.06 * np.sin(angle), 0.36 + 0.17 * np.cos(angle), up], -1)
        for start, end in pairwise(ring):
            self.mesh.bar(start, end, 0.018, BLACK)

    def _windscreen(self) -> None:
        shape = self.shape
        foot_y, top_y = 0.80 * shape.half_width, 0.68 * shape.half_width
        foot_z, top_z = shape.belt - 0.02, shape.roof
        share = np.linspace(-1, 1, 9)
        bow = 0.14 * (1 - share**2)
        foot = np.stack([shape.screen_x - 0.06 + bow, share * foot_y, 0 * share + foot_z], -1)
        top = np.stack([shape.roof_front_x - 0.02 + bow, share * top_y, 0 * share + top_z], -1)
        normals = np.stack([0 * share + 0.6, 0.25 * share, 0 * share + 0.7], -1)
        self.mesh.grid(np.stack([foot, top]), np.stack([normals, normals]), SCREEN)
        frame = CHROME if self.chance(0.5) else BLACK
        for line in (top, np.stack([foot[0], top[0]]), np.stack([foot[-1], top[-1]])):
            for start, end in pairwise(line):
                self.mesh.bar(tuple(start), tuple(end), 0.03, frame)


def build_car(car_model: str, geometry_seed: int) -> Triangles:
    """The triangles of one car; the seed chooses its proportions and equipment."""
    return CarBuilder(car_model, np.random.default_rng(geometry_seed)).build()
