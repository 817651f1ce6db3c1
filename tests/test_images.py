"""Images of every mode come to CLIP in RGB with 8 bits a channel; what is wrong with others."""

import io
import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lanzdml.datasets import decoding, pixels
from lanzdml.datasets.images import exclude_unreadable, problem_of, read_foreground, read_image
from lanzdml.datasets.pixels import to_rgb
from lanzdml.errors import LanzdmlError
from lanzdml.limits import Limits, imposed
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


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_few_of_16_bits_are_all_that_there_are(bits, caplog):
    """8-bit values in a file of 16 bits, as programs save them, and those of cameras."""
    pixels._say_once.cache_clear()
    values = (LEVELS.astype(np.uint16) * 257) >> (16 - bits)
    with caplog.at_level(logging.WARNING):
        rgb = to_rgb(reopened(Image.fromarray(values), "PNG"))
        to_rgb(reopened(Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(np.asarray(rgb), np.stack([LEVELS] * 3, axis=2))
    assert [record.getMessage() for record in caplog.records] == [
        f"images with 16 bits a pixel and no value above {2**bits - 1:,} are taken as ones of "
        f"{bits} bits"
    ]


@pytest.mark.parametrize("most", [65535, 4095, 1023])
def test_pgm_of_more_than_8_bits_is_as_bright_as_it_says(most):
    values = LEVELS.astype(np.uint32) * most // 255
    file = b"P5\n4 1\n%d\n" % most + values.astype(">u2").tobytes()
    found = np.asarray(read_image(file, "it"))
    np.testing.assert_allclose(found[..., 0].astype(int), LEVELS, atol=1)


def test_tiff_whose_zero_is_white():
    values = LEVELS.astype(np.uint16) * 257
    image = reopened(Image.fromarray(values), "TIFF", tiffinfo={262: 0})
    np.testing.assert_array_equal(np.asarray(to_rgb(image))[..., 0], 255 - LEVELS)


def deep_png(values):
    """Encoded, of (height, width, 3) values with 16 bits, which Pillow does not write."""
    import zlib

    def chunk(name, data):
        data = name + data
        return (len(data) - 4).to_bytes(4) + data + zlib.crc32(data).to_bytes(4)

    height, width, _ = values.shape
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([16, 2, 0, 0, 0])
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_colors_of_16_bits_are_read_or_refused_where_few_are_used():
    values = np.stack([LEVELS.astype(np.uint16) * 257] * 3, axis=2)
    np.testing.assert_array_equal(np.asarray(read_image(deep_png(values), "it")), values >> 8)
    for bits in (8, 12, 14):
        problem = problem_of(deep_png(values >> (16 - bits)))
        assert problem.startswith("it has 16 bits a colour and uses so few of them")


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


def test_bombs_are_refused():
    bomb = encoded(Image.new("1", (1000, 1001)))
    with imposed(Limits(image_megapixels=1)):
        assert problem_of(bomb) == (
            "it has more than 1,000,000 pixels; make it smaller, or raise limits.image_megapixels"
        )
    assert problem_of(bomb) is None


def test_large_pictures_are_read_without_a_warning(recwarn):
    """Of Pillow's, which would say so of each above half of the limit."""
    with imposed(Limits(image_megapixels=1)):
        assert problem_of(encoded(Image.new("1", (1000, 900)))) is None
    assert not recwarn.list


@pytest.mark.parametrize(
    "file_format", ["JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM"]
)
def test_formats(file_format):
    assert read_image(encoded(Image.new("RGB", (8, 8), "red"), file_format), "it").size == (8, 8)


@pytest.mark.parametrize("file_format", ["EPS", "JPEG2000", "TGA", "ICO", "PCX", "SGI"])
def test_other_formats_are_refused(file_format):
    problem = problem_of(encoded(Image.new("RGB", (16, 16), "red"), file_format))
    assert "is not read" in problem or "of a kind that is read (JPEG, PNG, " in problem


def test_a_format_that_pillow_lacks_keeps_no_other_back(monkeypatch):
    decoding._set_up.cache_clear()
    Image.init()
    monkeypatch.delitem(Image.OPEN, "AVIF")
    avif = encoded(Image.new("RGB", (8, 8), "red"), "AVIF")
    assert problem_of(png("red")) is None
    assert problem_of(avif) == (
        "it is no image of a kind that is read (JPEG, PNG, WEBP, GIF, BMP, TIFF, PPM)"
    )
    monkeypatch.undo()
    decoding._set_up.cache_clear()
    assert problem_of(avif) is None


def test_progressive_jpegs_of_some_scans_are_read():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    thumbnails = b"".join(b"\xff\xe2\x00\x06\xff\xda\xff\xda" for _ in range(100))
    jpeg = encoded(noise, "JPEG", progressive=True, quality=100)
    jpeg = jpeg[:2] + thumbnails + jpeg[2:] + b"\xff\xda" * 200  # with what phones put behind it
    assert problem_of(jpeg) is None
    with imposed(Limits(image_scans=5)):
        assert problem_of(jpeg) == (
            "it is stored in more than 5 scans; save it anew, or raise limits.image_scans"
        )


def test_whatever_a_decoder_raises_is_the_files_fault():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "AVIF")
    data = bytearray(buffer.getvalue())
    at = bytes(data).find(b"pitm")
    data[at + 8 : at + 10] = b"\x00\x09"  # names a picture that is not there
    assert problem_of(bytes(data))


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1), (2, 202)])
def test_long_thin_images_are_refused_before_they_are_decoded(size):
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    problem = problem_of(buffer.getvalue())
    assert problem == (
        f"it has {size[0]:,} x {size[1]:,} pixels, more than 100 times as many one way as the "
        "other; crop it, or raise limits.image_sides"
    )


def test_a_large_color_profile_does_no_harm():
    buffer = io.BytesIO()
    profile = np.random.default_rng(0).bytes(1_200_000)
    Image.new("RGB", (4, 4), "red").save(buffer, "PNG", icc_profile=profile)
    assert read_image(buffer.getvalue(), "it").getpixel((0, 0)) == (255, 0, 0)


def test_what_is_no_picture_is_named():
    heic = bytes.fromhex("0000001c66747970686569630000000068656963") + bytes(200)
    assert problem_of(heic) == (
        "it is a HEIC picture, which is not read: convert it to JPEG or PNG"
    )
    assert "git lfs pull" in problem_of(b"version https://git-lfs.github.com/spec/v1\n")


# Masks

SQUARE = np.zeros((8, 8), bool)
SQUARE[2:6, 2:6] = True


def encoded(image, file_format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def with_alpha(mode, opaque):
    image = Image.new(mode, (8, 8), "white")
    image.putalpha(Image.fromarray(np.where(opaque, 200, 0).astype(np.uint8)))
    return image


def palette(transparent):
    """Object 1 in blue on black; transparent or not where nothing is."""
    image = Image.fromarray(SQUARE.astype(np.uint8)).convert("P")
    image.putpalette([0, 0, 0, 0, 0, 255])
    return encoded(image, transparency=0) if transparent else encoded(image)


MASKS = {
    "a bit": encoded(Image.fromarray(SQUARE)),
    "8 bits, white": encoded(Image.fromarray(SQUARE.astype(np.uint8) * 255)),
    "8 bits, an object's number": encoded(Image.fromarray(SQUARE.astype(np.uint8))),
    "16 bits, an object's number": encoded(Image.fromarray(SQUARE.astype(np.uint16) * 3)),
    "32 bits, an object's number": encoded(Image.fromarray(SQUARE.astype(np.int32) * 3), "TIFF"),
    "shares": encoded(Image.fromarray(SQUARE.astype(np.float32) * 0.3), "TIFF"),
    "colours": encoded(Image.fromarray(np.stack([SQUARE * 0, SQUARE * 9], 2).astype(np.uint8)
                                       .repeat(2, axis=2)[..., :3])),
    "a palette": palette(False),
    "a palette, transparent": palette(True),
    "alpha of colours": encoded(with_alpha("RGB", SQUARE)),
    "alpha of grey": encoded(with_alpha("L", SQUARE)),
    "alpha that is opaque": encoded(Image.fromarray(SQUARE).convert("RGBA")),
    "JPEG": encoded(Image.fromarray(SQUARE.astype(np.uint8) * 255), "JPEG", quality=100),
}  # fmt: skip


@pytest.mark.parametrize("kind", MASKS)
def test_the_foreground_of_a_mask(kind):
    np.testing.assert_array_equal(read_foreground(MASKS[kind], "it"), SQUARE)


def test_a_mask_of_deep_colors_is_refused():
    with pytest.raises(LanzdmlError, match="mask of a cannot be read: it has 16 bits a colour"):
        read_foreground(deep_png(np.ones((2, 2, 3), np.uint16)), "mask of a")
