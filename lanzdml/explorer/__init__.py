"""The explorer: a page on which one looks at images, what they find by each method, and why.

It is one file that needs nothing but a browser. :mod:`lanzdml.explorer.collect` gathers what it
shows, and :mod:`lanzdml.explorer.page` puts that beside the scripts of ``app/``, a file each for
what is seen, which are one script on the page.
"""

from pathlib import Path

from lanzdml.report import FOLDER as OF_REPORT

FOLDER = Path(__file__).parent
TEMPLATE = FOLDER / "page.html.j2"
STYLES = (OF_REPORT / "style.css", FOLDER / "explorer.css")
SCRIPTS = tuple(
    FOLDER / "app" / f"{name}.js"
    for name in (
        "data",
        "state",
        "parts",
        "grid",
        "neighbours",
        "losses",
        "confusions",
        "maps",
        "main",
    )
)
ASSETS = (TEMPLATE, *STYLES, *SCRIPTS)
"""What the page is made of beside code: a changed one makes it anew."""
