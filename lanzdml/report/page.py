"""The page itself: how its parts become one file.

Everything is inside: figures as data, style and scripts as text. A policy in the page's head allows
nothing to be loaded and no script but ours to run, so what labels, prompts or reasons hold is text
at most.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from lanzdml.files import write_text
from lanzdml.report import FOLDER
from lanzdml.report.part import MakePart
from lanzdml.report.parts import PARTS
from lanzdml.report.results import Results
from lanzdml.report.scope import scope
from lanzdml.report.templates import render


def write_report(output: Path, results: Results, parts: Sequence[MakePart] = PARTS) -> None:
    """Write the page.

    Args:
        output: the page.
        results: what it tells of.
        parts: what it consists of, in order. Those that have nothing to show are left out.
    """
    made = [part for make in parts if (part := make(results))]
    scripts = [part.script for part in made if part.script]
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    page = render(
        "page.html.j2",
        now=datetime.now(UTC),
        commit=results.commit,
        scope=scope(results.config),
        parts=made,
        scripts=scripts,
        style=Markup(style),
        policy=policy(style, [script.code for script in scripts]),
    )
    write_text(output, page)


def policy(style: str, scripts: Sequence[str], images: str = "data:") -> str:
    """What the browser lets a page do: have this style, run these scripts, and load nothing else.

    Args:
        style: the page's, all of it.
        scripts: those of the page.
        images: where they may come from.
    """
    may_run = " ".join(map(_hash, scripts)) or "'none'"
    return (
        f"default-src 'none'; img-src {images}; style-src {_hash(style)}; script-src {may_run}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
