"""Published values: ours beside those that papers print, and apart where protocols differ."""

from dataclasses import dataclass

from lanzdml.report.grid import Grid, make_grids, primed
from lanzdml.report.part import Entry, Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.tables.published import NAME, read_comparison
from lanzdml.tables.published_tables import INTRODUCTION, PaperTables, comparisons


@dataclass(frozen=True)
class _Shown:
    """A paper as the page has it: each table behind what explains it."""

    id: str
    paper: str
    texts: list[str]
    tables: list[tuple[str, Grid]]


def part(results: Results) -> Part | None:
    """The comparison, where a run has a published value."""
    path = results.csv(NAME)
    if path is None:
        return None
    papers = [
        _shown(f"comparison-{number}", tables)
        for number, tables in enumerate(comparisons(read_comparison(path)), start=1)
    ]
    if not papers:
        return None
    html = render("parts/published.html.j2", introduction=INTRODUCTION, papers=papers)
    children = [Entry(shown.id, shown.paper) for shown in papers]
    return Part("published", "Published values", html, children)


def _shown(id: str, tables: PaperTables) -> _Shown:
    explanations = [primed(explanation) for explanation, _ in tables.tables]
    grids = make_grids(f"{id}-table", [table for _, table in tables.tables])
    texts = [primed(text) for text in tables.texts]
    return _Shown(id, tables.paper, texts, list(zip(explanations, grids, strict=True)))
