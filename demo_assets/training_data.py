"""Training data of the demo CLIPs: car geometries rendered once, recoloured for every batch.

A render is linear in the paint and the background colour (see :mod:`demo_assets.renderer`), so that
a few thousand geometries give an endless stream of differently coloured images::

    python -m demo_assets.training_data build/demo_layers.npz --geometries 16000 --workers 2
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from demo_assets.scenes import CAR_MODELS, draw_scene

SPLIT = "train"
CHUNK = 250


def _render_chunk(seed: int, size: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    from demo_assets.renderer import Renderer

    renderer = Renderer(size)
    layers = np.empty((stop - start, 5, size, size), np.uint8)
    car_models = np.empty(stop - start, np.uint8)
    for row, index in enumerate(range(start, stop)):
        scene = draw_scene(seed, SPLIT, index)
        rendered = renderer.layers(scene)
        channels = [*np.moveaxis(rendered.base, -1, 0), rendered.paint, rendered.background]
        layers[row] = np.clip(np.rint(channels), 0, 255)
        car_models[row] = CAR_MODELS.index(scene.car_model)
    return layers, car_models


def render_layers(path: Path, *, seed: int, geometries: int, size: int, workers: int) -> None:
    """Render the layers of training scenes and write them as one npz.

    Arrays: ``layers`` (n, 5, size, size) uint8, the three base channels, the paint gain and the
    background gain; ``car_models`` (n,) uint8, an index into ``CAR_MODELS``.
    """
    starts = range(0, geometries, CHUNK)
    stops = [min(start + CHUNK, geometries) for start in starts]
    n = len(stops)
    # OpenGL contexts do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_render_chunk, [seed] * n, [size] * n, starts, stops))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        layers=np.concatenate([layers for layers, _ in parts]),
        car_models=np.concatenate([car_models for _, car_models in parts]),
    )


def hsv_to_rgb(hsv: np.ndarray) -> np.ndarray:
    """(n, 3) HSV in [0, 1] to (n, 3) RGB in [0, 1]."""
    from matplotlib.colors import hsv_to_rgb

    return hsv_to_rgb(hsv).astype(np.float32)


def recolored_batches(
    layers: np.ndarray, car_models: np.ndarray, batch_size: int, *, seed: int, max_shift: int = 3
) -> Iterator[tuple[np.ndarray, list[str], np.ndarray, np.ndarray]]:
    """Endless batches of images, car models, paint and background colours.

    Yields images (n, 3, h, w) float32 in [0, 1], the n car models' names, and two (n, 3) arrays of
    RGB in [0, 1]. Images are mirrored at random and shifted by at most ``max_shift`` pixels.
    """
    random = np.random.default_rng(seed)
    size = layers.shape[-1]
    padding = ((0, 0), (0, 0), (max_shift, max_shift), (max_shift, max_shift))
    while True:
        rows = random.integers(len(layers), size=batch_size)
        paint, background = hsv_to_rgb(random.random((2, batch_size, 3)))
        chosen = layers[rows].astype(np.float32)
        images = chosen[:, :3]
        images += chosen[:, 3:4] * paint[:, :, None, None]
        images += chosen[:, 4:5] * background[:, :, None, None]
        images = np.clip(images, 0, 255, out=images) / np.float32(255)
        mirrored = random.random(batch_size) < 0.5
        images[mirrored] = images[mirrored, :, :, ::-1]
        top, left = random.integers(2 * max_shift + 1, size=2)
        padded = np.pad(images, padding, mode="edge")
        images = padded[:, :, top : top + size, left : left + size]
        yield images, [CAR_MODELS[index] for index in car_models[rows]], paint, background


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--geometries", type=int, default=16_000)
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    started = time.perf_counter()
    render_layers(
        arguments.output,
        seed=arguments.seed,
        geometries=arguments.geometries,
        size=arguments.size,
        workers=arguments.workers,
    )
    print(f"{arguments.output}: {arguments.geometries} geometries, "
          f"{time.perf_counter() - started:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
