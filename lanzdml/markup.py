"""Tables as Markdown and LaTeX."""

from collections.abc import Sequence

DASH = "—"
NEEDS_BOOKTABS = r"% needs \usepackage{booktabs}"
_TEX_SPECIAL = str.maketrans({
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", DASH: "---",
})  # fmt: skip


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], n_left: int) -> list[str]:
    """Lines of a table; the first ``n_left`` columns are aligned left, the others right."""
    align = ["---"] * n_left + ["---:"] * (len(header) - n_left)
    escaped = ([cell.replace("|", r"\|") for cell in row] for row in [header, align, *rows])
    return ["| " + " | ".join(row) + " |" for row in escaped]


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], n_left: int) -> list[str]:
    """Lines of a booktabs table of finished LaTeX; a row with a first cell starts a group."""
    lines = [
        "\\begin{tabular}{" + "l" * n_left + "r" * (len(header) - n_left) + "}",
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
    """Plain text as LaTeX."""
    return text.translate(_TEX_SPECIAL)


def blank_repeats(heads: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The leading cells of each row, blank where they and all before them repeat the row above."""
    blanked = []
    for above, head in zip([None, *heads[:-1]], heads, strict=True):
        same = [above is not None and above[: n + 1] == head[: n + 1] for n in range(len(head))]
        blanked.append(
            tuple("" if repeats else cell for cell, repeats in zip(head, same, strict=True))
        )
    return blanked
