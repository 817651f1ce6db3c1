"""Cars as images, off-screen with VTK, in layers that are recoloured exactly.

An image is `base + paint * paint_rgb + background * background_rgb`: the diffuse light on the
body is proportional to its paint, reflections and other materials are in `base`, and the backdrop
with its shadow is proportional to the background colour. One set of layers serves all colours.
"""

import os
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from demo_assets.cars import Triangles, build_car
from demo_assets.scenes import Scene, Triple
from lanzdml.errors import LanzdmlError

Array = np.ndarray

VIEW_ANGLE = 22.0  # degrees, of the camera, from the image's lower to its upper edge
BASE_PASS, PAINT_PASS = 0, 1
FOOTPRINT_MARGIN = 0.05  # metres

VERTEX_DECLARATIONS = """
in vec3 facing;
in vec3 albedo;
in vec4 finish;
out vec3 pointWorld;
out vec3 facingWorld;
out vec3 albedoIn;
out vec4 finishIn;
"""
VERTEX_CODE = """
pointWorld = vertexMC.xyz;
facingWorld = facing;
albedoIn = albedo;
finishIn = finish;
"""
FRAGMENT_DECLARATIONS = """
in vec3 pointWorld;
in vec3 facingWorld;
in vec3 albedoIn;
in vec4 finishIn;

// A studio: a bright horizon, a soft box overhead, a floor that gets dimmer towards the feet.
float studio(vec3 ray)
{
  float sky = mix(0.95, 0.32, smoothstep(0.0, 0.60, ray.z));
  float box = smoothstep(0.72, 0.90, ray.z);
  float ground = mix(0.15, 0.85, smoothstep(-0.8, 0.0, ray.z));
  return mix(ground, sky + 0.75 * box, smoothstep(-0.02, 0.10, ray.z));
}
"""
FRAGMENT_CODE = """
vec3 eye = normalize(cameraWorld - pointWorld);
vec3 normal = normalize(facingWorld);
float inside = step(dot(normal, eye), 0.0);
normal = mix(normal, -normal, inside);
float paint = finishIn.x, gloss = finishIn.y, glow = finishIn.z;
// Less of the sky is seen near the ground and inside the shell.
float open = finishIn.w * mix(1.0, 0.15, inside * step(0.5, paint));
open *= mix(0.55, 1.0, smoothstep(0.0, 0.75, pointWorld.z + 0.35 * max(normal.z, 0.0)));
float sun = sunIntensity * max(dot(normal, sunWorld), 0.0);
float sky = 0.5 + 0.5 * normal.z;
float front = max(dot(normal, eye), 0.0);
float diffuse = open * (0.31 + 0.24 * sky + 0.14 * front + 0.47 * sun);
diffuse = min(mix(diffuse, 1.0, glow), 1.0);
vec3 ray = reflect(-eye, normal);
float fresnel = 0.10 + 0.75 * pow(1.0 - front, 3.5);
float highlight = sunIntensity * pow(max(dot(ray, sunWorld), 0.0), 120.0);
float reflection = open * gloss * (fresnel * studio(ray) + 0.45 * highlight);
if (passIndex == 0)
  fragOutput0 = vec4(albedoIn * diffuse + reflection, 1.0);
else
  fragOutput0 = vec4(paint * diffuse, 1.0, 0.0, 1.0);
"""


@dataclass(frozen=True)
class Layers:
    """One geometry, ready for any colours; float32 in 0..255, h x w pixels."""

    base: Array  # (h, w, 3): what depends on neither colour
    paint: Array  # (h, w): gain of the paint colour
    background: Array  # (h, w): gain of the background colour
    mask: Array  # (h, w) bool: the car, without its shadow


def compose(layers: Layers, paint_rgb: Triple, background_rgb: Triple) -> Array:
    """The image (h, w, 3) uint8 in these colours (RGB in 0..1)."""
    image = (
        layers.base
        + layers.paint[..., None] * np.asarray(paint_rgb, np.float32)
        + layers.background[..., None] * np.asarray(background_rgb, np.float32)
    )
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Camera:
    """A camera looking from `position` at `target` (3,), z being up in the image."""

    position: Array
    target: Array

    @cached_property
    def axes(self) -> Array:
        """Rows: right, up, forward."""
        forward = self.target - self.position
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    def ground_points(self, size: int) -> tuple[Array, Array]:
        """Where each pixel's ray meets the ground: (size, size, 2), and whether it does."""
        reach = np.tan(np.radians(VIEW_ANGLE) / 2)
        across = ((np.arange(size) + 0.5) / size * 2 - 1) * reach
        right, up, forward = self.axes
        rays = forward + across[None, :, None] * right - across[:, None, None] * up
        downward = rays[..., 2] < -1e-3
        steps = -self.position[2] / np.where(downward, rays[..., 2], -1.0)
        return (self.position + steps[..., None] * rays)[..., :2], downward


def place_camera(scene: Scene, points: Array) -> Camera:
    """Put the camera so that a car with these points (n, 3) fills the frame and stays inside.

    At distance 1 the car's extent in view just fits; seen from the side that is its length. Half
    of the gain from a shorter view (a car seen from the front) is given away, so that cars do not
    all look equally large.
    """
    low, high = points.min(0), points.max(0)
    center = (low + high) / 2
    horizontal = np.cos(scene.elevation)
    direction = np.array(
        [np.cos(scene.yaw) * horizontal, np.sin(scene.yaw) * horizontal, np.sin(scene.elevation)]
    )
    axes = Camera(center + direction, center).axes
    right, up, forward = axes @ (points - center).T
    reach = np.tan(np.radians(VIEW_ANGLE) / 2)
    fits = (np.maximum(np.abs(right), np.abs(up)) / reach - forward).max()
    side_on = (high[0] - low[0]) / 2 / reach
    distance = scene.distance * max(fits, (fits + side_on) / 2)
    target = center + np.array(scene.target)
    return Camera(target + distance * direction, target)


def _smooth_step(value: Array, low: float, high: float) -> Array:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def soft_shadow(ground: Array, points: Array, sun: Array) -> Array:
    """Darkness 0..1 of the ground (..., 2) around a car: a soft patch drawn out from the sun."""
    low, high = points.min(0)[:2] + FOOTPRINT_MARGIN, points.max(0)[:2] - FOOTPRINT_MARGIN
    center, half = (low + high) / 2, (high - low) / 2

    def patch(offset: Array, blur: float) -> Array:
        beyond = np.abs(ground - center - offset) - half + 0.35
        along, across = beyond[..., 0], beyond[..., 1]
        outside = np.hypot(np.maximum(along, 0), np.maximum(across, 0))
        distance = outside + np.minimum(np.maximum(along, across), 0)
        return 1 - _smooth_step(distance, 0.35 - blur, 0.35 + blur)

    cast = -0.45 * sun[:2] / max(sun[2], 0.4)
    contact = patch(np.zeros(2), 0.30)
    return 1 - (1 - 0.55 * contact) * (1 - 0.40 * patch(cast, 0.60))


class Renderer:
    """Renders scenes at `size` x `size` pixels, `supersampling` samples wide per pixel."""

    def __init__(self, size: int, supersampling: int = 2) -> None:
        self.size, self.supersampling = size, supersampling
        self._vtk = _import_vtk()
        self._renderer = self._vtk.vtkRenderer()
        self._actor = self._vtk.vtkActor()
        self._uniforms = self._prepare_actor()
        self._window = self._open_window()

    def layers(self, scene: Scene) -> Layers:
        car = build_car(scene.car_model, scene.geometry_seed)
        points = car.points.reshape(-1, 3)
        camera = place_camera(scene, points)
        sun = _direction(scene.sun_azimuth, scene.sun_elevation)
        self._actor.SetMapper(self._mapper(car))
        self._set_view(camera, sun, scene.sun_intensity)
        base = self._render(BASE_PASS)
        paint, coverage, _ = np.moveaxis(self._render(PAINT_PASS), -1, 0)
        coverage = coverage / 255
        glow, background = self._backdrop(camera, points, sun)
        behind = 1 - coverage
        return Layers(
            base=(base + (behind * glow)[..., None]).astype(np.float32),
            paint=paint.astype(np.float32),
            background=(behind * background).astype(np.float32),
            mask=coverage >= 0.5,
        )

    def _backdrop(self, camera: Camera, points: Array, sun: Array) -> tuple[Array, Array]:
        """White light on the backdrop and its gain, (h, w) each in 0..255.

        The faint white pool of light keeps the outline of the car visible on black.
        """
        ground, hit = camera.ground_points(self.size)
        shadow = np.where(hit, soft_shadow(ground, points, sun), 0.0)
        height = np.linspace(1, -1, self.size)[:, None]
        width = np.linspace(-1, 1, self.size)[None, :]
        pool = np.exp(-1.1 * (width**2 + height**2))
        gradient = 0.90 + 0.10 * pool
        return 30 * pool * (1 - shadow), 255 * gradient * (1 - shadow)

    def _set_view(self, camera: Camera, sun: Array, intensity: float) -> None:
        view = self._renderer.GetActiveCamera()
        view.SetViewAngle(VIEW_ANGLE)
        view.SetFocalPoint(*camera.target)
        view.SetPosition(*camera.position)
        view.SetViewUp(0, 0, 1)
        distance = float(np.linalg.norm(camera.position - camera.target))
        view.SetClippingRange(max(distance - 5, 0.5), distance + 5)
        self._uniforms.SetUniform3f("cameraWorld", camera.position.tolist())
        self._uniforms.SetUniform3f("sunWorld", sun.tolist())
        self._uniforms.SetUniformf("sunIntensity", intensity)

    def _render(self, pass_index: int) -> Array:
        """(h, w, 3) in 0..255, averaged over the samples."""
        from vtk.util.numpy_support import vtk_to_numpy

        self._uniforms.SetUniformi("passIndex", pass_index)
        self._window.Render()
        samples = self.size * self.supersampling
        pixels = self._vtk.vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, samples - 1, samples - 1, 0, pixels, 0)
        image = vtk_to_numpy(pixels).reshape(samples, samples, 3)[::-1].astype(np.float32)
        step = self.supersampling
        offsets = [(row, column) for row in range(step) for column in range(step)]
        return sum(image[row::step, column::step] for row, column in offsets) / step**2

    def _open_window(self):
        window = self._vtk.vtkRenderWindow()
        window.SetOffScreenRendering(1)
        window.SetMultiSamples(0)
        window.SetSize(self.size * self.supersampling, self.size * self.supersampling)
        self._renderer.SetBackground(0, 0, 0)
        self._renderer.AddActor(self._actor)
        window.AddRenderer(self._renderer)
        window.Initialize()
        if not window.GetInitialized():  # rendering without a context would crash
            raise LanzdmlError(
                "VTK cannot open an off-screen OpenGL context, needed to render demo_cars; "
                "install the system packages libegl1 and libgl1-mesa-dri."
            )
        return window

    def _prepare_actor(self):
        """Replace VTK's shading by ours; returns the shader's variables."""
        shader = self._actor.GetShaderProperty()
        vertex, fragment = shader.AddVertexShaderReplacement, shader.AddFragmentShaderReplacement
        declare, position = "//VTK::PositionVC::Dec", "//VTK::PositionVC::Impl"
        vertex(declare, True, declare + VERTEX_DECLARATIONS, False)
        vertex(position, True, position + VERTEX_CODE, False)
        fragment(declare, True, declare + FRAGMENT_DECLARATIONS, False)
        shade = "//VTK::Light::Impl"
        fragment(shade, True, shade + FRAGMENT_CODE, False)
        self._actor.GetProperty().LightingOff()
        return shader.GetFragmentCustomUniforms()

    def _mapper(self, car: Triangles):
        """A fresh mapper for one car, so that nothing of the scene before is left."""
        from vtk.util.numpy_support import numpy_to_vtk

        vtk = self._vtk
        count = len(car.points)
        surface = np.repeat(car.surface, 3, axis=0)
        points = vtk.vtkPoints()
        points.SetData(numpy_to_vtk(car.points.reshape(-1, 3).astype(np.float32), deep=1))
        corners = vtk.vtkCellArray()
        corners.SetData(3, _vtk_ids(np.arange(3 * count)))
        data = vtk.vtkPolyData()
        data.SetPoints(points)
        data.SetPolys(corners)
        mapper = vtk.vtkPolyDataMapper()
        mapper.SetVBOShiftScaleMethod(0)  # the shader takes the points as they are
        attributes = {
            "facing": car.normals.reshape(-1, 3),
            "albedo": surface[:, :3],
            "finish": surface[:, 3:],
        }
        for name, values in attributes.items():
            array = numpy_to_vtk(np.ascontiguousarray(values, np.float32), deep=1)
            array.SetName(name)
            data.GetPointData().AddArray(array)
            mapper.MapDataArrayToVertexAttribute(
                name, name, vtk.vtkDataObject.FIELD_ASSOCIATION_POINTS, -1
            )
        mapper.SetInputData(data)
        mapper.ScalarVisibilityOff()
        return mapper


def _vtk_ids(values: Array):
    from vtk.util.numpy_support import numpy_to_vtkIdTypeArray

    return numpy_to_vtkIdTypeArray(values.astype(np.int64), deep=1)


def _direction(azimuth: float, elevation: float) -> Array:
    level = np.cos(elevation)
    return np.array([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)])


def _import_vtk():
    """VTK, told before it is loaded to do without a display."""
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    import vtk

    return vtk
