"""Words with equations: what is LaTeX becomes MathML."""

import re
from dataclasses import dataclass
from functools import cache

from latex2mathml.converter import convert
from markupsafe import Markup, escape


@dataclass(frozen=True)
class Equation:
    """An equation; ``number`` is that of the paper."""

    latex: str
    number: int | None = None

    @property
    def mathml(self) -> Markup:
        return mathml(self.latex, display="block")


@dataclass(frozen=True)
class Explanation:
    """What something is, and its equations."""

    text: str
    equations: tuple[Equation, ...] = ()


@cache
def mathml(latex: str, display: str = "inline") -> Markup:
    """LaTeX as MathML."""
    return Markup(convert(latex, display=display))  # our own LaTeX only


def prose(text: str) -> Markup:
    """Plain text with LaTeX between dollar signs as HTML."""
    parts = re.split(r"\$([^$]+)\$", text)
    return Markup("").join(mathml(part) if i % 2 else escape(part) for i, part in enumerate(parts))
