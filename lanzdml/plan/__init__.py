"""The plan: what a configuration asks for, as runs, fits, files and jobs."""

from lanzdml.plan.plan import Plan
from lanzdml.plan.runs import Fit, Run

__all__ = ["Fit", "Plan", "Run"]
