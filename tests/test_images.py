"""Images of every mode come to CLIP in RGB with 8 bits a channel."""

import io

import numpy as np
import pytest
from PIL import Image

from lanzdml.images import to_rgb
from tests.raw_datasets import EXIF_ORIENTATION, ROTATED_RIGHT

LEVELS = np.array([[0, 64, 128, 255]], dtype=np.uint8)


def reopened(image, file_format, **options):
    """An image as it is read from a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return Image.open(buffer)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bits_keep_their_brightness(file_format):
    image = reopened(Image.fromarray(LEVELS.astype(np.uint16) * 257), file_format)
    assert image.mode.startswith("I;16")
    rgb = to_rgb(image)
    assert rgb.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(rgb), np.stack([LEVELS] * 3, axis=2))


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_32_bits_are_refused(dtype):
    with pytest.raises(ValueError, match="32 bits a pixel; save it with 8 bits"):
        to_rgb(reopened(Image.fromarray(LEVELS.astype(dtype)), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_other_modes_are_pillows(mode):
    image = Image.fromarray(np.stack([LEVELS] * 3, axis=2)).convert(mode)
    rgb = to_rgb(image)
    assert (rgb.mode, rgb.size) == ("RGB", image.size)
    np.testing.assert_array_equal(np.asarray(rgb), np.asarray(image.convert("RGB")))


def test_the_rotation_of_cameras_is_not_applied():
    image = Image.new("RGB", (4, 2))
    exif = image.getexif()
    exif[EXIF_ORIENTATION] = ROTATED_RIGHT
    assert to_rgb(reopened(image, "JPEG", exif=exif)).size == (4, 2)
