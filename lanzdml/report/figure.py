"""Figures as the page has them: the image inside it, in words, and the table that belongs to it."""

import base64
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from lanzdml.errors import LanzdmlError
from lanzdml.figures.style import DPI
from lanzdml.files import read_bounded
from lanzdml.report.figure_tables import figure_findings, figure_tables
from lanzdml.report.grid import Grid
from lanzdml.report.results import Results

PIXELS_PER_INCH = 128  # a third larger than in print
_PNG = re.compile(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR(.{8})", re.DOTALL)
_MOST_PIXELS = 2**16  # a side, which is all that matplotlib draws


@dataclass(frozen=True)
class Figure:
    """A figure of the page.

    Attributes:
        name: its file's.
        title: its heading.
        data: the image as an address.
        width, height: in pixels of the page.
        alt: what can be seen.
        caption: what it shows, and how to read it.
        pdf: address of the same figure for print.
        findings: what is to be said of it, in sentences.
        tables: what stands below it.
    """

    name: str
    title: str
    data: str
    width: int
    height: int
    alt: str
    caption: str
    pdf: str | None
    findings: list[str]
    tables: list[Grid]


def read_figure(results: Results, name: str) -> Figure | None:
    """A figure; None where there is none of this name.

    Raises:
        LanzdmlError: its file is no PNG.
    """
    if name not in results.figures:
        return None
    png, words = results.figures[name], results.words[name]
    content = read_bounded(png)
    width, height = (round(n * PIXELS_PER_INCH / DPI) for n in pixels(content, png))
    pdf = png.with_suffix(".pdf")
    return Figure(
        name=name,
        title=words.title,
        data=f"data:image/png;base64,{base64.b64encode(content).decode()}",
        width=width,
        height=height,
        alt=words.seen,
        caption=words.caption,
        pdf=results.link(pdf) if pdf.is_file() else None,
        findings=figure_findings(results, name),
        tables=figure_tables(results, name),
    )


def pixels(content: bytes, path: Path) -> tuple[int, int]:
    """Width and height of a PNG, by its first chunk.

    Args:
        content: of the file.
        path: of the file, for what is said of it.

    Raises:
        LanzdmlError: it is none.
    """
    header = _PNG.match(content)
    width, height = struct.unpack(">II", header[1]) if header else (0, 0)
    if not 0 < min(width, height) <= max(width, height) <= _MOST_PIXELS:
        raise LanzdmlError(f"{path} is no PNG that can be shown: delete it and run again")
    return width, height
