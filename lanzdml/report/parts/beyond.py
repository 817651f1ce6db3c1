"""Beyond the paper: other methods and combined notions beside the paper's."""

from lanzdml.experiments import EXPERIMENTS
from lanzdml.report.grid import make_grids
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.report.winners import unseen_winners, winners
from lanzdml.tables import beyond
from lanzdml.tables.shares import share_tables

UNSEEN = "unseen"


def part(results: Results) -> Part | None:
    """The table of all methods, where there is one."""
    summary, overview = results.summary, results.overview
    if results.csv(beyond.NAME) is None or summary is None or overview is None:
        return None
    tables = beyond.tables(summary, overview)
    shares = share_tables(summary, methods_are_rows=True)
    html = render(
        "parts/beyond.html.j2",
        findings=[*winners(summary), *_unseen(results)],
        tables=make_grids(beyond.NAME, tables),
        shares=make_grids(f"{beyond.NAME}-shares", shares),
    )
    return Part("beyond", "Beyond the paper", html)


def _unseen(results: Results) -> list[str]:
    path = results.csv(UNSEEN)
    return [] if path is None else unseen_winners(EXPERIMENTS[UNSEEN].read([path], []))
