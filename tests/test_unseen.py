"""Classes that no prompt names: what is known of constructed vectors, and which are left out."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from lanzdml import TextLDA, TextSubspace
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measuring import write_measured
from lanzdml.experiments.unseen.measure import draw_splits, named_classes
from lanzdml.experiments.unseen.table import split_interval
from lanzdml.metrics.scores import rank_metrics
from tests.measured import measure, write_world

UNSEEN = EXPERIMENTS["unseen"]
CLASSES, EACH = 8, 30
NAMES = np.repeat([f"Class {n}" for n in range(CLASSES)], EACH)


def world(folder, centres, noise=0.05, aspects=None):
    """Images around the centres (classes, r) of their classes, whose texts are the centres."""
    rng = np.random.default_rng(0)
    images = np.repeat(centres, EACH, axis=0)
    # What texts do not vary in differs most.
    images = np.hstack([images, 3 * rng.standard_normal((len(images), 3))])
    images[:, : centres.shape[1]] += noise * rng.standard_normal((len(images), centres.shape[1]))
    texts = np.hstack([centres, np.zeros((CLASSES, 3))])
    names = aspects or [f"class {n}" for n in range(CLASSES)]
    write_world(
        folder,
        {"kind": NAMES},
        images.astype(np.float32),
        {"kind": dict(zip(names, texts))},  # noqa: B905
    )


def values(summary, method, metric="map_at_r"):
    (row,) = summary[(summary["method"] == method) & (summary["metric"] == metric)].to_dict(
        "records"
    )
    return row


def test_a_span_that_other_classes_have_too_keeps_unseen_ones_apart(tmp_path):
    """Classes on a circle: those that are left span its plane."""
    angles = 2 * np.pi * np.arange(CLASSES) / CLASSES
    world(tmp_path, np.stack([np.cos(angles), np.sin(angles)], axis=1))
    summary, _ = measure(tmp_path, "unseen", ("clip", "text_subspace"), ["kind"], splits=4)
    row = values(summary, "text_subspace")
    assert row["unseen"] > 0.95
    assert row["named"] == pytest.approx(row["unseen"], abs=0.02)
    assert (row["better"], row["n_splits"], row["n_classes"]) == (4, 4, CLASSES // 2)
    assert row["difference_low"] > 0.3


def test_of_classes_with_an_axis_each_nothing_is_left(tmp_path):
    world(tmp_path, np.eye(CLASSES))
    methods = ("clip", "text_subspace", "prompt_posterior", "oracle")
    summary, rows = measure(tmp_path, "unseen", methods, ["kind"], splits=3)
    row = values(summary, "text_subspace", "precision_at_1")
    assert row["named"] > 0.95
    assert row["unseen"] < 0.5
    of_oracle = rows[(rows["method"] == "oracle") & (rows["case"] == "unseen")]
    assert of_oracle["seed"].tolist() == [0, 1, 0]
    reason = "it needs the model's logit scale"
    assert rows.loc[rows["method"] == "prompt_posterior", "reason"].str.startswith(reason).any()


def test_a_value_is_that_of_a_fit_without_the_prompts_of_the_split(tmp_path):
    angles = 2 * np.pi * np.arange(CLASSES) / CLASSES
    centres = np.stack([np.cos(angles), np.sin(angles), np.cos(3 * angles)], axis=1)
    world(tmp_path, centres)
    _, rows = measure(tmp_path, "unseen", ["text_subspace"], ["kind"], splits=2, share=0.25)
    images = np.stack(pd.read_parquet(tmp_path / "images.parquet")["embedding"])
    prompts = pd.read_parquet(tmp_path / "kind.parquet")
    texts = np.stack(prompts["embedding"])
    splits = draw_splits(NAMES, prompts["aspect"].to_numpy(str), splits=2, share=0.25)
    unseen = rows[rows["case"] == "unseen"]
    assert unseen["n_classes"].tolist() == [2, 2]
    for split, row in zip(splits, unseen.itertuples(), strict=True):
        vectors = TextSubspace(dim=4).fit(texts[split.prompts]).transform(images[split.images])
        expected = rank_metrics(vectors, NAMES[split.images])
        assert row.map_at_r == pytest.approx(expected["map_at_r"], abs=1e-9)
        left_out = {*NAMES[split.images]}
        assert {*prompts["aspect"][~split.prompts]} == {name.lower() for name in left_out}


def test_only_named_classes_of_two_images_are_left_out():
    labels = np.array(["a", "a", "B", "B", "c", "d", "d"])
    aspects = np.array(["A", "b", "C", "other"])
    assert named_classes(labels, aspects) == ["B", "a"]
    assert draw_splits(labels, aspects, splits=3, share=0.5) == []


def test_no_two_splits_leave_out_the_same_classes():
    """Repeats would be counted as if they told something new."""
    labels = np.repeat(["a", "b", "c", "d"], 3)
    drawn = draw_splits(labels, np.unique(labels), splits=20, share=0.5)
    assert len({tuple(split.images) for split in drawn}) == len(drawn) == 6


def test_splits_are_the_same_whatever_their_number():
    aspects = np.unique(NAMES)
    few, many = (draw_splits(NAMES, aspects, splits=n, share=0.5) for n in (2, 5))
    assert [split.images.tolist() for split in few] == [s.images.tolist() for s in many[:2]]
    assert len({tuple(split.images) for split in many}) > 1


def test_too_few_named_classes_are_a_reason(tmp_path):
    aspects = [f"class {n}" if n < 3 else f"word {n}" for n in range(CLASSES)]
    world(tmp_path, np.eye(CLASSES), aspects=aspects)
    summary, _ = measure(tmp_path, "unseen", ("clip", "text_subspace"), ["kind"])
    assert summary["unseen"].isna().all()
    (table,) = UNSEEN.tables(summary)
    assert not table.cells
    assert summary["n_splits"].tolist() == [0] * 4
    assert summary["better"].isna().all()
    reason = "3 of its classes are among the aspects, and 4 are the fewest"
    assert any(note.endswith(reason) for note in table.notes)
    path, text = tmp_path / "unseen.csv", tmp_path / "unseen.md"
    write_measured("unseen", sorted((tmp_path / "unseen").glob("*.parquet")), [path, text])
    assert reason in text.read_text()
    assert (
        UNSEEN.draw(UNSEEN.read([path], [])).get_suptitle().startswith("Nothing could be measured")
    )


def test_with_all_prompts_and_without_a_method_sees_the_same_collection(tmp_path):
    """So that nothing but the prompts differs: of aspects that name no class none are left out."""
    angles = 2 * np.pi * np.arange(CLASSES) / CLASSES
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    world(tmp_path, centres)
    _, rows = measure(tmp_path, "unseen", ["text_lda"], ["kind"], splits=2)
    images = np.stack(pd.read_parquet(tmp_path / "images.parquet")["embedding"])
    prompts = pd.read_parquet(tmp_path / "kind.parquet")
    texts = np.stack(prompts["embedding"])
    first, _ = draw_splits(NAMES, prompts["aspect"].to_numpy(str), splits=2, share=0.5)
    for case, given in (("unseen", texts[first.prompts]), ("named", texts)):
        fitted = TextLDA(dim=4).fit(given, images=images)
        expected = rank_metrics(fitted.transform(images[first.images]), NAMES[first.images])
        (value,) = rows.loc[(rows["case"] == case) & (rows["split"] == 0), "map_at_r"]
        assert value == pytest.approx(expected["map_at_r"], abs=1e-9)


def test_the_interval_is_that_of_nadeau_and_bengio():
    values = np.random.default_rng(0).normal(size=12)
    low, high = split_interval(values, 1.0)
    error = np.sqrt((1 / 12 + 1) * values.var(ddof=1))
    assert (high - low) / 2 == pytest.approx(t.ppf(0.975, 11) * error)
    assert (high + low) / 2 == pytest.approx(values.mean())
    assert np.isnan(split_interval(values[:1], 1.0)).all()
    assert np.isnan(split_interval(np.array([1.0, np.nan]), 1.0)).all()


def test_figure_and_table_are_made_of_the_csv(tmp_path):
    world(tmp_path, np.eye(CLASSES))
    measure(tmp_path, "unseen", ("clip", "text_subspace"), ["kind"], splits=2)
    paths = [tmp_path / "unseen.csv", tmp_path / "unseen.md"]
    write_measured("unseen", sorted((tmp_path / "unseen").glob("*.parquet")), paths)
    figure = UNSEEN.draw(UNSEEN.read(paths[:1], []))
    (block,) = figure.subfigs
    (axis,) = block.axes
    assert [text.get_text() for text in axis.get_yticklabels()] == ["Text subspace", "CLIP"]
    assert "| kind | CLIP |" in paths[1].read_text()
