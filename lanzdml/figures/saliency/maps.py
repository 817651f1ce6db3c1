"""Saliency maps and what share of them is on the foreground, as files hold them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lanzdml.datasets.manifest import ID
from lanzdml.files import replacing
from lanzdml.tensors import save_tensors

SHARES = pa.schema([
    (ID, pa.string()),
    ("notion", pa.string()),
    ("difference", pa.float64()),
    ("indirect", pa.float64()),
    ("clip", pa.float64()),
    ("area", pa.float64()),
])  # fmt: skip
"""The columns of the file of shares, a row an image and notion.

All are shares of what is on the foreground: of the positive difference of the two maps, of each
map, and of the pixels. The difference's is null where no pixel has a positive one.
"""

_TENSORS = ("images", "clip", "indirect", "masks")
_DESCRIBED = ("image_ids", "notions", "dim")


@dataclass(frozen=True)
class SaliencyMaps:
    """The maps of some images as a file holds them; values are in [0, 1].

    Attributes:
        images: (n, height, width, 3) uint8, as the model sees them: resized and cropped.
        clip: (n, height, width) float32.
        indirect: (n, number of notions, height, width) float32.
        masks: (n, height, width) bool, the foreground; all False where an image has no mask.
        image_ids: of the n images.
        notions: names, in the order of ``indirect``.
        dim: r' of InDiReCT.
    """

    images: NDArray[np.uint8]
    clip: NDArray[np.float32]
    indirect: NDArray[np.float32]
    masks: NDArray[np.bool_]
    image_ids: list[str]
    notions: list[str]
    dim: int

    @property
    def difference(self) -> NDArray[np.float32]:
        """InDiReCT's maps minus CLIP's, of the shape of ``indirect``; in [-1, 1]."""
        return self.indirect - self.clip[:, None]


def write_maps(path: Path, maps: SaliencyMaps, metadata: dict[str, str]) -> None:
    """Store maps, with further metadata: of the model that they are of, and the seed."""
    described = {name: json.dumps(getattr(maps, name)) for name in _DESCRIBED}
    save_tensors(path, {name: getattr(maps, name) for name in _TENSORS}, described | metadata)


def read_maps(path: str | os.PathLike[str]) -> SaliencyMaps:
    """The maps that :func:`write_maps` stored."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        described = {key: json.loads(metadata[key]) for key in _DESCRIBED}
        return SaliencyMaps(**{name: file.get_tensor(name) for name in _TENSORS}, **described)


def write_shares(path: Path, shares: Sequence[Mapping[str, str | float | None]]) -> None:
    """Store what is on the foreground: rows with :data:`SHARES`, of which there may be none."""
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(shares, SHARES), temporary)
