"""The generator of demo_cars: random scenes, their colour names, and the rendered layers."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import webcolors

from demo_assets.renderer import Layers, Renderer, compose
from demo_assets.scenes import CAR_MODELS, color_table, draw_scene, nearest_color
from lanzdml.errors import LanzdmlError

REPOSITORY = Path(__file__).parents[1]
THOUSAND = [draw_scene(0, "test", index) for index in range(1000)]


def test_a_scene_depends_on_seed_split_and_index_alone():
    assert draw_scene(0, "test", 7) == THOUSAND[7]
    others = [draw_scene(1, "test", 7), draw_scene(0, "train", 7), draw_scene(0, "test", 8)]
    assert THOUSAND[7] not in others


def test_splits_share_no_scene():
    train = {draw_scene(0, "train", index).geometry_seed for index in range(1000)}
    common = train & {scene.geometry_seed for scene in THOUSAND}
    assert len(common) <= 1  # of 2**31 seeds; equal streams would share all of them
    assert not {draw_scene(0, "train", index) for index in range(1000)} & set(THOUSAND)


def test_all_models_and_colors_occur():
    names = set(color_table())
    assert len(names) == 17
    assert {scene.car_model for scene in THOUSAND} == set(CAR_MODELS)
    assert {scene.car_color for scene in THOUSAND} == names
    assert {scene.background_color for scene in THOUSAND} == names


def test_factors_are_independent():
    paints = np.array([scene.paint_hsv for scene in THOUSAND])
    backgrounds = np.array([scene.background_hsv for scene in THOUSAND])
    models = np.array([CAR_MODELS.index(scene.car_model) for scene in THOUSAND])[:, None]
    factors = np.concatenate([paints, backgrounds, models], axis=1)
    correlation = np.corrcoef(factors.T) - np.eye(factors.shape[1])
    assert np.abs(correlation).max() < 0.12


@pytest.mark.parametrize("spec", [webcolors.CSS21, webcolors.CSS3])
def test_nearest_color_is_the_nearest_neighbour(spec):
    def directly(rgb: np.ndarray) -> float:
        return min(
            sum((value - channel / 255) ** 2 for value, channel in zip(rgb, color, strict=True))
            for color in (webcolors.name_to_rgb(name, spec) for name in webcolors.names(spec))
        )

    colors = np.random.default_rng(0).random((200, 3))
    names = nearest_color(colors, spec)
    assert names.shape == (200,)
    for rgb, name in zip(colors, names, strict=True):
        chosen = np.array(webcolors.name_to_rgb(name, spec)) / 255
        assert ((rgb - chosen) ** 2).sum() == pytest.approx(directly(rgb))
        assert nearest_color(rgb, spec) == name


def test_scenes_need_no_vtk():
    code = "import sys, demo_assets.scenes, demo_assets.renderer; sys.exit('vtk' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_compose_adds_both_colors_and_clips():
    base = np.full((1, 2, 3), 10, np.float32)
    paint = np.array([[200, 0]], np.float32)
    background = np.array([[0, 255]], np.float32)
    image = compose(Layers(base, paint, background, paint > 0), (0.5, 0, 1), (0, 1, 0.5))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image[0], [[110, 10, 210], [10, 255, 138]])


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return _renderer_or_skip(64)


def _renderer_or_skip(size: int) -> Renderer:
    try:
        return Renderer(size)
    except ImportError:
        pytest.skip("vtk is not installed")
    except LanzdmlError as error:
        pytest.skip(f"no OpenGL context: {error}")


def _digest(layers: Layers) -> str:
    parts = (layers.base, layers.paint, layers.background, layers.mask)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def test_layers_do_not_depend_on_what_was_rendered_before(renderer):
    first = _digest(renderer.layers(THOUSAND[0]))
    assert _digest(renderer.layers(THOUSAND[1])) != first
    assert _digest(renderer.layers(THOUSAND[0])) == first


def test_a_fresh_process_renders_the_same_bytes(renderer):
    renderer.layers(THOUSAND[2])
    code = (
        "from tests.test_demo_cars import THOUSAND, Renderer, _digest;"
        "print(_digest(Renderer(64).layers(THOUSAND[3])))"
    )
    fresh = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=REPOSITORY, capture_output=True, text=True
    )
    assert fresh.stdout.strip() == _digest(renderer.layers(THOUSAND[3]))


def test_layers_have_the_promised_form(renderer):
    layers = renderer.layers(THOUSAND[4])
    assert layers.base.shape == (64, 64, 3)
    assert layers.paint.shape == layers.background.shape == layers.mask.shape == (64, 64)
    assert {layer.dtype for layer in (layers.base, layers.paint, layers.background)} == {
        np.dtype(np.float32)
    }
    assert layers.mask.dtype == bool
    assert min(layer.min() for layer in (layers.base, layers.paint, layers.background)) >= 0


def test_colors_of_a_scene_change_nothing_but_its_colors(renderer):
    scene = THOUSAND[5]
    recolored = replace(scene, paint_hsv=(0.1, 1.0, 1.0), background_hsv=(0.6, 0.2, 0.1))
    assert _digest(renderer.layers(scene)) == _digest(renderer.layers(recolored))


def test_background_color_stays_off_the_car_and_paint_on_it(renderer):
    for scene in THOUSAND[:12]:
        layers = renderer.layers(scene)
        assert layers.background[~layers.mask].min() > 40  # shadows keep some colour
        assert layers.paint[layers.mask].mean() > 40
        assert layers.background[_shrink(layers.mask)].mean() < 5
        assert layers.paint[_shrink(~layers.mask)].max() == 0


def test_black_on_black_still_shows_the_car(renderer):
    for index, model in enumerate(CAR_MODELS):
        layers = renderer.layers(replace(THOUSAND[index], car_model=model))
        image = compose(layers, (0, 0, 0), (0, 0, 0)).astype(float)
        assert image[layers.mask].std() > 10


def test_every_car_fills_the_frame_without_touching_its_border(renderer):
    for index in range(60):
        scene = replace(THOUSAND[index], car_model=CAR_MODELS[index % len(CAR_MODELS)])
        mask = renderer.layers(scene).mask
        border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert not border.any(), scene
        assert 0.10 < mask.mean() < 0.6, scene
        rows, columns = np.nonzero(mask)
        assert max(np.ptp(rows), np.ptp(columns)) > 0.4 * mask.shape[0], scene


def _shrink(mask: np.ndarray) -> np.ndarray:
    """The pixels whose eight neighbours all belong to the mask."""
    padded = np.pad(mask, 1, constant_values=True)
    height, width = mask.shape
    shifts = [(row, column) for row in range(3) for column in range(3)]
    return np.all([padded[r : r + height, c : c + width] for r, c in shifts], axis=0)
