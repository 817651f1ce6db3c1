"""The report: all results of a run as one HTML page that needs nothing but a browser."""

from pathlib import Path

PARTS = Path(__file__).parent
ASSETS = tuple(PARTS / name for name in ("template.html.j2", "style.css", "runs.js"))
"""What the page is made of beside code: a changed one makes it anew."""
