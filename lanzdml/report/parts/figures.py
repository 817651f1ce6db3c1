"""The figures that no other part shows."""

from lanzdml.report.figure import read_figure
from lanzdml.report.part import Entry, MakePart, Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render


def all_but(*others: str) -> MakePart:
    """A part with all figures but those that other parts show.

    Args:
        others: the names of those.
    """

    def part(results: Results) -> Part | None:
        names = [name for name in results.figures if name not in others]
        figures = [figure for name in names if (figure := read_figure(results, name))]
        if not figures:
            return None
        html = render("parts/figures.html.j2", figures=figures)
        children = [Entry(f"figure-{figure.name}", figure.title) for figure in figures]
        return Part("figures", "Figures", html, children)

    return part
