"""What prompts are worth in labels: draws, known crossings, and values beside plain fits."""

import numpy as np
import pandas as pd
import pytest

from lanzdml import LDA
from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.label_worth.measure import draw_labelled
from lanzdml.experiments.label_worth.worth import AT_MOST, EXACT, MORE_THAN, worth
from lanzdml.experiments.measuring import write_measured
from lanzdml.metrics.scores import rank_metrics
from lanzdml.plan import Plan
from lanzdml.plan.measurements import measurements
from tests.measured import measure, write_world
from tests.test_documents import MINIMAL

LABEL_WORTH = EXPERIMENTS["label_worth"]
SIZES = {"red": 12, "green": 12, "blue": 5, "odd": 1}
LABELS = np.repeat([*SIZES], [*SIZES.values()])
KS = [1, 2, 4]


def world(folder, names=LABELS, spread=0.3):
    """Images around an axis a class, which the prompts name, and what no prompt varies in."""
    rng = np.random.default_rng(0)
    classes = np.unique(names)
    axes = np.eye(len(classes), 12)
    images = axes[np.searchsorted(classes, names)] + spread * rng.standard_normal((len(names), 12))
    images[:, 8:] *= 5
    texts = dict(zip(classes, axes + 0.3, strict=True))
    write_world(folder, {"shade": names}, images.astype(np.float32), {"shade": texts})
    return images.astype(np.float32)


def test_the_same_images_are_scored_whatever_is_labelled():
    drawn = draw_labelled(LABELS, KS, draw=3)
    assert [(one.n_classes, one.n_left) for one in drawn] == [(3, 1), (3, 1), (2, 2)]
    first, second, third = drawn
    assert {*first.labelled} < {*second.labelled}
    assert not {*second.labelled} & {*first.scored}
    np.testing.assert_array_equal(first.scored, second.scored)
    kept = [position for position in first.scored if LABELS[position] != "blue"]
    assert [*third.scored] == kept
    for one, of_blue in zip(drawn, (1, 2, 0), strict=True):
        counts = {name: int((LABELS[one.labelled] == name).sum()) for name in SIZES}
        assert counts == {"red": one.k, "green": one.k, "blue": of_blue, "odd": 0}
    assert (LABELS[first.scored] == "blue").sum() == 3, "half of it is not labelled for any k"
    (again, *_), (other, *_) = (draw_labelled(LABELS, KS, draw) for draw in (3, 4))
    np.testing.assert_array_equal(again.labelled, first.labelled)
    assert again.labelled.tolist() != other.labelled.tolist()


@pytest.mark.parametrize(("curve", "expected"), [
    ([-0.2, -0.1, 0.1], (2 * 2**0.5, EXACT)),
    ([-0.3, 0.0, 0.2], (2, EXACT)),
    ([-0.1, 0.3, -0.1], (2**0.25, EXACT)),  # where it is reached first
    ([0.0, 0.1, 0.2], (1, AT_MOST)),
    ([-0.3, -0.2, -0.1], (4, MORE_THAN)),
    ([-0.1, np.nan, 0.1], (2, EXACT)),
])  # fmt: skip
def test_where_a_curve_reaches_a_score(curve, expected):
    middle, low, high = worth(np.array([curve, curve]), np.array([1.0, 2, 4]))
    assert (pytest.approx(middle.labels), middle.beyond) == expected
    assert low == high == middle, "all draws are the same"


def test_an_interval_can_end_beyond_what_was_tried():
    curves = np.array([[-0.2, 0.1], [-0.2, -0.1], [-0.2, 0.1], [0.2, 0.1]])
    middle, low, high = worth(curves, np.array([1.0, 4]))
    assert 1 < middle.labels < 4
    assert (low.labels, low.beyond) == (1, AT_MOST)
    assert high.labels <= 4
    _, _, high = worth(curves[:2], np.array([1.0, 4]))
    assert (high.labels, high.beyond) == (4, MORE_THAN)
    assert worth(np.full((2, 2), np.nan), np.array([1.0, 4])) is None


def test_intervals_hold_with_three_draws_and_a_single_one_has_none():
    """Those of a bootstrap hold in 75 % here."""
    rng, ks, true = np.random.default_rng(1), 2.0 ** np.arange(5), 2**2.4
    held = 0
    for _ in range(200):
        curves = 0.08 * (np.log2(ks) - 2.4) + 0.04 * rng.standard_normal((3, 1))
        _, low, high = worth(curves + 0.01 * rng.standard_normal((3, 5)), ks)
        held += (low.labels <= true or low.beyond == AT_MOST) and true <= high.labels
    assert held > 180
    (middle,) = worth(curves[:1], ks)
    assert middle.beyond == EXACT


def test_values_are_those_of_fits_to_the_labelled_images(tmp_path):
    images = world(tmp_path)
    summary, rows = measure(
        tmp_path, "label_worth", ["text_subspace", "random"], ["shade"], to_labels=["lda"],
        labels=KS, draws=3,
    )  # fmt: skip
    assert len(rows) == 3 * 3 * 3
    scored = rows.pivot_table("n_images", ["draw", "k"], "method")
    assert scored.eq(scored["lda"], axis=0).all(axis=None)
    one = draw_labelled(LABELS, KS, 2)[1]
    expected = rank_metrics(
        LDA(4).fit(images[one.labelled], LABELS[one.labelled]).transform(images[one.scored]),
        LABELS[one.scored],
    )
    (row,) = rows.query("method == 'lda' and draw == 2 and k == 2").to_dict("records")
    assert row["map_at_r"] == pytest.approx(expected["map_at_r"], abs=1e-9)
    assert rows.loc[rows["method"] == "random", "seed"].unique().tolist() == [0, 1]
    worths = summary.query("part == 'worth' and metric == 'map_at_r'").set_index("method")
    assert worths.loc["random", ["map", "worth", "worth_is"]].tolist() == ["lda", 1, AT_MOST]
    curve = summary.query("part == 'curve' and metric == 'map_at_r' and method == 'lda'")
    assert curve["value"].is_monotonic_increasing
    assert curve["n_left"].tolist() == [1, 1, 2]


def test_tables_figure_and_sentences_are_made_of_the_csv(tmp_path):
    world(tmp_path)
    maps = ["lda", "few_shot_posterior"]
    measure(tmp_path, "label_worth", ["clip", "text_subspace"], ["shade"], to_labels=maps,
            labels=KS, draws=2)  # fmt: skip
    paths = [tmp_path / "label_worth.csv", tmp_path / "label_worth.md"]
    write_measured("label_worth", sorted((tmp_path / "label_worth").glob("*.parquet")), paths)
    read, text = LABEL_WORTH.read(paths[:1], []), paths[1].read_text()
    assert "| Similarity notion | Method | MAP@R | Labels of LDA |\n" in text
    assert "with 4 labelled 2 of 4 classes, too small, are left out." in text
    assert "Few-shot posterior, shade: it needs the model's logit scale" in text
    (block,) = LABEL_WORTH.draw(read).subfigs
    (axis,) = block.axes
    lines = {line.get_label(): line for line in block.legends[0].get_lines()}
    assert {"LDA", "CLIP", "other methods"} <= {*lines}
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "2", "4"]
    # A fit of its own would take a second.
    (sentence,) = LABEL_WORTH.sentences(read.replace({"method": {"text_subspace": "indirect"}}))
    assert sentence.startswith("The prompts of mine shade (with m) are worth ")
    assert ", by InDiReCT" in sentence


def test_one_draw_and_methods_that_cannot_be_fitted(tmp_path):
    world(tmp_path)
    summary, _ = measure(tmp_path, "label_worth", ["text_subspace", "pca"], ["shade"],
                         to_labels=["lda"], labels=KS, draws=1, dim=8)  # fmt: skip
    worths = (summary["part"] == "worth") & (summary["method"] == "text_subspace")
    assert summary.loc[worths, ["low", "high"]].isna().all(axis=None)
    exact = {"worth": 3.0, "worth_is": EXACT}
    some = summary.assign(**{name: summary[name].mask(worths, exact[name]) for name in exact})
    (sentence,) = LABEL_WORTH.sentences(some)
    assert "about 3 labelled images a class in a single draw" in sentence
    assert LABEL_WORTH.tables(some)[0].cells[0][1] == "3"
    (axis,) = LABEL_WORTH.draw(summary[summary["labels"].isin([1, np.nan])]).subfigs[0].axes
    assert any(
        np.ptp(line.get_xdata()) > 0 and np.ptp(line.get_ydata()) == 0 for line in axis.lines
    )
    (block,) = LABEL_WORTH.draw(summary[summary["method"] != "text_subspace"]).subfigs
    assert "LDA" in [text.get_text() for text in block.legends[0].get_texts()]


def test_classes_that_are_too_small_are_a_reason(tmp_path):
    world(tmp_path, np.repeat(["red", "green", "blue"], [2, 4, 9]))
    summary, _ = measure(tmp_path, "label_worth", ["clip"], ["shade"], to_labels=["lda"],
                         labels=[4, 8], draws=2)  # fmt: skip
    assert summary["value"].isna().all()
    worths, curves = LABEL_WORTH.tables(summary)
    assert not worths.cells
    assert not curves.cells
    reason = "with 4 labelled, 1 of its classes have the 6 images that it takes, and 2 classes are"
    assert any(reason in note for note in curves.notes)
    assert LABEL_WORTH.draw(summary).get_suptitle().startswith("Nothing could be measured")


@pytest.mark.parametrize(("section", "says"), [
    ({"maps": ["pca"]}, "label_worth.maps: pca sees no labels; allowed: oracle, lda, class_means"),
    ({"maps": ["lba"]}, "label_worth.maps: there is no method 'lba'; did you mean 'lda'?"),
    ({"labels": [4, 2]}, "label_worth.labels: [4, 2] must ascend"),
    ({"methods": ["clip", "oracle"]}, "label_worth.methods: oracle sees labels: list it in `maps`"),
])  # fmt: skip
def test_a_wrong_section_is_a_line(section, says):
    with pytest.raises(ConfigError) as error:
        parse_config(
            MINIMAL
            | {"methods": ["clip", "oracle"], "experiments": {"main": {}, "label_worth": section}}
        )
    assert says in str(error.value)


def test_maps_need_no_runs_and_oracle_is_no_line():
    experiments = {"main": {}, "label_worth": {}}
    config = MINIMAL | {"methods": ["clip", "oracle"], "experiments": experiments}
    found = measurements(Plan(parse_config(config)), "label_worth").values()
    made = pd.Series({each.run.fit.method: each.has_transforms for each in found})
    assert made.to_dict() == {
        "clip": True, "lda": False, "oracle": False, "class_means": False,
        "few_shot_posterior": False,
    }  # fmt: skip
