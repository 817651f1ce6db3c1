"""What a file is by its first bytes, where it is not what it was taken for."""

import os
from pathlib import Path

_FTYP = slice(4, 8)
_BRAND = slice(8, 12)
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_CONVERT = "which is not read: convert it to JPEG or PNG"
_STARTS = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a pointer of Git LFS and not the file itself: run `git lfs pull` where it was cloned",
    ),
    (b"%PDF-", f"a PDF, {_CONVERT}"),
    (b"%!PS", f"an EPS drawing, {_CONVERT}"),
    (b"\xc5\xd0\xd3\xc6", f"an EPS drawing, {_CONVERT}"),
    (b"8BPS", f"a Photoshop picture, {_CONVERT}"),
    (b"SIMPLE  =", f"a FITS picture, {_CONVERT}"),
    (b"\x00\x00\x00\x0cjP  ", f"a JPEG 2000 picture, {_CONVERT}"),
    (b"\xff\x4f\xff\x51", f"a JPEG 2000 picture, {_CONVERT}"),
    (b"\xff\x0a", f"a JPEG XL picture, {_CONVERT}"),
    (b"\x00\x00\x00\x0cJXL ", f"a JPEG XL picture, {_CONVERT}"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document: save it as CSV in UTF-8"),
    (b"PK\x03\x04", "a zip archive, or a workbook of Excel: save that as CSV in UTF-8"),
)
_WEB_PAGE = (
    "a web page and not the file itself, as one gets where a login or a click is asked for: fetch "
    "it with a browser that is signed in"
)
ENOUGH = 512


def mistaken(content: bytes | str | os.PathLike[str]) -> str | None:
    """What a file is that was taken for another kind, and what to do: words after "it is".

    Args:
        content: a file, or its first :data:`ENOUGH` bytes or more.

    Returns:
        None where nothing is known of it.

    Raises:
        OSError: the file cannot be read.
    """
    if not isinstance(content, bytes):
        with open(Path(content), "rb") as file:
            content = file.read(ENOUGH)
    for start, words in _STARTS:
        if content.startswith(start):
            return words
    if content[_FTYP] == b"ftyp" and content[_BRAND] in _HEIF:
        return f"a HEIC picture, {_CONVERT}"
    text = content[:ENOUGH].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return _WEB_PAGE
    if text.startswith((b"<svg", b"<?xml")) and b"<svg" in text:
        return f"an SVG drawing, {_CONVERT}"
    return None
