"""Cars rendered anew; apart from what loads torch, beside which VTK cannot start."""

import io

import pandas as pd
from PIL import Image

from demo_assets.build_dataset import JPEG_QUALITY
from demo_assets.renderer import Renderer, compose
from demo_assets.scenes import draw_scene

LABELS = ("car_model", "car_color", "background_color")
PIXELS = 192


def render(start: int, stop: int) -> pd.DataFrame:
    """Scenes of a split of their own as a manifest, images as those of demo_cars are stored."""
    renderer, rows = Renderer(PIXELS), []
    for index in range(start, stop):
        scene = draw_scene(0, "intervals", index)
        image = compose(renderer.layers(scene), scene.paint_rgb, scene.background_rgb)
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
        labels = {notion: getattr(scene, notion) for notion in LABELS}
        rows.append({"image_id": str(index), "image": buffer.getvalue(), **labels})
    return pd.DataFrame(rows)
