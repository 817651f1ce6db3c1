"""Methods and metrics in words and equations."""

from dataclasses import dataclass

from markupsafe import Markup

from lanzdml.embeddings.given import LENGTHS, ONE
from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.protocols import QUERY_GALLERY, RELEASED
from lanzdml.metrics.scores import METRICS, MORE_METRICS
from lanzdml.names import METRIC_NAMES, on_paper
from lanzdml.report.equations import Equation, Explanation, prose
from lanzdml.report.explained import (
    NOTATION,
    OF_A_GALLERY,
    PROTOCOL_EXPLANATIONS,
    QUERIES,
    explain_method,
    explain_metric,
)
from lanzdml.report.grid import make_grid
from lanzdml.report.method_table import method_table
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render


@dataclass(frozen=True)
class Explained:
    """A method or metric by its name on paper, and what is said of it."""

    name: str
    prose: Markup
    equations: tuple[Equation, ...]


def part(results: Results) -> Part:
    """The methods of the configuration and of the runs, their metrics, and the runs' protocols."""
    methods = in_order([*results.config["methods"], *results.all_runs["method"].unique()])
    by_method = results.all_runs.dropna(subset="source").groupby("method")["source"]
    sources = by_method.unique().map("; ".join)
    protocols = {
        name: PROTOCOL_EXPLANATIONS[name]
        for name in results.all_runs["protocol"].unique()
        if name in PROTOCOL_EXPLANATIONS
    }
    if RELEASED in protocols and (scaled := _of_length_one(results)):
        protocols[RELEASED] += (
            f" The vectors of {', '.join(scaled)} came with length one: what the images' own "
            "lengths would do is not seen there."
        )
    told = [_explained(method_on_paper(m), explain_method(m, sources.get(m))) for m in methods]
    metrics = [*METRICS, *(m for m in MORE_METRICS if m in results.all_runs)]
    html = render(
        "parts/explained.html.j2",
        notation=prose(NOTATION),
        methods=told,
        seen=make_grid("seen", method_table(methods, results.all_runs)),
        queries=prose(QUERIES + (OF_A_GALLERY if QUERY_GALLERY in protocols else "")),
        metrics=[_explained(on_paper(m, METRIC_NAMES), explain_metric(m)) for m in metrics],
        protocols=protocols,
    )
    return Part("explained", "Methods and metrics", html)


def _of_length_one(results: Results) -> list[str]:
    """The models whose images' vectors were given without the lengths that a CLIP gives them."""
    given = [entry.model for entry in results.embedded if entry.facts.get(LENGTHS) == ONE]
    return list(dict.fromkeys(given))


def _explained(name: str, explanation: Explanation) -> Explained:
    return Explained(name, prose(explanation.text), explanation.equations)
