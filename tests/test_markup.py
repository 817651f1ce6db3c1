"""Tables as Markdown and LaTeX, and that no user's word is markup."""

import re

import pytest
from docutils.core import publish_doctree

from lanzdml.tables.markup import (
    Cell,
    Table,
    blank_repeats,
    latex_table,
    markdown_escape,
    markdown_note,
    markdown_table,
    rst_escape,
    tex_escape,
)

BREAKS = ["\n", "\r", "\r\n", "\t", "\v", "\f", "\x1b", "\x85", "\u2028", "\u2029"]


def test_markdown_aligns():
    assert markdown_table(["a", "b"], [["x", "1"]], "lr") == [
        "| a | b |",
        "| --- | ---: |",
        "| x | 1 |",
    ]


@pytest.mark.parametrize("breaks", BREAKS, ids=ascii)
def test_tables_stay_whole_whatever_a_cell_holds(breaks):
    word = f"red{breaks}(warm|hot)"
    table = Table(
        word, ["class"], [(word,)], ["value"], [[Cell(word, best=True)]], [word], ["value"]
    )
    markdown = table.markdown()
    assert markdown[2:] == [r"| red (warm\|hot) | **red (warm\|hot)** |", "", r"- red (warm\|hot)"]
    latex = table.latex()
    assert latex[:2] == ["% red (warm|hot)"] * 2
    assert r"red (warm\textbar{}hot) & \textbf{red (warm\textbar{}hot)} \\" in latex
    lines = [*markdown, *latex]
    assert "\n".join(lines).splitlines() == lines


@pytest.mark.parametrize(
    ("word", "escaped"),
    [
        ("a|b", r"a\|b"), (r"a\|b", r"a\\\|b"), ("a\\", r"a\\"), (r"\_a_", r"\\\_a_"),
        (r"C:\x", r"C:\x"),
        ("*red*", r"\*red*"), ("2 * 3", "2 * 3"), ("`red`", r"\`red\`"), ("$a$b$", r"\$a\$b\$"),
        ("_red_", r"\_red_"), ("car_color", "car_color"), ("2_", "2_"), ("~~red~~", r"\~\~red\~~"),
        ("<b>", "&lt;b>"), ("</b>", "&lt;/b>"), ("a < b", "a < b"), ("p<0.5", "p&lt;0.5"),
        ("&amp;", "&amp;amp;"), ("&#42;", "&amp;#42;"), ("a & b;", "a & b;"), ("R&B", "R&amp;B"),
        ("a <", "a &lt;"), ("__a__", r"\_\_a__"), ("car__color", r"car_\_color"),
        ("[a](b)", r"[a\](b)"), ("![a[b]](c)", r"![a[b]\](c)"), ("[a]: b", r"[a\]: b"),
        ("[a][b]", r"[a\][b]"), ("[0.8, 3.8]", "[0.8, 3.8]"),
    ],
)  # fmt: skip
def test_plain_text_is_no_markdown(word, escaped):
    assert markdown_escape(word) == escaped


@pytest.mark.parametrize(
    ("word", "escaped"),
    [
        ("- red", r"\- red"), ("# red", r"\# red"), ("> red", r"\> red"), ("+ red", r"\+ red"),
        ("1. red", r"1\. red"), ("12) red", r"12\) red"), ("1.5 red", "1.5 red"), ("-0.4", "-0.4"),
        ("=", r"\="), ("---", r"\---"), ("* red", r"\* red"), ("_ _ _", r"\_ _ _"),
        ("[x] a", r"\[x] a"), ("    red", "red"),
        ("— red", "— red"), ("red - 1.", "red - 1."), ("*red", r"\*red"),
    ],
)  # fmt: skip
def test_a_note_is_no_list_and_no_heading(word, escaped):
    assert markdown_note(word) == escaped


@pytest.mark.parametrize(
    "word",
    ["*red*", "`red`", "``red``", "red_", "`red`_", "_red", "__", "|red|", "a|b", r"a\b\*", "[1]_",
     "car_color", "MAP@R, r' = 4"],
)  # fmt: skip
def test_plain_text_is_no_restructuredtext(word):
    text = f"The class {word} of all."
    assert in_one_paragraph(rst_escape(text)) == text


@pytest.mark.parametrize(
    "text",
    [".. raw:: html", ".. include:: /etc/passwd", ".. _a: b", "- red", "* red", "1. red",
     "(a) red", "ii. red", "A. red", ":red: a", ">>> red", "--red a", "/R red", "__ red", "====",
     "red::", "::", ":math:`a`", "`a <b>`__"],
)  # fmt: skip
def test_plain_text_is_a_paragraph_of_restructuredtext(text):
    assert in_one_paragraph(rst_escape(text)) == text
    assert in_one_paragraph(rst_escape(f" \n\n{text}\n")) == text


def in_one_paragraph(rst):
    """The text of what has nothing else in it."""
    (paragraph,) = publish_doctree(rst, settings_overrides={"report_level": 5})
    assert [type(node).__name__ for node in (paragraph, *paragraph)] == ["paragraph", "Text"]
    return paragraph.astext()


def test_captions_as_they_stand_are_not_changed():
    for text in ("MAP@R, mean and std: r' = 4 (5 % level).", "car_color, a-b"):
        assert rst_escape(text) == markdown_escape(text) == text


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
    assert tex_escape("$#<>|`[*") == (
        r"\$\#\textless{}\textgreater{}\textbar{}\textasciigrave{}{[}{*}"
    )
    assert tex_escape("红色 Größe") == "红色 Größe", "left as UTF-8"


@pytest.mark.parametrize("first", ["[2pt]", "*"])
def test_no_row_of_latex_begins_with_what_the_row_above_takes(first):
    table = Table("", ["class"], [("a",), (first,)], ["n"], [["1"], ["2"]])
    row = next(line for line in table.latex() if line.endswith(r"2 \\"))
    assert re.match(r"\{[\[*]\}", row)


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
