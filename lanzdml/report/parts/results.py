"""The results: the tables of the paper, how far they are above chance, and its appendix."""

import pandas as pd

from lanzdml.report.grid import Grid, make_grids
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.tables.paper import sections
from lanzdml.tables.shares import share_tables


def part(results: Results) -> Part | None:
    """Table 2, and folded away how far it is above chance, and all metrics."""
    summary = results.paper_summary
    if summary is None:
        return None
    html = render(
        "parts/results.html.j2",
        tables=_grids(summary, "table2"),
        shares=make_grids("shares", share_tables(summary)),
        appendix=_grids(summary, "appendix_table1"),
    )
    return Part("results", "Results", html)


def _grids(summary: pd.DataFrame, table: str) -> list[Grid]:
    return make_grids(table, (section.table() for section in sections(summary, table)))
