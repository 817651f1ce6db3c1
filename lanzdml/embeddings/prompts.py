"""Prompts: a template filled with each aspect of a notion (paper section 3.1, Table 1).

Prompts that somebody wrote out are the same with :data:`PLACEHOLDER` as the template.
"""

import csv
from collections import Counter
from pathlib import Path
from typing import TextIO

import pandas as pd

from lanzdml.errors import LanzdmlError

PLACEHOLDER = "{aspect}"
FROM_LABELS = "labels"
"""In place of aspects: the distinct labels of the dataset's images."""


def read_aspects(aspects: list[str] | str) -> list[str]:
    """Aspects from a list, a text file (one a line, ``#`` starts a comment) or a CSV (``aspect``).

    Raises:
        LanzdmlError: no such file, no such column, no aspect, an empty one, or one twice.
    """
    return _read(aspects, "aspect")


def read_prompts(prompts: list[str] | str) -> list[str]:
    """Prompts, written out, from where :func:`read_aspects` reads aspects (CSV: ``prompt``).

    Raises:
        LanzdmlError: no such file, no such column, no prompt, an empty one, or one twice.
    """
    return _read(prompts, "prompt")


def _read(texts: list[str] | str, kind: str) -> list[str]:
    if isinstance(texts, list):
        given, source = texts, "the list"
    else:
        path = Path(texts)
        if not path.is_file():
            raise LanzdmlError(f"there is no file {texts}")
        source = str(path)
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                given = _csv_column(file, path, kind) if path.suffix == ".csv" else _lines(file)
        except UnicodeDecodeError as error:
            raise LanzdmlError(f"{path} is not UTF-8: {error}") from None
    if not given:
        raise LanzdmlError(f"{source} holds no {kind}s")
    for position, text in enumerate(given):
        if not text.strip():
            raise LanzdmlError(f"{source}: {kind} number {position + 1} is empty")
    texts = [text.strip() for text in given]
    for text, count in Counter(texts).items():
        if count > 1:
            raise LanzdmlError(f"{source}: {kind} {text!r} is there twice; delete one")
    return texts


def _lines(file: TextIO) -> list[str]:
    lines = (line.strip() for line in file)
    return [line for line in lines if line and not line.startswith("#")]


def _csv_column(file: TextIO, path: Path, column: str) -> list[str]:
    reader = csv.DictReader(file)
    if column not in (reader.fieldnames or ()):
        raise LanzdmlError(f"{path} has no column {column!r}, but {reader.fieldnames}")
    return [row[column] or "" for row in reader]


def make_prompts(template: str, aspects: list[str] | str) -> pd.DataFrame:
    """The prompts of a notion in the order of their aspects.

    Args:
        template: holds ``{aspect}`` once.
        aspects: see :func:`read_aspects`.

    Returns:
        columns ``prompt`` and ``aspect``, one row a prompt.

    Raises:
        LanzdmlError: see :func:`read_aspects`.
    """
    values = read_aspects(aspects)
    prompts = [template.replace(PLACEHOLDER, aspect) for aspect in values]
    return pd.DataFrame({"prompt": prompts, "aspect": values}, dtype="str")
