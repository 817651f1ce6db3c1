"""The method in one look: images beside their nearest neighbours."""

from lanzdml.report.figure import read_figure
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render

FIGURE = "gallery"


def part(results: Results) -> Part | None:
    """The figure, under its own title."""
    figure = read_figure(results, FIGURE)
    if figure is None:
        return None
    return Part("gallery", figure.title, render("parts/gallery.html.j2", gallery=figure))
