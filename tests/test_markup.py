"""Tables as Markdown and LaTeX."""

from lanzdml.markup import blank_repeats, latex_table, markdown_table, tex_escape


def test_markdown_aligns_and_escapes():
    assert markdown_table(["a", "b"], [["x|y", "1"]], n_left=1) == [
        "| a | b |",
        "| --- | ---: |",
        r"| x\|y | 1 |",
    ]


def test_latex_puts_a_line_before_each_group_but_the_first():
    lines = latex_table(["a", "b"], [["x", "1"], ["", "2"], ["y", "3"]], n_left=1)
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
