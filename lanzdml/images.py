"""Images as CLIP takes them."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lanzdml.errors import LanzdmlError
from lanzdml.manifest import ID, IMAGE, PATH

if TYPE_CHECKING:
    from PIL.Image import Image


def to_rgb(image: "Image") -> "Image":
    """An image of any mode in RGB with 8 bits a channel.

    Pillow would cut 16-bit grey values at 255, and turn nearly all of them white.

    Raises:
        ValueError: its values have 32 bits, of which nobody says what is black and what is white.
        OSError, SyntaxError: its data are broken.
    """
    if image.mode in ("I", "F"):
        raise ValueError("it has 32 bits a pixel; save it with 8 bits a channel")
    if image.mode.startswith("I;16"):
        from PIL.Image import fromarray

        image = fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def read_image(source: Path | bytes, name: str) -> "Image":
    """An image in RGB, from its file or its encoded bytes; ``name`` is what messages call it.

    Raises:
        LanzdmlError: it cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
            return to_rgb(image)
    # Pillow raises all of these for broken files.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise LanzdmlError(f"{name} cannot be read: {error}") from error


class Images:
    """The images of a manifest in its order, in RGB; each is read when it is asked for."""

    def __init__(self, manifest: pd.DataFrame, root: Path) -> None:
        self._ids = manifest[ID].tolist()
        self._sources = manifest[PATH if PATH in manifest else IMAGE].tolist()
        self._root = root

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> "Image":
        source, name = self._sources[index], f"image {self._ids[index]}"
        if isinstance(source, str):
            source = self._root / source
            name += f" ({source})"
        return read_image(source, name)
