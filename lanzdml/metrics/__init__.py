"""Metrics: the seven of the paper, the protocols that runs are scored by, and the rows of runs."""

from lanzdml.metrics.relevance import MetricsInputError
from lanzdml.metrics.scores import METRICS, compute_metrics

__all__ = ["METRICS", "MetricsInputError", "compute_metrics"]
