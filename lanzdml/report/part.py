"""What a part of the page is: a section, and its line in the contents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lanzdml.report.results import Results


@dataclass(frozen=True)
class Entry:
    """A line of the contents: an element's id on the page, and what it is called."""

    id: str
    title: str


@dataclass(frozen=True)
class Script:
    """A script of the page, and the JSON that it finds in the element of an id.

    The page's policy lets it run, but load nothing.
    """

    code: Markup
    data_id: str
    data: Markup


@dataclass(frozen=True)
class Part:
    """A part of the page.

    Attributes:
        id: of its heading, unique on the page.
        title: its heading, and its line in the contents.
        html: what stands below the heading.
        children: lines of the contents below its own.
        script: what it needs to run.
    """

    id: str
    title: str
    html: Markup
    children: Sequence[Entry] = ()
    script: Script | None = None


MakePart = Callable[[Results], Part | None]
"""Makes a part of the results; None where they have nothing that it could show."""
