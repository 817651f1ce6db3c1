"""Prompts from templates and aspects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanzdml.embeddings.prompts import PLACEHOLDER, make_prompts, read_aspects, read_prompts
from lanzdml.errors import LanzdmlError

words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@given(st.lists(words, min_size=1, unique=True))
def test_prompts_keep_their_order(aspects):
    frame = make_prompts("a {aspect} car", aspects)
    assert frame["aspect"].tolist() == aspects
    assert frame["prompt"].tolist() == [f"a {aspect} car" for aspect in frame["aspect"]]


def test_text_file(tmp_path):
    path = tmp_path / "aspects.txt"
    path.write_text("# colours\nred\n\n  blau grün \n", encoding="utf-8")
    assert read_aspects(str(path)) == ["red", "blau grün"]


def test_prompts_that_are_written_out(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("# moods\na merry face\n a sad face \n")
    frame = make_prompts(PLACEHOLDER, read_prompts(str(path)))
    assert frame["prompt"].tolist() == frame["aspect"].tolist() == ["a merry face", "a sad face"]
    path = tmp_path / "prompts.csv"
    path.write_text("kind,prompt\n1,a merry face\n")
    assert read_prompts(str(path)) == ["a merry face"]
    with pytest.raises(LanzdmlError, match="the list holds no prompts"):
        read_prompts([])


def test_csv_file(tmp_path):
    path = tmp_path / "aspects.csv"
    path.write_text('aspect,kind\n"Volvo, S60",sedan\nBMW X5,suv\n')
    assert read_aspects(str(path)) == ["Volvo, S60", "BMW X5"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("A.CSV", b"aspect,note\nred,a\nblue,b\n"),
        ("a.csv", b'note;aspect\n"a, b";red\n;blue\n'),
        ("a.TSV", b"aspect\tnote\nred\ta, b\nblue\t\n"),
        ("a.TXT", "# two\nred\n\nblue\n".encode("utf-16")),
        ("a.csv", b'sep=,\nnote, aspect\na, "red"\nb, "blue"\n'),
    ],
)
def test_files_as_programs_write_them(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert read_aspects(str(tmp_path / name)) == ["red", "blue"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"# nothing\n", "holds no aspects"),
        ("a.csv", b"name\nx\n", "no column 'aspect'"),
        ("a.csv", b"aspect,b\nx,1\n,2\n", "aspect number 2 is empty"),
        ("a.txt", b"red\nblue\n red\n", "aspect 'red' is there twice; delete one"),
        ("a.txt", b"caf\xe9\n", "line 1: is in another encoding than UTF-8"),
        ("a.csv", b"aspect\nred, like fire\n", "line 2: the number of cells is 2, .* needs quotes"),
        ("a.CSV", b"name\nx\n", "no column 'aspect'"),
        ("a.tsv", b"aspect\tnote\nred\n", "line 2: the number of cells is 1"),
        ("a.xlsx", b"PK", "is no .txt, .csv or .tsv file"),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LanzdmlError, match=message) as caught:
        read_aspects(str(path))
    assert name in str(caught.value)
