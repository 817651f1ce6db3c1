r"""CSV files of ours: what a spreadsheet would take for a formula is text in them.

A label that begins with ``=``, ``+``, ``-`` or ``@`` is computed when a CSV is opened, and may ask
the network or start programs. Before such a sign stands an apostrophe, which makes it text; before
an apostrophe, another one. Also within a cell, behind what some spreadsheet parts cells at whatever
is quoted: a semicolon, a tab and a line break. Numbers are left alone, as texts, too.

:func:`read_csv` takes those apostrophes away. So does, for a column of text,
``column.str.replace(r"(^|[;\t\r\n])(\s*)'", r"\1\2", regex=True)``.
"""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded

# Where a cell begins, and blanks, which some spreadsheets cut off. Possessive repeats: what fails
# is not tried again with one less, so that texts without end take no longer than others.
_BEGIN = re.compile(r"(?:^|[;\t\r\n])\s*+")
_GUARDED = re.compile(rf"({_BEGIN.pattern})'?")
_TAKEN = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20']")  # also in the width of Chinese letters
_NUMBER = re.compile(r"[-+](?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?\s*+")
_ROW_ENDS = "\r\uffff\n"  # a cell with one of these is quoted


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula; :func:`plain` is its inverse."""

    def guard(begin: re.Match[str]) -> str:
        return f"{begin[0]}'" if _TAKEN.match(text, begin.end()) else begin[0]

    return text if _NUMBER.fullmatch(text) else _BEGIN.sub(guard, text)


def plain(text: str) -> str:
    """The text that :func:`guarded` was given."""
    return _GUARDED.sub(r"\1", text)


def to_csv(frame: pd.DataFrame) -> str:
    """A frame without its index as CSV, names of columns and texts guarded."""
    text = _texts_by(guarded, frame).to_csv(index=False, lineterminator=_ROW_ENDS)
    return text.replace(_ROW_ENDS, "\n")


def read_csv(path: str | os.PathLike[str], **options: Any) -> pd.DataFrame:
    """A CSV that :func:`to_csv` made.

    Args:
        path: of the file.
        options: of :func:`pandas.read_csv`.

    Raises:
        LanzdmlError: it is no such file, or larger than ``limits.table_mib``.
    """
    try:
        frame = pd.read_csv(io.BytesIO(read_bounded(Path(path))), **options)
    except (ValueError, OSError) as error:
        raise LanzdmlError(f"{path} cannot be read: {error}; delete it and run again") from None
    return _texts_by(plain, frame)


def _texts_by(change: Callable[[str], str], frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with its texts and the names of its columns changed, and all else as it is."""

    def changed(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    columns = [
        column if pd.api.types.is_numeric_dtype(column) else column.map(changed)
        for _, column in frame.items()
    ]
    renamed = {name: changed(name) for name in frame}
    return pd.concat(columns, axis=1).rename(columns=renamed) if columns else frame
