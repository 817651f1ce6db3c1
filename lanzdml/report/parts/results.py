"""The results: the tables of the paper, and those of its appendix."""

import pandas as pd

from lanzdml.report.grid import Grid, make_grids
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.tables.paper import sections


def part(results: Results) -> Part | None:
    """Table 2, and all metrics folded away."""
    summary = results.paper_summary
    if summary is None:
        return None
    html = render(
        "parts/results.html.j2",
        tables=_grids(summary, "table2"),
        appendix=_grids(summary, "appendix_table1"),
    )
    return Part("results", "Results", html)


def _grids(summary: pd.DataFrame, table: str) -> list[Grid]:
    return make_grids(table, (section.table() for section in sections(summary, table)))
