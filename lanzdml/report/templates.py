"""The templates: what they are given is text, and escaped, unless it is marked as HTML."""

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lanzdml.report import FOLDER


def render(template: str, **values: object) -> Markup:
    """A template, filled in.

    Args:
        template: its path below this folder.
        values: what it shows, by the names that it has there.
    """
    return Markup(_environment().get_template(template).render(values))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
