"""At a glance: what the results say in a sentence and a chart, and what was run."""

from lanzdml.report.glance import Glance, glances
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.scope import facts, scope
from lanzdml.report.templates import render


def part(results: Results) -> Part:
    """The headline, also of results without scores."""
    html = render(
        "parts/glance.html.j2",
        scope=scope(results.config),
        scored=results.summary is not None,
        glances=_glances(results),
        explorer=results.explorer and results.link(results.explorer),
        facts=facts(results.config, results.embedded, results.all_runs),
    )
    return Part("glance", "At a glance", html)


def _glances(results: Results) -> list[Glance]:
    """The charts: of the paper's methods where there are any, as more would hide each other."""
    summary, papers = results.summary, results.paper_summary
    if summary is None:
        return []
    if papers is None or set(papers["method"]) == set(summary["method"]):
        return glances(summary if papers is None else papers)
    return glances(papers, "the best of the paper's methods")
