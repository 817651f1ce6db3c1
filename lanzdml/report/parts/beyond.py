"""Beyond the paper: other methods and combined notions beside the paper's."""

from lanzdml.report.grid import make_grids
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.report.winners import winners
from lanzdml.tables import beyond
from lanzdml.tables.shares import share_tables


def part(results: Results) -> Part | None:
    """The table of all methods, where there is one."""
    summary, overview = results.summary, results.overview
    if results.csv(beyond.NAME) is None or summary is None or overview is None:
        return None
    tables = beyond.tables(summary, overview)
    shares = share_tables(summary, methods_are_rows=True)
    html = render(
        "parts/beyond.html.j2",
        findings=[text.replace("r'", "r′") for text in winners(summary)],
        tables=make_grids(beyond.NAME, tables),
        shares=make_grids(f"{beyond.NAME}-shares", shares),
    )
    return Part("beyond", "Beyond the paper", html)
