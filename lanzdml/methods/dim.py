"""What r' may be asked for: a number, or the one that the texts say."""

from typing import Literal

AUTO: Literal["auto"] = "auto"
"""In place of a number: r' is :func:`lanzdml.methods.effective_rank.chosen_dim` of what a
method is fitted to."""
Dim = int | Literal["auto"]


def is_auto(dim: object) -> bool:
    """Whether r' is no number, but to be chosen."""
    return isinstance(dim, str) and dim == AUTO


def size_on_paper(dim: Dim) -> str:
    """r', or that each notion's prompts say it, as it is printed."""
    return "r' chosen by the prompts" if isinstance(dim, str) else f"r' = {dim}"
