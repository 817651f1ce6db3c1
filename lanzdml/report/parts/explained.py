"""Methods and metrics in words and equations."""

from dataclasses import dataclass

from markupsafe import Markup

from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.scores import METRICS
from lanzdml.names import METRIC_NAMES, on_paper
from lanzdml.report.explained import (
    NOTATION,
    PROTOCOL_EXPLANATIONS,
    QUERIES,
    Equation,
    Explanation,
    explain_method,
    explain_metric,
    prose,
)
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
    """The methods of the configuration and of the runs, all metrics, and the runs' protocols."""
    methods = in_order([*results.config["methods"], *results.all_runs["method"].unique()])
    sources = results.all_runs.dropna(subset="source").groupby("method")["source"].first()
    protocols = results.all_runs["protocol"].unique()
    told = [_explained(method_on_paper(m), explain_method(m, sources.get(m))) for m in methods]
    html = render(
        "parts/explained.html.j2",
        notation=prose(NOTATION),
        methods=told,
        queries=prose(QUERIES),
        metrics=[_explained(on_paper(m, METRIC_NAMES), explain_metric(m)) for m in METRICS],
        protocols={
            name: PROTOCOL_EXPLANATIONS[name] for name in protocols if name in PROTOCOL_EXPLANATIONS
        },
    )
    return Part("explained", "Methods and metrics", html)


def _explained(name: str, explanation: Explanation) -> Explained:
    return Explained(name, prose(explanation.text), explanation.equations)
