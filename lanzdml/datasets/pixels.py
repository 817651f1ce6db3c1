"""What is in a picture of any mode: its colours with 8 bits a channel, or the foreground of a mask.

Nobody says of 16 bits how many of them are used: programs store values of 8, 10, 12 and 14 bits so.
Grey ones are taken to have as many as their largest value needs, of these, and a warning says so;
of colours Pillow keeps the upper byte only, so that those are refused which would be dark for it.
"""

import logging
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

_DEPTHS = (8, 10, 12, 14, 16)
_LOW = 2 ** (14 - 8)  # upper bytes below are of colours with 14 bits or fewer
_HALF = 128
_WHITE_IS_ZERO, _PHOTOMETRIC = 0, 262  # TIFF
_log = logging.getLogger(__name__)


def to_rgb(image: "Image") -> "Image":
    """An image of any mode in RGB with 8 bits a channel; what is transparent keeps its colour.

    Raises:
        ValueError: its values have 32 bits, of which nobody says what is black and what is white,
            or 16 bits a colour of which few are used.
        Exception: whatever its decoder raises for broken data.
    """
    if _is_deep_grey(image):
        from PIL.Image import fromarray

        image = fromarray(_eight_bits(image))
    elif image.mode in ("I", "F"):
        raise ValueError("it has 32 bits a pixel; save it with 8 bits a channel")
    deep = _is_deep_color(image)
    rgb = image.convert("RGB")
    if deep and np.asarray(rgb).max() < _LOW:
        raise ValueError(
            "it has 16 bits a colour and uses so few of them that nobody knows what is white; save "
            "it with 8 bits a channel"
        )
    return rgb


def foreground(mask: "Image") -> NDArray[np.bool_]:
    """The foreground of a mask of any mode: what is not transparent or, in one without
    transparent pixels, what is not black, as objects' numbers are.

    JPEG blurs black into almost black; there the foreground is what is bright.

    Returns:
        (height, width).

    Raises:
        ValueError: it has 16 bits a colour, of which Pillow keeps the upper ones only.
        Exception: whatever its decoder raises for broken data.
    """
    if _is_deep_color(mask):
        raise ValueError("it has 16 bits a colour; save it as a grey picture")
    if mask.mode == "1" or mask.mode[0] in "IF":
        return np.asarray(mask).astype(bool)
    lossy = mask.format == "JPEG"
    if mask.has_transparency_data:
        mask = mask.convert("RGBA")
        opaque = np.asarray(mask.getchannel("A"))
        if opaque.min() < 255:
            return opaque > 0
    colors = np.asarray(mask.convert("RGB"))
    bright: NDArray[np.bool_] = colors >= (_HALF if lossy else 1)
    return np.any(bright, axis=2)


def _is_deep_grey(image: "Image") -> bool:
    # A PGM of more than 8 bits has the mode of 32, and values that Pillow brought to 16.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")


def _is_deep_color(image: "Image") -> bool:
    """Whether Pillow drops lower bytes of an image that is not loaded yet."""
    if image.mode.startswith("I"):
        return False
    tiles = getattr(image, "tile", ())
    return any(";16" in str(tile[3]) for tile in tiles)


def _eight_bits(image: "Image") -> NDArray[np.uint8]:
    values = np.asarray(image).astype(np.uint16)
    depth = next(bits for bits in _DEPTHS if values.max() < 2**bits)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        values = 2**depth - 1 - values
    if depth < _DEPTHS[-1]:
        _say_once(depth)
    return (values >> (depth - 8)).astype(np.uint8)


@cache
def _say_once(depth: int) -> None:
    _log.warning(
        "images with 16 bits a pixel and no value above %s are taken as ones of %s bits",
        f"{2**depth - 1:,}", depth,
    )  # fmt: skip
