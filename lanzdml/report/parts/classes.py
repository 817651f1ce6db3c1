"""Classes: which gain and lose by each method against CLIP."""

from lanzdml.report.grid import make_grids
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.tables.classes import NAME, READING, class_tables, read_classes


def part(results: Results) -> Part | None:
    """The classes that lose and gain most, folded away notion by notion."""
    path = results.csv(NAME)
    tables = [] if path is None else class_tables(read_classes(path))
    if path is None or not tables:
        return None
    html = render(
        "parts/classes.html.j2",
        reading=READING,
        csv=results.link(path),
        tables=make_grids(NAME, tables),
    )
    return Part(NAME, "Classes", html)
