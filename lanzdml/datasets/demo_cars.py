"""demo_cars: the rendered cars that this repository ships (see resources/demo_cars/README.md)."""

from pathlib import Path

import pandas as pd

from lanzdml.datasets import parquet_file, raw
from lanzdml.errors import LanzdmlError

OWN_FILE = "resources/demo_cars/test.parquet"
ANY_COLOR, COLORS = "any_color", ["car_color", "background_color"]
COLUMNS = ("image_id", "image", "mask", "car_model", "car_color", "background_color")


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of the embedded test images.

    ``any_color`` are the colours of car and background together: mostly two values an image.

    Args:
        root: the parquet file that ``demo_assets.build_dataset`` writes.

    Raises:
        LanzdmlError: no such file, no parquet, or columns are missing.
    """
    if not root.is_file():
        raise LanzdmlError(
            f"demo_cars: there is no file {root}; the repository's own is {OWN_FILE}"
        )
    if missing := set(COLUMNS) - set(parquet_file.read_schema(root).names):
        raise LanzdmlError(f"{root} is no demo_cars file: it has no column {min(missing)!r}")
    manifest = parquet_file.read_result(root, list(COLUMNS)).replace_schema_metadata().to_pandas()
    colors = [
        tuple(sorted(set(row) - {None})) or None
        for row in zip(*(manifest[name] for name in COLORS), strict=True)
    ]
    manifest[ANY_COLOR] = raw.column_of_values(colors)
    return manifest
