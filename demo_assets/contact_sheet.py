"""Put the first test images of demo_cars on one sheet, to look at::

python -m demo_assets.contact_sheet resources/demo_cars/test.parquet docs/demo_cars.jpg
"""

import argparse
import io
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image


def contact_sheet(images: list[bytes], columns: int, size: int) -> Image.Image:
    """Encoded images, row by row, each ``size`` pixels wide and high."""
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * size, rows * size), "white")
    for position, encoded in enumerate(images):
        image = Image.open(io.BytesIO(encoded)).resize((size, size), Image.Resampling.LANCZOS)
        sheet.paste(image, (position % columns * size, position // columns * size))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--rows", type=int, default=3)
    parser.add_argument("--size", type=int, default=128, help="pixels")
    arguments = parser.parse_args()
    images = pq.read_table(arguments.dataset, columns=["image"])["image"].to_pylist()
    shown = images[: arguments.columns * arguments.rows]
    contact_sheet(shown, arguments.columns, arguments.size).save(arguments.output, quality=88)


if __name__ == "__main__":
    main()
