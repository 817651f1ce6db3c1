"""Tables as Markdown and LaTeX, and plain text as either: what a user's words hold is no markup."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from lanzdml.names import one_line, shortened

DASH = "—"
LONGEST = 500
"""Characters of what a table, or the page, shows of a text; as many times four of a note."""
NEEDS_BOOKTABS = r"% needs \usepackage{booktabs}"
# In pdflatex's first encoding <, > and | are other signs; behind \\ of the row above [ begins a
# length, and * is a part of it.
_TEX_SPECIAL = str.maketrans({
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{character: f"{{{character}}}" for character in "[*"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    "±": r"$\pm$", DASH: "---",
})  # fmt: skip
_MARKDOWN_SPECIAL = re.compile(
    r"""
      [`$|]                       # code, maths, the next cell
    | \\(?=[^\w\s]|_|$)           # what takes a sign's meaning away
    | \*(?=\S) | ~(?=\S)          # what begins at a sign is in bold, or crossed out
    | (?<![^\W_])_(?=\S)
    | \](?=[(:\[])                # the end of a link's text, of its address or of a footnote
    """,
    re.VERBOSE,
)
# Not every reader of Markdown knows a backslash before these. Before a blank they are themselves.
_HTML_SPECIAL = re.compile(r"[<&](?! )")
_BLOCK = re.compile(r"[-+*_](?=[-*_\s]|$)|[>#=\[]|\d+(?=[.)](\s|$))")
_RST_SPECIAL = re.compile(r"[\\*`|]|_(?!\w)|(?<!\w)_|:(?=:$)")
_RST_PARAGRAPH = re.compile(r"[^\W\d_]{2}(?!\w*[.)]\s)")  # begins with no sign and no number


@dataclass(frozen=True)
class Cell:
    """An entry of a table; the best ones are bold."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table of plain text, whatever it is printed as. What is long is cut where it is printed.

    ``heads`` are the leading cells of each row, below ``head_names``; what they repeat of the row
    above is printed once. ``texts`` are those of the other columns that hold words, not numbers.
    """

    caption: str
    head_names: Sequence[str]
    heads: Sequence[tuple[str, ...]]
    columns: Sequence[str]
    cells: Sequence[Sequence[str | Cell]]
    notes: Sequence[str] = ()
    texts: Sequence[str] = ()

    def cell_rows(self) -> list[list[Cell]]:
        """The cells of each row."""
        return [[_cell(cell) for cell in row] for row in self.cells]

    def note_lines(self) -> list[str]:
        """What is said below it."""
        return [shortened(note, 4 * LONGEST) for note in self.notes]

    def markdown(self) -> list[str]:
        """Lines of the table and of its notes, without the caption."""
        notes = [f"- {markdown_note(note)}" for note in self.note_lines()]
        header = [*map(markdown_escape, self._header())]
        table = markdown_table(header, self._rows("**{}**", markdown_escape), self._align())
        return [*table, "", *notes] if notes else table

    def latex(self) -> list[str]:
        """Lines of the table, below caption and notes as comments."""
        comments = [f"% {one_line(text)}" for text in (self.caption, *self.note_lines())]
        rows = self._rows("\\textbf{{{}}}", tex_escape)
        return [*comments, *latex_table([*map(tex_escape, self._header())], rows, self._align())]

    def _header(self) -> list[str]:
        return [shortened(name, LONGEST) for name in (*self.head_names, *self.columns)]

    def _align(self) -> str:
        return "l" * len(self.head_names) + "".join(
            "rl"[name in self.texts] for name in self.columns
        )

    def _rows(self, bold: str, escape: Callable[[str], str]) -> list[list[str]]:
        def show(cell: Cell) -> str:
            text = escape(cell.text)
            return bold.format(text) if cell.best else text

        heads = blank_repeats(self.heads)
        return [
            [*(escape(shortened(text, LONGEST)) for text in head), *map(show, row)]
            for head, row in zip(heads, self.cell_rows(), strict=True)
        ]


def _cell(cell: str | Cell) -> Cell:
    cell = cell if isinstance(cell, Cell) else Cell(cell)
    return replace(cell, text=shortened(cell.text, LONGEST))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Lines of a table of finished Markdown; ``align`` has an "l" or "r" for each column."""
    marks = [{"l": "---", "r": "---:"}[side] for _, side in zip(header, align, strict=True)]
    return ["| " + " | ".join(row) + " |" for row in [header, marks, *rows]]


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Lines of a booktabs table of finished LaTeX; a row with a first cell starts a group."""
    lines = [
        f"\\begin{{tabular}}{{{align}}}",
        "\\toprule",
        " & ".join(header) + r" \\",
        "\\midrule",
    ]
    for position, row in enumerate(rows):
        if row[0] and position:
            lines.append("\\midrule")
        lines.append(" & ".join(row) + r" \\")
    return [*lines, "\\bottomrule", "\\end{tabular}"]


def tex_escape(text: str) -> str:
    """Plain text as LaTeX in one line; what pdflatex has no sign for is UTF-8."""
    return one_line(text).translate(_TEX_SPECIAL)


def markdown_escape(text: str) -> str:
    """Plain text as Markdown in one line, in a sentence or in a cell.

    An address is left as it is: a page may link it, but to nothing else than what is read.
    """
    escaped = _MARKDOWN_SPECIAL.sub(r"\\\g<0>", one_line(text))
    return _HTML_SPECIAL.sub(lambda sign: escape(sign[0]), escaped)


def markdown_note(text: str) -> str:
    """Plain text as Markdown in one line, at the beginning of one or of a note."""
    escaped = markdown_escape(text).lstrip()
    if mark := _BLOCK.match(escaped):
        at = mark.end() if mark[0].isdecimal() else 0
        return f"{escaped[:at]}\\{escaped[at:]}"
    return escaped


def rst_escape(text: str) -> str:
    """Plain text as reStructuredText in one line, which is a paragraph."""
    escaped = _RST_SPECIAL.sub(r"\\\g<0>", one_line(text).strip())
    return escaped if _RST_PARAGRAPH.match(escaped) else rf"\ {escaped}"


def blank_repeats(heads: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The leading cells of each row, blank where they and all before them repeat the row above."""
    blanked = []
    for above, head in zip([None, *heads], heads, strict=False):
        same = [above is not None and above[: n + 1] == head[: n + 1] for n in range(len(head))]
        blanked.append(
            tuple("" if repeats else cell for cell, repeats in zip(head, same, strict=True))
        )
    return blanked
