"""Render the test images of demo_cars and write them as one parquet file::

    python -m demo_assets.build_dataset resources/demo_cars/test.parquet

Columns: ``image_id``, ``image`` (JPEG), ``mask`` (PNG, 1 bit: the car without its shadow), the
three labels, ``caption``, and the scene's own numbers. The same seed writes the same bytes with the
same versions of VTK, Mesa, Pillow and pyarrow.
"""

import argparse
import io
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from webcolors import CSS3

from demo_assets.captions import CaptionWriter, ColorWords
from demo_assets.renderer import Renderer, compose
from demo_assets.scenes import Scene, draw_scene, nearest_color

SPLIT = "test"
JPEG_QUALITY = 90


def _encode(pixels: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, **options)
    return buffer.getvalue()


def _caption(scene: Scene, seed: int, index: int) -> str:
    paint = ColorWords(scene.car_color, nearest_color(scene.paint_rgb, CSS3))
    background = ColorWords(scene.background_color, nearest_color(scene.background_rgb, CSS3))
    writer = CaptionWriter((seed, index))
    return writer.write(scene.car_model, paint, background, full=True)


def build_rows(seed: int, images: int, size: int) -> list[dict]:
    """One row an image; image ``i`` depends on the seed and ``i`` only."""
    renderer = Renderer(size)
    rows = []
    for index in range(images):
        scene = draw_scene(seed, SPLIT, index)
        layers = renderer.layers(scene)
        image = compose(layers, scene.paint_rgb, scene.background_rgb)
        rows.append(
            {
                "image_id": f"{SPLIT}_{index:05d}",
                # 4:4:4 keeps the paint's colour up to the car's outline
                "image": _encode(image, format="JPEG", quality=JPEG_QUALITY, subsampling=0),
                "mask": _encode(layers.mask, format="PNG", optimize=True),
                "car_model": scene.car_model,
                "car_color": scene.car_color,
                "background_color": scene.background_color,
                "caption": _caption(scene, seed, index),
                **{k: v for k, v in asdict(scene).items() if k != "car_model"},
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=192, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    table = pa.Table.from_pylist(build_rows(arguments.seed, arguments.images, arguments.size))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, arguments.output, compression="zstd")
    print(f"{arguments.output}: {table.num_rows} images, {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
