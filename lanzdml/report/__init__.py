"""The report: all results of a run as one HTML page that needs nothing but a browser.

A part of the page (a section, and its line in the contents) is a module in ``parts/`` with a
template beside it. What it takes some computing to tell is computed in a module of the same name
here.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
ASSETS = tuple(sorted(path for path in FOLDER.rglob("*") if path.suffix in {".j2", ".css", ".js"}))
"""What the page is made of beside code: a changed one makes it anew."""
