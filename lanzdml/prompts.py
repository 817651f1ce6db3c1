"""Prompts: a template filled with each aspect of a notion (paper section 3.1, Table 1)."""

import csv
from pathlib import Path

import pandas as pd

from lanzdml.errors import LanzdmlError

PLACEHOLDER = "{aspect}"
FROM_LABELS = "labels"
"""In place of aspects: the distinct labels of the dataset's images."""
ASPECT_COLUMN = "aspect"


def read_aspects(aspects: list[str] | str) -> list[str]:
    """Aspects from a list, a text file (one a line, ``#`` starts a comment) or a CSV (``aspect``).

    Raises:
        LanzdmlError: no such file, no such column, no aspect, or an empty one.
    """
    if isinstance(aspects, list):
        found, source = aspects, "the list"
    else:
        path = Path(aspects)
        if not path.is_file():
            raise LanzdmlError(f"there is no file {aspects}")
        source = str(path)
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                found = _csv_column(file, path) if path.suffix == ".csv" else _lines(file)
        except UnicodeDecodeError as error:
            raise LanzdmlError(f"{path} is not UTF-8: {error}") from None
    if not found:
        raise LanzdmlError(f"{source} holds no aspects")
    for position, aspect in enumerate(found):
        if not aspect.strip():
            raise LanzdmlError(f"{source}: aspect number {position + 1} is empty")
    return [aspect.strip() for aspect in found]


def _lines(file) -> list[str]:
    lines = (line.strip() for line in file)
    return [line for line in lines if line and not line.startswith("#")]


def _csv_column(file, path: Path) -> list[str]:
    reader = csv.DictReader(file)
    if ASPECT_COLUMN not in (reader.fieldnames or ()):
        raise LanzdmlError(f"{path} has no column {ASPECT_COLUMN!r}, but {reader.fieldnames}")
    return [row[ASPECT_COLUMN] or "" for row in reader]


def make_prompts(template: str, aspects: list[str] | str) -> pd.DataFrame:
    """The distinct prompts of a notion in the order of their aspects.

    Args:
        template: holds ``{aspect}`` once.
        aspects: see :func:`read_aspects`.

    Returns:
        columns ``prompt`` and ``aspect``, one row a distinct prompt.

    Raises:
        LanzdmlError: see :func:`read_aspects`.
    """
    values = read_aspects(aspects)
    prompts = [template.replace(PLACEHOLDER, aspect) for aspect in values]
    frame = pd.DataFrame({"prompt": prompts, "aspect": values}, dtype="str")
    return frame.drop_duplicates("prompt", ignore_index=True)
