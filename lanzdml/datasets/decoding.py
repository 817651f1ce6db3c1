"""Decoding an image that others made, which may be made to exhaust the machine.

What a file says of itself is looked at before its pixels are decoded; the limits are
:mod:`lanzdml.limits`' keys.
"""

import io
import os
import re
import stat
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import numpy as np

from lanzdml.limits import key_of, limits
from lanzdml.signatures import mistaken

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

# Pillow reads more, with code that few use, and has Ghostscript run what an EPS says. What phones
# save as MPO, pictures one after the other, is the JPEG that it begins with.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
_MAX_PROFILE = 2**24  # bytes; Pillow's own limit of 1 MiB is below what devices' profiles have
_MAX_PIXEL = 8  # bytes: four channels of 16 bits
_MAX_BESIDE = 2**26  # bytes of what a file holds beside pixels
_MAX_LAYERS = 8  # a TIFF may store channels one after the other
_IN_PYTHON = 10  # times as long as others a decoder that Pillow has in Python takes, and more
_TILE_WIDTH, _TILE_LENGTH = 322, 323  # TIFF
_END, _SCAN = 0xD9, 0xDA  # JPEG
_MARKER = re.compile(rb"\xff([\xd9\xda\xe0-\xef\xfe])")  # these, application data and comments
T = TypeVar("T")


def decode(source: Path | bytes, convert: "Callable[[Image], T]") -> T:
    """What a function makes of an image, from its file or its encoded bytes.

    Of an animation it gets the first picture.

    Raises:
        ValueError: it cannot be decoded, takes too much, or is not there; the message says why.
        OSError: the file system fails, which says nothing about the image.
    """
    from PIL import Image, UnidentifiedImageError

    most = limits().image_megapixels * 10**6
    formats = _set_up(most)
    with _opened(source) as file:
        try:
            _check_encoded(file, most)
            with Image.open(file, formats=formats) as image:
                _check_size(image, most)
                return convert(image)
        except Image.DecompressionBombError:
            raise _has_too_many(most) from None
        except MemoryError:
            raise
        except Exception as error:  # decoders raise all kinds of them for broken files
            # With a number it is of the file system, and no word about the image.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if (words := mistaken(source)) is not None:
                raise ValueError(f"it is {words}") from None
            if isinstance(error, UnidentifiedImageError):
                size = file.seek(0, os.SEEK_END)
                read = ", ".join(formats)
                raise ValueError(
                    f"it is no image of a kind that is read ({read})" if size else "it is empty"
                ) from None
            raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error


@lru_cache(maxsize=1)
def _set_up(most: int) -> list[str]:
    """The formats to read, of those that this Pillow has; its own limits are the process's."""
    from PIL import Image, PngImagePlugin

    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, _MAX_PROFILE)
    Image.MAX_IMAGE_PIXELS = most // 2  # it refuses above twice as many, and warns below
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _opened(source: Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        mode = source.stat().st_mode
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    if not stat.S_ISREG(mode):
        raise ValueError("it is a folder, a pipe or a device, and no file")
    return source.open("rb")


def _check_encoded(file: BinaryIO, most: int) -> None:
    size = file.seek(0, os.SEEK_END)
    if size > most * _MAX_PIXEL + _MAX_BESIDE:
        raise ValueError(
            f"it has {size:,} bytes, more than {most:,} pixels take; make it smaller, or raise "
            f"{key_of('image_megapixels')}"
        )
    file.seek(0)
    if file.read(2) == b"\xff\xd8":  # JPEG
        most_scans = limits().image_scans
        if _has_more_scans(file.read(), most_scans):
            raise ValueError(
                f"it is stored in more than {most_scans:,} scans; save it anew, or raise "
                f"{key_of('image_scans')}"
            )
    file.seek(0)


def _has_more_scans(jpeg: bytes, most: int) -> bool:
    """Whether the first picture of a JPEG has more scans: each is a pass over all of it."""
    count = position = 0
    while count <= most and (marker := _MARKER.search(jpeg, position)):
        position, code = marker.end(), marker[1][0]
        if code == _END:
            break
        if code == _SCAN:
            count += 1
        else:  # may hold pictures of its own
            position += max(2, int.from_bytes(jpeg[position : position + 2], "big"))
    return count > most


def _check_size(image: "ImageFile", most: int) -> None:
    from PIL import Image

    pixels, most_times = image.width * image.height, limits().image_sides
    tags = getattr(image, "tag_v2", {})
    width, length = (float(np.max(tags.get(tag, 0))) for tag in (_TILE_WIDTH, _TILE_LENGTH))
    if max(pixels, width * length) > most:
        raise _has_too_many(most)
    if max(image.size) > most_times * min(image.size):
        raise ValueError(
            f"it has {image.width:,} x {image.height:,} pixels, more than {most_times:,} times as "
            f"many one way as the other; crop it, or raise {key_of('image_sides')}"
        )
    boxes = [box for _, box, *_ in image.tile if box]
    if sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes) > _MAX_LAYERS * pixels:
        raise ValueError("it says more than once what its pixels are; save it anew")
    if image.tile and image.tile[0][0] in Image.DECODERS and pixels * _IN_PYTHON > most:
        raise ValueError(
            f"it has {pixels:,} pixels in a format that takes long to decode; save it as PNG, or "
            f"raise {key_of('image_megapixels')}"
        )


def _has_too_many(most: int) -> ValueError:
    return ValueError(
        f"it has more than {most:,} pixels; make it smaller, or raise {key_of('image_megapixels')}"
    )
