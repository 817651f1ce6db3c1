"""All runs in a table that can be filtered and sorted."""

from pathlib import Path

from markupsafe import Markup

from lanzdml.report.part import Part, Script
from lanzdml.report.results import Results
from lanzdml.report.run_table import run_table
from lanzdml.report.templates import render

_SCRIPT = Path(__file__).with_suffix(".js")


def part(results: Results) -> Part | None:
    """The table, where anything was scored."""
    if results.all_runs.empty:
        return None
    table = run_table(results.all_runs)
    code = Markup(_SCRIPT.read_text(encoding="utf-8"))
    return Part(
        "runs",
        "All runs",
        render("parts/runs.html.j2", runs=table),
        script=Script(code, "run-data", table.json),
    )
