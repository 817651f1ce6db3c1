"""Table 1: what each notion is made of."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lanzdml.embeddings.storage import write_embeddings
from lanzdml.tables.overview import Notion, describe, read_overview, write_overview


@pytest.fixture
def notions(tmp_path):
    """A notion of the paper with too few classes, and two of somebody's own, one without labels."""
    manifest = pd.DataFrame({
        "image_id": ["a", "b", "c", "d"],
        "car_color": ["red", "blue", "red", None],
        "mood": ["50% & more", None, None, None],
    })  # fmt: skip
    manifest.to_parquet(tmp_path / "manifest.parquet")
    found = []
    for dataset, notion, aspects in (
        ("synthetic_cars", "car_color", ["red", "blue", "tan"]),
        ("mine", "mood", ["50% & more"]),
        ("mine", "taste", ["unlabelled"]),
    ):
        rows = pd.DataFrame({"prompt": [f"a {aspect}" for aspect in aspects], "aspect": aspects})
        file = tmp_path / f"{notion}.parquet"
        write_embeddings(file, rows, np.ones((len(rows), 2), np.float32), {})
        found.append(
            Notion(dataset, notion, "a {aspect}", notion, tmp_path / "manifest.parquet", file)
        )
    return found


def test_counts_are_those_of_labelled_images_and_prompts(notions):
    table = describe(notions)
    counts = table[["n_images", "n_labelled", "n_classes", "n_prompts"]].to_numpy().tolist()
    assert counts == [[4, 3, 2, 3], [4, 1, 1, 1], [4, 0, 0, 1]]
    assert table["paper_classes"].tolist() == [18, pd.NA, pd.NA]
    assert table["n_named"].tolist() == [2, 1, 0]
    assert table["examples"].tolist() == ["red, blue", "50% & more", "unlabelled"]


def test_classes_are_prompts_whatever_their_case(tmp_path):
    """Of a notion with the labels of another one."""
    labels = pd.DataFrame({"image_id": list("abcd"), "color": ["Red", "BLUE", "straße", "teal"]})
    labels.to_parquet(tmp_path / "manifest.parquet")
    aspects = ["red", "STRASSE", "Blue ", "tea"]
    rows = pd.DataFrame({"prompt": aspects, "aspect": aspects})
    write_embeddings(tmp_path / "shade.parquet", rows, np.ones((4, 2), np.float32), {})
    files = tmp_path / "manifest.parquet", tmp_path / "shade.parquet"
    (row,) = describe([Notion("mine", "shade", "{aspect}", "color", *files)]).itertuples()
    assert (row.notion, row.n_classes, row.n_named) == ("shade", 4, 2)
    (row,) = describe(
        [Notion("mine", "shade", "{aspect}", "color", *files, written_out=True)]
    ).itertuples()
    assert row.n_named is pd.NA, "what the prompts name is not known"


def test_the_paper_is_in_brackets(notions, tmp_path):
    write_overview(notions, tmp_path)
    lines = (tmp_path / "table1.md").read_text().splitlines()
    assert lines[4] == (
        "| Synthetic Cars | Car Color | a {aspect} | red, blue, … | 4 | 3 | 2 (18) | 3 (18) |"
    )
    assert lines[5] == "| mine | Mood | a {aspect} | 50% & more | 4 | 1 | 1 | 1 |"
    assert lines[6] == "|  | taste | a {aspect} | unlabelled | 4 | 0 | — | 1 |"
    assert lines[-1] == "- In brackets: the counts of the paper's Table 1."
    write_overview(notions[1:], tmp_path)
    assert "paper" not in (tmp_path / "table1.md").read_text()


def test_classes_of_other_sizes_than_the_papers_are_told_below(notions, tmp_path):
    manifest = pd.DataFrame({"image_id": list("abc"), "fit": ["tight", "loose | <b>", "tight"]})
    manifest.to_parquet(tmp_path / "manifest.parquet")
    other = replace(notions[0], dataset="deepfashion", notion="fit", labels="fit")
    write_overview([*notions, other], tmp_path)
    *_, note = (tmp_path / "table1.md").read_text().splitlines()
    assert note == (
        "- DeepFashion Fit: 4 of 4 classes have other numbers of images than in the original "
        "annotation: conventional 0 instead of 3,204, tight 2 instead of 595, loose 0 instead of "
        r"201, loose \| &lt;b> 1 instead of 0."
    )
    table = read_overview(tmp_path / "table1.csv")
    assert table["differing_classes"].ne("").tolist() == [False, False, False, True]


def test_latex_is_escaped(notions, tmp_path):
    write_overview(notions, tmp_path)
    text = (tmp_path / "table1.tex").read_text()
    assert r"a \{aspect\} & 50\% \& more & 4 & 1 & 1 & 1 \\" in text
    assert pd.read_csv(tmp_path / "table1.csv")["template"].tolist() == ["a {aspect}"] * 3


def test_the_csv_is_read_as_it_was_written(notions, tmp_path):
    table = describe(notions).assign(examples=["N/A", "null", ""])
    table.to_csv(tmp_path / "table1.csv", index=False)
    pd.testing.assert_frame_equal(read_overview(tmp_path / "table1.csv"), table)


@pytest.mark.parametrize("breaks", ["\n", "\r", "\r\n", "\u2028"], ids=ascii)
def test_aspects_and_templates_with_line_breaks_leave_tables_whole(breaks, tmp_path):
    aspect, template = f"red{breaks}(warm|*hot*)", f"a {{aspect}}{breaks}`car`"
    labels = pd.DataFrame({"image_id": ["a", "b"], "mood": [aspect, "blue"]})
    labels.to_parquet(tmp_path / "manifest.parquet")
    rows = pd.DataFrame({"prompt": ["x", "y"], "aspect": [aspect, "blue"]})
    write_embeddings(tmp_path / "mood.parquet", rows, np.ones((2, 2), np.float32), {})
    files = tmp_path / "manifest.parquet", tmp_path / "mood.parquet"
    write_overview([Notion("mine", "mood", template, "mood", *files)], tmp_path)
    table = (tmp_path / "table1.md").read_text()
    assert table.splitlines()[-1] == (
        r"| mine | Mood | a {aspect} \`car\` | red (warm\|\*hot\*), blue | 2 | 2 | 2 | 2 |"
    )
    row = (tmp_path / "table1.tex").read_text().splitlines()[-3]
    assert row.startswith(r"mine & Mood & a \{aspect\} \textasciigrave{}car")
    assert row.endswith(r" & 2 & 2 & 2 & 2 \\")
    (read,) = read_overview(tmp_path / "table1.csv").itertuples()
    assert read.examples == "red (warm|*hot*), blue"
    assert (read.n_named, read.n_classes) == (2, 2), "labels are compared as they are"
