"""Images as CLIP takes them."""

from typing import TYPE_CHECKING

import numpy as np

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
