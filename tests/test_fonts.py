"""Letters that DejaVu Sans lacks: drawn with a font of the machine, or the figure says so."""

import logging
import struct
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.text import Text

from lanzdml.figures import fonts
from lanzdml.figures.style import new_figure, style, styled, write_figure

RED, YELLOW, TULIP = "红", "เ", "🌷"


def make_font(path, family, letters, *, empty=False):
    """A font whose letters are squares, or nothing, as those of colour fonts are."""
    names = {ord(letter): f"u{ord(letter):04X}" for letter in letters}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    glyphs = {}
    for name in [".notdef", *names.values()]:
        pen = TTGlyphPen(None)
        if not empty:
            pen.moveTo((100, 0))
            for corner in ((100, 700), (800, 700), (800, 0)):
                pen.lineTo(corner)
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (900, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    names_told = {"familyName": family, "styleName": "Regular", "psName": family.replace(" ", "")}
    builder.setupNameTable(names_told)
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Says which fonts the machine has, beside those that come with matplotlib."""
    manager = font_manager.fontManager
    own = [entry for entry in manager.ttflist if entry.fname.startswith(mpl.get_data_path())]
    monkeypatch.setattr(manager, "ttflist", own)
    paths = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in paths])

    def install(family, letters, **how):
        paths.append(make_font(tmp_path / f"{family}.ttf", family, letters, **how))

    return install, paths


@styled
def drawn(label, width=3.0):
    figure = new_figure(width, 2)
    axis = figure.add_subplot(title=label)
    axis.plot([0, 1], label=label)
    axis.set_xticks([0, 1], [label, "b"])
    axis.legend()
    return figure


def written(figure, folder, name):
    """Content of both files; what matplotlib warns of is an error."""
    paths = [folder / f"{name}.png", folder / f"{name}.pdf"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        write_figure(figure, paths)
    return tuple(path.read_bytes() for path in paths)


def size_of(png):
    return struct.unpack(">II", png[16:24])


def families_of(figure, letter):
    return {
        tuple(text.get_fontfamily()) for text in figure.findobj(Text) if letter in text.get_text()
    }


def test_letters_that_our_font_has_take_no_other(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "_installed", lambda: pytest.fail("no font is looked for"))
    figure = drawn("Größe ✔ −1 Δ أحمر")
    written(figure, tmp_path, "a")
    assert families_of(figure, "Δ") == {("DejaVu Sans",)}


def test_a_font_of_the_machine_draws_what_ours_lacks(machine, tmp_path, caplog):
    install, _ = machine
    without, _ = written(drawn(f"{RED} a"), tmp_path, "without")
    caplog.clear()
    install("Some CJK", [RED])  # later than matplotlib made its list
    figure = drawn(f"{RED} a")
    png, pdf = written(figure, tmp_path, "with")
    assert families_of(figure, RED) == {("DejaVu Sans", "Some CJK")}
    assert families_of(figure, "b") == {("DejaVu Sans",)}
    assert b"SomeCJK" in pdf
    assert size_of(png) == (900, 600)
    assert png != without
    assert not caplog.records


def test_without_a_font_the_figure_says_which_letters_it_lacks(machine, tmp_path, caplog):
    figure = drawn(f"{RED}{YELLOW}{TULIP} ꙮ\ue000")
    before = figure.findobj(Text)
    with caplog.at_level(logging.WARNING):
        png, pdf = written(figure, tmp_path, "a")
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith("Boxes stand for letters that no font on this machine has: ")
    assert "Chinese (1), Thai (1), U+E000 (1), emoji (1)" in said
    assert "delete this figure and run again" in said
    width, height = size_of(png)
    assert width == 900
    assert 660 < height < 900, "there are lines below it"
    assert figure.findobj(Text) == before, "and none is left in it"
    assert (png, pdf) == written(figure, tmp_path, "b")


def test_what_is_said_is_inside_the_picture_and_can_be_read(machine, tmp_path):
    figure = drawn(RED, width=1.5)
    note = fonts.complete_fonts(figure)
    with style(), fonts.note_below(figure, note) as box:
        (words,) = figure.texts
        assert " ".join(words.get_text().split()) == note
        extent = words.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    assert 0 <= extent.x0 < extent.x1 <= box.x1 == 1.5
    assert box.y0 <= extent.y0 < extent.y1 <= 0


def test_as_few_fonts_as_have_the_letters_and_the_rest_is_said(machine, tmp_path, caplog):
    install, _ = machine
    install("A Chinese", [RED])
    install("B Both", [RED, YELLOW])
    figure = drawn(f"{RED}{YELLOW}{TULIP}")
    written(figure, tmp_path, "a")
    assert families_of(figure, RED) == {("DejaVu Sans", "B Both")}
    (record,) = caplog.records
    assert "has: emoji (1)." in record.getMessage()


def test_fonts_that_cannot_be_used_are_passed_over(machine, tmp_path, caplog):
    install, paths = machine
    install("A Colour", [RED], empty=True)
    Path(tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0 no font")
    cut = make_font(tmp_path / "cut.ttf", "A Cut", [RED])
    cut.write_bytes(cut.read_bytes()[:450])
    paths += [tmp_path / "broken.ttf", cut, tmp_path / "gone.ttf"]
    figure = drawn(RED)
    written(figure, tmp_path, "a")
    assert families_of(figure, RED) == {("DejaVu Sans",)}
    assert "Chinese (1)" in caplog.text
    install("B Good", [RED])
    figure = drawn(RED)
    written(figure, tmp_path, "b")
    assert families_of(figure, RED) == {("DejaVu Sans", "B Good")}


def test_what_cannot_be_seen_needs_no_font(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "_installed", lambda: pytest.fail("no font is looked for"))
    written(drawn("a\u200b\u00ad\u202e\ufe0f b"), tmp_path, "a")
