"""Specificity: what is known of constructed vectors, and of labels that go together."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measuring import write_measured
from lanzdml.experiments.specificity.table import summarise
from lanzdml.metrics.chance import chance, of_other_labels
from lanzdml.metrics.scores import rank_metrics
from lanzdml.spreadsheet import read_csv
from tests.measured import NOTIONS, measure, write_world

N, SHAPES, SHADES = 600, 6, 4
SPECIFICITY = EXPERIMENTS["specificity"]
METHODS = ("random", "clip", "text_subspace", "contrast_subspace", "oracle")


def world(folder, shapes, shades, noise=0.02, hidden=()):
    """Two factors on axes of their own, noise on all, and two axes on which images just differ.

    The shape of some images is not known.
    """
    rng = np.random.default_rng(0)
    others = rng.standard_normal((len(shapes), 2))
    images = np.hstack([np.eye(SHAPES)[shapes], np.eye(SHADES)[shades], others])
    images = (images + noise * rng.standard_normal(images.shape)).astype(np.float32)
    labels = {
        "shape": [None if n in hidden else f"shape {s}" for n, s in enumerate(shapes)],
        "shade": [f"shade {s}" for s in shades],
    }
    texts = {
        "shape": {f"shape {s}": np.eye(SHAPES + SHADES + 2)[s] for s in range(SHAPES)},
        "shade": {f"shade {s}": np.eye(SHAPES + SHADES + 2)[SHAPES + s] for s in range(SHADES)},
    }
    write_world(folder, labels, images, texts)


@pytest.fixture(scope="module")
def independent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("independent")
    rng = np.random.default_rng(1)
    world(folder, rng.integers(0, SHAPES, N), rng.integers(0, SHADES, N), hidden=range(10))
    return folder, measure(folder, "specificity", METHODS, dim=SHADES)


def of(summary, method, notion, scored_on, metric="precision_at_1"):
    names = {"method": method, "notion": notion, "scored_on": scored_on, "metric": metric}
    (row,) = summary[(summary[list(names)] == pd.Series(names)).all(axis=1)].to_dict("records")
    return row


def test_nothing_is_left_of_an_independent_factor_that_is_projected_out(independent):
    summary, _ = independent[1]
    for notion, other in (NOTIONS, NOTIONS[::-1]):
        for method in ("text_subspace", "contrast_subspace"):
            row = of(summary, method, notion, other)
            # The standard deviation of a share of N at chance is some 3 points.
            assert abs(row["off_target"]) < 8
            assert of(summary, method, notion, notion)["mean"] > 0.95
        assert of(summary, "clip", notion, other)["off_target"] == pytest.approx(100)
        assert abs(of(summary, "random", notion, other)["off_target"]) < 8


def test_values_are_those_of_images_with_both_labels_beside_chance(independent):
    folder, (summary, _) = independent
    manifest = pd.read_parquet(folder / "manifest.parquet").dropna()
    assert len(manifest) == N - 10
    row = of(summary, "clip", "shade", "shape", "map_at_r")
    expected = chance(manifest["shape"].value_counts())
    assert row["chance"] == pytest.approx(expected["map_at_r"], rel=1e-12)
    assert (row["n_images"], row["n_classes"]) == (N - 10, SHAPES)
    assert of(summary, "clip", "shade", "shade")["n_images"] == N
    share = 100 * (row["mean"] - row["chance"])
    clip = of(summary, "clip", "shade", "shape", "map_at_r")["mean"]
    assert row["of_clip"] == pytest.approx(share / (clip - row["chance"]))


def test_what_sees_labels_is_no_competitor(independent):
    summary, rows = independent[1]
    assert of(summary, "oracle", "shape", "shape")["supervised"]
    (table,) = SPECIFICITY.tables(summary)
    oracle = dict(zip(table.heads, table.cell_rows(), strict=True))[("Oracle",)]
    assert not any(cell.best for cell in oracle)
    assert any(cell.best for row in table.cell_rows() for cell in row)
    assert set(rows.loc[rows["method"] == "oracle", "seed"]) == {0, 1}


def test_of_notions_that_go_together_some_is_left_and_the_table_says_how_much(tmp_path):
    rng = np.random.default_rng(2)
    shapes = rng.integers(0, SHAPES, N)
    shades = np.where(rng.random(N) < 0.6, shapes % SHADES, rng.integers(0, SHADES, N))
    world(tmp_path, shapes, shades)
    summary, _ = measure(tmp_path, "specificity", ("clip", "text_subspace"))
    row = of(summary, "text_subspace", "shape", "shade")
    assert row["by_labels"] > row["chance"] + 0.15
    # Its vectors tell the shape and, but for noise, nothing else.
    assert row["mean"] == pytest.approx(row["by_labels"], abs=0.06)
    (table,) = SPECIFICITY.tables(summary)
    assert any("as the two go together" in note for note in table.notes)


@pytest.mark.parametrize(("n", "known", "classes"), [(120, 5, 7), (50, 20, 3), (40, 2, 30)])
def test_what_labels_tell_of_others_is_the_score_of_vectors_that_hold_them(n, known, classes):
    rng = np.random.default_rng(n)
    first = rng.integers(0, known, n)
    other = np.where(rng.random(n) < 0.5, first % classes, rng.integers(0, classes, n))
    expected = rank_metrics(np.eye(known)[first], other)
    for metric, value in of_other_labels(first, other).items():
        assert value == pytest.approx(expected[metric], abs=1e-12)


def test_without_clip_and_without_a_fit_there_is_a_dash_with_the_reason(tmp_path):
    world(tmp_path, np.arange(N) % SHAPES, np.arange(N) // SHAPES % SHADES)
    summary, _ = measure(tmp_path, "specificity", ("pca", "text_subspace"))
    (table,) = SPECIFICITY.tables(summary)
    assert summary["off_target"].isna().all()
    assert "CLIP, beside which off-target is measured, is not among the methods." in table.notes
    assert any(note.startswith("— PCA, mine shade: PCA to 4") for note in table.notes)


def test_a_method_without_some_notion_has_a_dash_there(independent):
    """As one whose vectors were made elsewhere, for one notion alone."""
    _, rows = independent[1]
    some = rows[(rows["method"] != "text_subspace") | (rows["notion"] == "shape")]
    (table,) = SPECIFICITY.tables(summarise(some))
    cells = dict(zip(table.heads, table.cell_rows(), strict=True))[("Text subspace",)]
    assert [cell.text == "—" for cell in cells] == [False, False, True, True]


def test_a_mean_of_some_of_the_seeds_says_so_and_is_never_in_bold(independent):
    _, rows = independent[1]
    of_method = rows[rows["method"] == "text_subspace"]
    failed = of_method.assign(seed=1, precision_at_1=np.nan, map_at_r=np.nan, reason="it diverged")
    rows = pd.concat([rows, failed])
    (table,) = SPECIFICITY.tables(summarise(rows))
    cells = dict(zip(table.heads, table.cell_rows(), strict=True))[("Text subspace",)]
    assert all(cell.text.endswith("(1 of 2)") and not cell.best for cell in cells)


def test_notions_without_images_in_common_are_left_out_and_named(tmp_path):
    rng = np.random.default_rng(3)
    shapes, shades = rng.integers(0, SHAPES, N), rng.integers(0, SHADES, N)
    images = np.hstack([np.eye(SHAPES)[shapes], np.eye(SHADES)[shades]]).astype(np.float32)
    first = np.arange(N) < N // 2
    labels = {
        "shape": [f"shape {s}" for s in shapes],
        "shade": [f"shade {s}" if half else None for s, half in zip(shades, first, strict=True)],
        "third": [None if half else f"third {s}" for s, half in zip(shades, first, strict=True)],
    }
    texts = {name: {f"{name} {n}": np.eye(SHAPES + SHADES)[n] for n in range(4)} for name in labels}
    write_world(tmp_path, labels, images, texts)
    summary, _ = measure(tmp_path, "specificity", ["clip"], list(labels))
    assert summary.drop_duplicates("notion")["off_target"].tolist() == pytest.approx([100] * 3)
    (table,) = SPECIFICITY.tables(summary)
    said = "mine shade is not scored on mine third: fewer than two classes among the images that"
    assert any(note.startswith(said) for note in table.notes)
    assert "nan" not in " ".join(table.notes)


def test_classes_of_one_image_each_are_a_reason(tmp_path):
    labels = {"shape": ["a", "a", "b", "b"], "shade": ["w", "x", "y", "z"]}
    images = np.eye(4, dtype=np.float32)
    texts = {name: dict(zip("abcd", np.eye(4), strict=True)) for name in labels}
    write_world(tmp_path, labels, images, texts)
    _, rows = measure(tmp_path, "specificity", ["clip"], ["shape", "shade"])
    (reason,) = rows.loc[(rows["notion"] == "shape") & (rows["scored_on"] == "shade"), "reason"]
    assert reason == "no class with two images among the images that have labels of both"


def test_tables_and_figure_are_made_of_the_csv(independent, tmp_path):
    folder, (summary, _) = independent
    paths = [tmp_path / "specificity.csv", tmp_path / "specificity.md"]
    files = sorted((folder / "specificity").glob("*.parquet"))
    write_measured("specificity", files, paths)
    assert len(read_csv(paths[0])) == len(summary)
    rows = SPECIFICITY.read(paths[:1], [])
    assert {*rows["scored_on"]} == {*NOTIONS}
    figure = SPECIFICITY.draw(rows)
    (block,) = figure.subfigs
    assert [axis.get_title().partition("\n")[0] for axis in block.axes if axis.get_visible()] == [
        "Random", "CLIP", "Oracle", "Text subspace", "Contrast subspace",
    ]  # fmt: skip
    for axis in block.axes:  # a single line of panels
        assert axis.xaxis.get_tick_params()["labelbottom"]
    assert "| Text subspace |" in paths[1].read_text()
