"""Data and prompts: the images, classes and prompts of each notion."""

from lanzdml.report.grid import make_grid
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.tables.overview import overview_table


def part(results: Results) -> Part | None:
    """The overview, where there is one."""
    if results.overview is None:
        return None
    overview = make_grid("table1", overview_table(results.overview))
    return Part("data", "Data and prompts", render("parts/data.html.j2", overview=overview))
