"""Published values: how far ours are from the paper's."""

from dataclasses import replace

from lanzdml.report.grid import make_grids
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.spreadsheet import read_csv
from lanzdml.tables.published import INTRODUCTION, comparisons

_TABLE = "published_comparison"


def part(results: Results) -> Part | None:
    """The comparison, where a run has a published value."""
    path = results.csv(_TABLE)
    if path is None:
        return None
    rows = read_csv(path, dtype={"note": "str"})
    tables = [
        replace(table, caption=f"{table.caption}. {' '.join(explanation)}")
        for explanation, table in comparisons(rows)
    ]
    if not tables:
        return None
    html = render(
        "parts/published.html.j2",
        introduction=" ".join(INTRODUCTION),
        tables=make_grids("comparison", tables),
    )
    return Part("published", "Published values", html)
