"""Images of every mode come to CLIP in RGB with 8 bits a channel; what is wrong with others."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lanzdml.datasets.images import exclude_unreadable, problem_of, read_image, to_rgb
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


def png(color):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), color).save(buffer, "PNG")
    return buffer.getvalue()


def test_an_animation_is_its_first_picture():
    buffer = io.BytesIO()
    first, second = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    first.save(buffer, "GIF", save_all=True, append_images=[second])
    assert read_image(buffer.getvalue(), "it").getpixel((0, 0)) == (255, 0, 0)


BROKEN = {
    "is no image": b"GIF, or so it says",
    "is empty": b"",
    "truncated": png("red")[:-30],
}


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("source", ["path", "image"])
def test_unreadable_images_are_excluded_with_the_reason(tmp_path, source, n_threads):
    contents = [png("red"), *BROKEN.values(), png("blue")]
    if source == "path":
        for number, content in enumerate(contents):
            (tmp_path / f"{number}.png").write_bytes(content)
        contents = [f"{number}.png" for number in range(len(contents))]
    rows = pd.DataFrame({"image_id": list("abcde"), source: contents})
    excluded = exclude_unreadable(rows, tmp_path, n_threads)["excluded"]
    assert excluded.isna().tolist() == [True, False, False, False, True]
    for reason, expected in zip(excluded[1:4], BROKEN, strict=True):
        assert reason.startswith("unreadable: ")
        assert expected in reason
    rows["excluded"] = [None, "duplicate", None, None, None]
    excluded = exclude_unreadable(rows, tmp_path)["excluded"]
    assert excluded[1] == "duplicate"
    assert excluded.isna().tolist() == [True, False, False, False, True]


def test_bombs_are_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7)
    assert problem_of(png("red")) == "it has more than 14 pixels; make it smaller"
