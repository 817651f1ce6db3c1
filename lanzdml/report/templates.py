"""The templates: what they are given is text, and escaped, unless it is marked as HTML.

What may tell places of the machine passes the filter ``told``, see :mod:`lanzdml.report.places`:
not labels and prompts, which may look like paths.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lanzdml.report import FOLDER
from lanzdml.report.bands import TEXT
from lanzdml.report.places import in_text


def render(template: str, folder: Path = FOLDER, **values: object) -> Markup:
    """A template, filled in.

    Args:
        template: its path below the folder.
        folder: this one unless given.
        values: what it shows, by the names that it has there.
    """
    return Markup(_environment(folder).get_template(template).render(values))


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["told"] = in_text
    environment.globals["wrapped"] = TEXT
    return environment
