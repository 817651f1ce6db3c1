"""Text in lines of so many columns, whatever script it is in.

Chinese, Japanese and Korean letters and emoji are as wide as two others, and what is written above
or below a letter has no width and stays with it.
"""

import re
import textwrap
import unicodedata
from collections.abc import Iterator

from lanzdml.names import one_line, shortened
from lanzdml.tables.markup import LONGEST

_JOINED = {"Mn", "Mc", "Me", "Cf"}  # marks, and what joins letters
_SKIN_TONES = "\U0001f3fb-\U0001f3ff"
_BLANKS = {0x1680: " ", 0x3000: " "}  # DejaVu Sans has not those
_FROM_LEFT = "\u200e"
_JOINER, _VIRAMA = "\u200d", 9  # the latter is a combining class: letters around it are one


def _plain(text: str) -> str:
    """In one line, with blanks that can be drawn, and cut where it has no end."""
    return shortened(one_line(text), LONGEST).translate(_BLANKS)


def clusters(text: str) -> list[str]:
    """What a reader takes for single letters: each with its marks."""
    found: list[str] = []
    for character in text:
        if found and _belongs(character, found[-1][-1]):
            found[-1] += character
        else:
            found.append(character)
    return found


def _belongs(character: str, before: str) -> bool:
    return (
        unicodedata.category(character) in _JOINED
        or before == _JOINER
        or (unicodedata.combining(before) == _VIRAMA and character.isalpha())
        or re.match(f"[{_SKIN_TONES}]", character) is not None
    )


def columns(text: str) -> int:
    """How wide a text is, in Latin letters."""
    return sum(map(_width, clusters(text)))


def _width(cluster: str) -> int:
    return 2 if unicodedata.east_asian_width(cluster[0]) in "WF" else 1


def from_left(text: str) -> str:
    """A line that begins with a mark or a number, also where the rest is read from right to left.

    Without a sign that says so its beginning would go to the other end.
    """
    from_right = any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
    return f"{_FROM_LEFT}{text}" if from_right else text


def shorten(text: str, width: int) -> str:
    """A text in one line of at most so many columns; an ellipsis stands for what is cut off."""
    text = _plain(text)
    if columns(text) <= width:
        return text
    kept, left = "", width - 1
    for cluster in clusters(text):
        left -= _width(cluster)
        if left < 0:
            break
        kept += cluster
    return f"{kept}…"


def wrap(text: str, width: int, *, indent: str = "", most_lines: int | None = None) -> list[str]:
    """A text in lines of at most so many columns; an ellipsis stands for what is cut off.

    Args:
        text: line breaks in it are blanks.
        width: in columns.
        indent: of all lines but the first.
        most_lines: as many as there may be; any number if None.
    """
    text = _plain(text)
    if all(len(cluster) == _width(cluster) == 1 for cluster in clusters(text)):
        return textwrap.wrap(
            text, width, subsequent_indent=indent, max_lines=most_lines, placeholder="…"
        )
    lines = [""]
    for piece in _pieces(text, width - len(indent)):
        if lines[-1].strip() and columns(lines[-1] + piece) > width:
            lines.append(indent)
        lines[-1] += piece if lines[-1].strip() else piece.lstrip()
    if most_lines is not None and len(lines) > most_lines:
        lines[most_lines - 1 :] = [shorten(" ".join(lines[most_lines - 1 :]), width)]
    return lines


def _pieces(text: str, longest: int) -> Iterator[str]:
    """What stays in one line, with the blank before it: wide letters and Latin words, or parts."""
    piece = ""
    for cluster in clusters(text):
        is_wide = _width(cluster) == 2
        if cluster == " " or (is_wide and piece.strip()) or columns(piece.strip()) >= longest:
            yield piece
            piece = ""
        piece += cluster
        if is_wide:
            yield piece
            piece = ""
    yield piece
