"""Tables as Markdown and LaTeX."""

from lanzdml.tables.markup import (
    Cell,
    Table,
    blank_repeats,
    latex_table,
    markdown_table,
    tex_escape,
)


def test_markdown_aligns_and_escapes():
    assert markdown_table(["a", "b"], [["x|y", "1"]], "lr") == [
        "| a | b |",
        "| --- | ---: |",
        r"| x\|y | 1 |",
    ]


def test_latex_puts_a_line_before_each_group_but_the_first():
    lines = latex_table(["a", "b"], [["x", "1"], ["", "2"], ["y", "3"]], "lr")
    assert lines[0] == r"\begin{tabular}{lr}"
    assert lines[2:8] == [
        r"a & b \\",
        r"\midrule",
        r"x & 1 \\",
        r" & 2 \\",
        r"\midrule",
        r"y & 3 \\",
    ]


def test_what_is_special_to_latex_is_escaped():
    assert tex_escape(r"50% & a_b {~^\} ±") == (
        r"50\% \& a\_b \{\textasciitilde{}\textasciicircum{}\textbackslash{}\} $\pm$"
    )


def test_repeats_are_blank_only_below_the_same_head():
    heads = [("a", "x"), ("a", "x"), ("a", "y"), ("b", "y")]
    assert blank_repeats(heads) == [("a", "x"), ("", ""), ("", "y"), ("b", "y")]


def test_a_table_is_the_same_whatever_it_is_printed_as():
    table = Table(
        "What is shown", ["a", "b"], [("x", "1"), ("x", "2_")], ["value", "word"],
        [["0.5", "no"], [Cell("0.7", best=True), "yes"]], ["a note"], ["word"],
    )  # fmt: skip
    assert table.markdown() == [
        "| a | b | value | word |",
        "| --- | --- | ---: | --- |",
        "| x | 1 | 0.5 | no |",
        "|  | 2_ | **0.7** | yes |",
        "",
        "- a note",
    ]
    lines = table.latex()
    assert lines[:3] == ["% What is shown", "% a note", r"\begin{tabular}{llrl}"]
    assert lines[6:8] == [r"x & 1 & 0.5 & no \\", r" & 2\_ & \textbf{0.7} & yes \\"]
