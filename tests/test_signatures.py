"""What files are that were taken for others."""

import pytest

from lanzdml.signatures import mistaken


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (bytes.fromhex("0000001c66747970686569630000000068656963"), "a HEIC picture"),
        (b"\n <!DOCTYPE HTML>\n<html>", "a web page"),
        (b"\xef\xbb\xbf<html lang='en'>", "a web page"),
        (b"<?xml version='1.0'?>\n<svg width='3'/>", "an SVG drawing"),
        (b"\xff\x0a\xfa", "a JPEG XL picture"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04\x14", "a zip archive, or a workbook of Excel"),
    ],
)
def test_what_is_often_taken_for_another_file_is_named(content, said, tmp_path):
    assert mistaken(content).startswith(said)
    (tmp_path / "file").write_bytes(content)
    assert mistaken(tmp_path / "file") == mistaken(content)


@pytest.mark.parametrize(
    "content", [b"", b"<?xml version='1.0'?><a/>", b"\x89PNG\r\n", b"\x00\x00\x00\x1cftypavif"]
)
def test_of_others_nothing_is_said(content):
    assert mistaken(content) is None
