"""Figures as the page has them: the image inside it, in words, and the table that belongs to it."""

import base64
import struct
from dataclasses import dataclass

from lanzdml.figures.style import DPI
from lanzdml.report.figure_tables import figure_table
from lanzdml.report.grid import Grid
from lanzdml.report.results import Results

_PIXELS_PER_INCH = 128  # a third larger than in print


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
        table: what stands below it.
    """

    name: str
    title: str
    data: str
    width: int
    height: int
    alt: str
    caption: str
    pdf: str | None
    table: Grid | None


def read_figure(results: Results, name: str) -> Figure | None:
    """A figure; None where there is none of this name."""
    if name not in results.figures:
        return None
    png, words = results.figures[name], results.words[name]
    content = png.read_bytes()
    pixels = struct.unpack(">II", content[16:24])  # of the PNG's first chunk
    width, height = (round(n * _PIXELS_PER_INCH / DPI) for n in pixels)
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
        table=figure_table(results, name),
    )
