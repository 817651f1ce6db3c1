"""Prompts: a template filled with each aspect of a notion (paper section 3.1, Table 1).

Prompts that somebody wrote out are the same with :data:`PLACEHOLDER` as the template.
"""

import itertools
from collections import Counter
from pathlib import Path

import pandas as pd

from lanzdml.datasets.csv_file import columns_of, is_csv, lines_of, read_csv
from lanzdml.errors import LanzdmlError
from lanzdml.names import normalized, shortened

PLACEHOLDER = "{aspect}"
# Of a list, or that an ensemble makes; each is embedded, and the largest vocabularies have some
# 100,000.
MOST_PROMPTS = 1_000_000
_LETTERS = 4_096  # of each; the time that tokenizers take grows with the square of a word
FROM_LABELS = "labels"
"""In place of aspects: the distinct labels of the dataset's images."""
OWN, ENSEMBLE = "own", "ensemble"
"""A notion's wordings beside its variants: its own prompts, and means over several templates."""


def read_aspects(aspects: list[str] | str) -> list[str]:
    """Aspects from a list, a text file (one a line, ``#`` starts a comment) or a CSV (``aspect``).

    Raises:
        LanzdmlError: the file cannot be read, or has no such column; no aspect, an empty one, an
            endless one, or one twice.
    """
    return _read(aspects, "aspect")


def read_prompts(prompts: list[str] | str) -> list[str]:
    """Prompts, written out, from where :func:`read_aspects` reads aspects (CSV: ``prompt``).

    Raises:
        LanzdmlError: no such file, no such column, no prompt, an empty one, or one twice.
    """
    return _read(prompts, "prompt")


def _read(texts: list[str] | str, kind: str) -> list[str]:
    source = "the list" if isinstance(texts, list) else texts
    # Accents as labels have them, so that classes are found among the aspects.
    given = texts if isinstance(texts, list) else list(map(normalized, _of_file(Path(texts), kind)))
    if not given:
        raise LanzdmlError(f"{source} holds no {kind}s")
    for position, text in enumerate(given):
        if not text.strip():
            raise LanzdmlError(f"{source}: {kind} number {position + 1} is empty")
        if len(text) > _LETTERS:
            raise LanzdmlError(
                f"{source}: {kind} number {position + 1} has more than {_LETTERS:,} letters, which "
                f"no model reads: {shortened(text, 40)}"
            )
    texts = [text.strip() for text in given]
    for text, count in Counter(texts).items():
        if count > 1:
            raise LanzdmlError(f"{source}: {kind} {text!r} is there twice; delete one")
    return texts


def _of_file(path: Path, kind: str) -> list[str]:
    if not path.is_file():
        raise LanzdmlError(f"there is no file {path}")
    if is_csv(path):
        columns = columns_of(path, kind)
        if kind not in columns:
            has = ", ".join(columns) or "nothing at all"
            raise LanzdmlError(f"{path} has no column {kind!r}, but {has}")
        return read_csv(path, kind, [kind])[kind].fillna("").tolist()
    if path.suffix.lower() != ".txt":
        raise LanzdmlError(f"{path} is no .txt, .csv or .tsv file")
    lines = (part.strip() for line in lines_of(path) for part in line.splitlines())
    texts = (line for line in lines if line and not line.startswith("#"))
    found = list(itertools.islice(texts, MOST_PROMPTS + 1))
    if len(found) > MOST_PROMPTS:
        raise LanzdmlError(f"{path} holds more than {MOST_PROMPTS:,} {kind}s")
    return found


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
