"""demo_cars: the rendered cars that this repository ships (see resources/demo_cars/README.md)."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lanzdml.datasets import parquet_file
from lanzdml.errors import LanzdmlError, in_one_line

OWN_FILE = "resources/demo_cars/test.parquet"
COLUMNS = ("image_id", "image", "mask", "car_model", "car_color", "background_color")


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of the embedded test images.

    Args:
        root: the parquet file that ``demo_assets.build_dataset`` writes.

    Raises:
        LanzdmlError: no such file, no parquet, or columns are missing.
    """
    if not root.is_file():
        raise LanzdmlError(
            f"demo_cars: there is no file {root}; the repository's own is {OWN_FILE}"
        )
    try:
        parquet_file.read_schema(root)  # which looks at how much it holds
        return pq.read_table(root, columns=list(COLUMNS)).to_pandas()
    except (pa.ArrowException, KeyError, OSError) as error:
        raise LanzdmlError(f"{root} is no demo_cars file: {in_one_line(error)}") from None
