"""Lines of so many columns: as textwrap's for Latin letters, and right for other scripts."""

import textwrap

import pytest

from lanzdml.figures.wrapping import clusters, columns, from_left, shorten, wrap

LATIN = [
    "✘ label 3 of thirty characters", "a notion-with-hyphens and more", "pneumonoultramicroscopic",
    "", "Größe: été", "one two  three   four", "a \u00a0 b", "x" * 40,
]  # fmt: skip


@pytest.mark.parametrize("text", LATIN)
def test_latin_text_is_wrapped_as_ever(text):
    assert wrap(text, 13) == textwrap.wrap(text, 13)
    assert wrap(text, 13, indent="  ") == textwrap.wrap(text, 13, subsequent_indent="  ")
    assert wrap(text, 13, most_lines=2) == textwrap.wrap(text, 13, max_lines=2, placeholder="…")
    assert columns(text) == len(text)


def test_letters_keep_their_marks():
    assert clusters("สีเหลือง") == ["สี", "เ", "ห", "ลื", "อ", "ง"]
    assert clusters("क्षत्रिय") == ["क्ष", "त्रि", "य"]
    assert clusters("e\u0301a") == ["e\u0301", "a"]
    assert clusters("👩\u200d🚀👍🏽!") == ["👩\u200d🚀", "👍🏽", "!"]


def test_wide_letters_are_two_columns():
    assert columns("红色") == columns("보라") == columns("🌷🌷") == 4
    assert columns("ab") == columns("लि") + 1 == 2


@pytest.mark.parametrize(
    "text",
    ["日本語のとても長いラベルはどこで切れるか", "สีเหลืองอ่อนสวยงามมากที่สุด", "क्षत्रिय सफ़ेद फूल",
     "红色 (warm) 的汽车", "red" * 5 + "红" * 5, "e\u0301" * 30],
)  # fmt: skip
@pytest.mark.parametrize("width", [3, 8, 13])
def test_lines_of_any_script_are_as_wide_and_lose_nothing(text, width):
    lines = wrap(text, width)
    assert max(map(columns, lines)) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    cut = wrap(text, width, most_lines=2)
    assert cut[0] == lines[0]
    assert len(cut) <= 2
    assert max(map(columns, cut)) <= width
    assert cut[-1].endswith("…") == (len(lines) > 2)


def test_line_breaks_are_blanks():
    for text in ("red\n(warm)", "red\r\n(warm)", "red\u2028(warm)", "red\t(warm)", "red\x1b(warm)"):
        assert wrap(text, 20) == ["red (warm)"]
        assert shorten(text, 20) == "red (warm)"


def test_wide_blanks_are_blanks():
    assert wrap("红\u3000色", 20) == [shorten("红\u3000色", 20)] == ["红 色"]


def test_shortened_texts_are_cut_between_letters():
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 6) == "abcde…"
    assert shorten("红色的汽车", 6) == "红色…"
    assert shorten("ลืลืลื", 2) == "ลื…"


def test_a_number_stays_before_what_is_read_from_right_to_left():
    assert from_left("20 red") == "20 red"
    assert from_left("20 أحمر") == "\u200e20 أحمر"
    assert from_left("✘ אדום") == "\u200e✘ אדום"
