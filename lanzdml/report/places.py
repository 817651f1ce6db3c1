"""Where files lie on a machine, which a page that is passed on does not tell.

A path below the working folder is shown from there, any other by its last name behind an ellipsis.
"""

import os
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lanzdml.sources import ROOT

# A path alone, also behind what says of which kind it is, as in local-dir:/models/a.
_WHOLE = re.compile(r"((?:[\w.+-]+:)?(?://)?)((?:/(?!/)|\.\./|~).*)", re.DOTALL)
_AROUND = r"\s'\"`,;:|<>()\[\]{}"  # a path within a text
_BEFORE = rf"(?<![^{_AROUND}=])(?:file://)?"
_NAME, _REST = rf"[^/{_AROUND}]+", rf"[^{_AROUND}]*"


def without_places(value: Any) -> Any:
    """A value, of a configuration for instance, in which texts that are paths tell no place."""
    if isinstance(value, Mapping):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(item) for item in value]
    if not isinstance(value, str):
        return value
    whole = _WHOLE.fullmatch(value)
    return f"{whole[1]}{_shown(whole[2])}" if whole else in_text(value)


def in_text(text: str) -> str:
    """A text in which paths tell no place."""
    return _paths(os.getcwd()).sub(lambda path: _shown(path[1]), text)


@cache
def _paths(working: str) -> re.Pattern[str]:
    """Paths within a text. Those of folders that are known may have blanks in their names."""
    known = {working, str(Path.home()), tempfile.gettempdir(), str(ROOT)} - {"/"}
    ours = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    return re.compile(rf"{_BEFORE}((?:{ours})(?![\w.-]){_REST}|/{_NAME}/{_REST}|(?:\.\./)+{_REST})")


def _shown(path: str) -> str:
    relative = os.path.relpath(os.path.expanduser(path), os.getcwd())
    return f"…/{Path(path).name}" if relative.startswith("..") else relative
