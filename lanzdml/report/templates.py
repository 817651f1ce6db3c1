"""The templates: what they are given is text, and escaped, unless it is marked as HTML.

Text tells no places of the machine, see :mod:`lanzdml.report.places`.
"""

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lanzdml.report import FOLDER
from lanzdml.report.places import in_text


def render(template: str, **values: object) -> Markup:
    """A template, filled in.

    Args:
        template: its path below this folder.
        values: what it shows, by the names that it has there.
    """
    return Markup(_environment().get_template(template).render(values))


def _told(value: object) -> object:
    """What is said of a value: no text tells where files lie."""
    return in_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=_told,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
