"""Fonts for letters that DejaVu Sans lacks: those of the machine, where it has any.

DejaVu Sans comes with matplotlib and has the letters of Europe and some beyond, so that figures of
these are the same on every machine. Chinese, Japanese, Korean, most scripts of Asia and emoji it
has not. These are drawn with whatever installed font has them; where none has, the figure says
which it lacks, as a reader cannot tell empty boxes from the labels.
"""

import io
import os
import textwrap
import unicodedata
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from matplotlib import font_manager, get_data_path
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.transforms import Bbox

FAMILY = "DejaVu Sans"
_SCRIPTS = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}
_NO_GLYPH = {"Cc", "Cf", "Zs"}  # nothing is seen of these
_REGULAR = 400
_FIRST_EMOJI = "\U0001f000"
_LAST_RESORT = "LastResort"  # has a box for every letter there is

# Inches, of the words below a figure.
_SIZE, _LINE, _CHARACTER, _MARGIN = 5.5, 0.095, 0.043, 0.06  # the first in points


def complete_fonts(figure: Figure) -> str:
    """Give a figure's texts fonts of the machine for the letters that DejaVu Sans lacks.

    Returns:
        Which letters no font here has and what to do, in a sentence; empty where all can be drawn.
    """
    texts = figure.findobj(Text)
    letters = {letter for text in texts for letter in text.get_text() if letter > "\x7f"}
    known = FT2Font(_path(font_manager.findfont(FontProperties(family=[FAMILY])))).get_charmap()
    lacking = {letter for letter in letters if ord(letter) not in known and _is_seen(letter)}
    if not lacking:
        return ""
    families, missing = _families_for(lacking)
    for text in texts:
        if lacking.intersection(text.get_text()):
            text.set_fontfamily([FAMILY, *families])
    return _told(missing) if missing else ""


def _is_seen(letter: str) -> bool:
    is_selector = "VARIATION SELECTOR" in unicodedata.name(letter, "")
    return unicodedata.category(letter) not in _NO_GLYPH and not is_selector


def _families_for(letters: Collection[str]) -> tuple[list[str], set[str]]:
    """As few families of fonts as have all letters, and the letters that none has."""
    found: dict[str, set[str]] = {}
    for entry in sorted(_installed(), key=_plainness):
        drawn = _drawn_with(entry, letters)
        # Of a family the plainest font counts, which is the one that matplotlib takes.
        found.setdefault(entry.name, drawn)
    families, missing = [], set(letters)
    while found and missing:
        family = max(found, key=lambda name: len(found[name] & missing))
        drawn = found.pop(family) & missing
        if not drawn:
            break
        if _is_usable(family, drawn):
            families.append(family)
            missing -= drawn
    return families, missing


def _installed() -> Sequence[FontEntry]:
    """All fonts of the machine, those too that matplotlib's list, made once, does not have yet."""
    manager = font_manager.fontManager
    listed = {os.path.realpath(entry.fname) for entry in manager.ttflist}
    for path in font_manager.findSystemFonts():
        if os.path.realpath(path) not in listed:
            try:
                manager.addfont(path)
            except Exception:  # whatever FreeType says of a file that is no font, or of bitmaps
                continue
    own = os.path.realpath(get_data_path())
    return [
        entry
        for entry in manager.ttflist
        if not os.path.realpath(entry.fname).startswith(own)
        and _LAST_RESORT not in entry.name.replace(" ", "")
    ]


def _plainness(entry: FontEntry) -> tuple[object, ...]:
    """Sorts fonts: upright ones first, then those of a usual weight, then by name."""
    weight = entry.weight
    if isinstance(weight, str):
        weight = font_manager.weight_dict.get(weight, _REGULAR)
    distance = abs(weight - _REGULAR)
    return entry.style != "normal", distance, entry.stretch != "normal", entry.name, entry.fname


def _drawn_with(entry: FontEntry, letters: Collection[str]) -> set[str]:
    """The letters that a font has an outline of; a colour font has pictures in their place."""
    index = getattr(entry, "index", 0)  # since matplotlib 3.11
    try:
        font = FT2Font(entry.fname, face_index=index) if index else FT2Font(entry.fname)
        font.set_size(10, 72)
        return {letter for letter in letters if _has_outline(font, ord(letter))}
    except Exception:  # whatever FreeType says of a damaged file, or one that is gone
        return set()


def _has_outline(font: FT2Font, code: int) -> bool:
    if not font.get_char_index(code):
        return False
    font.load_char(code)
    return len(font.get_path()[0]) > 0


def _is_usable(family: str, letters: Collection[str]) -> bool:
    """Whether matplotlib finds the family and can put its letters into a PNG and a PDF."""
    figure = Figure(figsize=(1, 1))
    figure.text(0, 0, "".join(sorted(letters)), family=[FAMILY, family])
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Glyph")
            figure.savefig(io.BytesIO(), format="png")
            figure.savefig(io.BytesIO(), format="pdf")
    except Exception:  # and that a letter is missing after all, which is a warning
        return False
    return True


def _path(found: object) -> str:
    """The path of what matplotlib finds, which since 3.11 is more than that."""
    return str(getattr(found, "path", found))


def _told(letters: Collection[str]) -> str:
    scripts = Counter(map(_script_of, sorted(letters)))
    listed = ", ".join(f"{script} ({number})" for script, number in sorted(scripts.items()))
    return (
        f"Boxes stand for letters that no font on this machine has: {listed}. Install one that "
        "has them, such as Noto Sans of that script or, for emoji, Symbola; then delete this "
        "figure and run again."
    )


def _script_of(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if unicodedata.category(letter) == "So" and letter >= _FIRST_EMOJI:
        return "emoji"
    if not name or not unicodedata.category(letter).startswith(("L", "M", "N")):
        return f"U+{ord(letter):04X}"
    first = name.split()[0].split("-")[0]
    return _SCRIPTS.get(first, first.capitalize())


@contextmanager
def note_below(figure: Figure, note: str) -> Iterator[Bbox]:
    """Inside the block a figure has words below it; what to save of it, in inches."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(note, max(20, int((width - 2 * _MARGIN) / _CHARACTER)))
    more = len(lines) * _LINE + 2 * _MARGIN
    words = figure.text(
        _MARGIN / width, -_MARGIN / height, "\n".join(lines), fontsize=_SIZE, va="top",
        linespacing=1.15,
    )  # fmt: skip
    try:
        yield Bbox.from_extents(0, -more, width, height)
    finally:
        words.remove()
