"""Wordings: statistics against constructed tables, and what is measured on constructed vectors."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, t

from lanzdml import TextSubspace
from lanzdml.embeddings.prompts import ENSEMBLE, OWN
from lanzdml.embeddings.storage import (
    GIVEN,
    WEIGHTS,
    read_embeddings,
    read_metadata,
    write_embeddings,
)
from lanzdml.errors import LanzdmlError
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measuring import write_measured
from lanzdml.experiments.source import Prompts
from lanzdml.experiments.wording.influence import interval_of_change
from lanzdml.experiments.wording.measure import distance_of, turned
from lanzdml.experiments.wording.ranking import agreement, pairs_of_methods
from lanzdml.experiments.wording.sentences import sentences
from lanzdml.experiments.wording.variance import COMPONENTS, SEED, WORDING, variance_shares
from lanzdml.metrics.scores import rank_metrics
from lanzdml.report.figure_tables import figure_findings
from lanzdml.significance.statistics import Measured, StandardError
from tests.measured import measure, write_wording, write_world

WORDINGS = EXPERIMENTS["wording"]
CLASSES, EACH = 6, 12
NAMES = np.repeat([f"class {n}" for n in range(CLASSES)], EACH)


def design(rng, shape, stds):
    """Scores (methods, wordings, seeds) with effects of these standard deviations."""
    a, b, s = shape
    effects = [(a, 1, 1), (1, b, 1), (a, b, 1), (a, b, s)]
    return sum(std * rng.standard_normal(size) for std, size in zip(stds, effects, strict=True))


def test_effects_that_add_up_are_told_apart():
    methods, wordings = np.array([-3.0, 0, 1, 2]), np.array([0.0, 1, 5])
    seeds = np.array([-0.1, 0.1])
    values = methods[:, None, None] + wordings[:, None] + seeds
    found = variance_shares(values)["variance"]
    of_seeds = seeds.var(ddof=1)
    # The interaction is none, less than what chance in seeds would make of none.
    expected = [methods.var(ddof=1), wordings.var(ddof=1), 0, of_seeds]
    assert found.to_list() == pytest.approx(expected)
    assert variance_shares(values)["cut"].to_list() == [False, False, True, False]


def test_components_are_those_of_the_design_and_their_intervals_hold():
    """With a parametric bootstrap the interval of the wording's share holds in 80 % here."""
    rng, stds = np.random.default_rng(0), (1, 0.5, 0.5, 0.2)
    true = np.square(stds) / np.square(stds).sum()
    found = [variance_shares(design(rng, (10, 3, 2), stds)) for _ in range(200)]
    means = np.mean([rows["variance"] for rows in found], axis=0)
    assert means == pytest.approx(np.square(stds), rel=0.2)
    held = np.mean([(rows["low"] <= true) & (true <= rows["high"]) for rows in found], axis=0)
    assert (held > 0.9).all()


def test_methods_without_chance_and_one_seed():
    rng = np.random.default_rng(0)
    values = np.repeat(design(rng, (5, 4, 1), (1, 1, 0.1, 0)), 2, axis=2)
    assert variance_shares(values).loc[SEED, "share"] == 0
    one = variance_shares(values[:, :, :1])
    assert one.loc[SEED].drop("cut").isna().all()
    assert one["share"].sum() == pytest.approx(1)
    assert variance_shares(np.ones((3, 2, 1)))["share"].isna().all()
    assert [*one.index] == [*COMPONENTS]


def test_wordings_that_agree_and_that_turn_the_order():
    order = np.array([0.1, 0.2, 0.3, 0.4])
    means = np.stack([order, order, order[::-1]], axis=1)
    found = agreement(means, np.repeat(means[:, :, None], 5, axis=2))
    assert found.tau == pytest.approx((1 - 1 - 1) / 3)
    assert (found.low, found.high) == pytest.approx((found.tau, found.tau))
    assert found.same_wording == pytest.approx(1)
    assert found.same_best == pytest.approx(1 / 3)


def test_tau_counts_ties_and_its_interval_is_that_of_the_draws():
    rng = np.random.default_rng(0)
    means = np.array([[0.1, 0.1], [0.1, 0.3], [0.4, 0.2], [0.5, 0.5]])
    draws = means[:, :, None] + 0.1 * rng.standard_normal((4, 2, 20))
    found = agreement(means, draws)
    assert found.tau == pytest.approx(kendalltau(*means.T).statistic)
    taus = [kendalltau(*draws[:, :, n].T).statistic for n in range(20)]
    reach = t.ppf(0.975, 19) * np.std(taus, ddof=1)
    assert found.low == pytest.approx(max(-1, found.tau - reach))
    assert found.same_wording < 1


def scored(*means, std=0.01, fits=None):
    """A method under wordings, each of a deviation of its own over draws."""
    rng = np.random.default_rng(round(1e6 * abs(sum(means))) + len(means))
    return [Measured(mean, mean + std * rng.standard_normal(200), fits) for mean in means]


def test_a_pair_turns_where_each_is_ahead_beyond_noise():
    scores = {
        "a": scored(0.5, 0.5, 0.5, 0.5),
        "b": scored(0.4, 0.6, 0.501, 0.4),  # turns
        "c": scored(0.4, 0.502, 0.503, 0.4),  # ahead of a by less than noise
    }
    pairs = pairs_of_methods(scores, 500).set_index(["method", "other"])
    assert pairs.loc[("a", "b")].to_list() == [2, 1, 1, True]
    assert pairs.loc[("a", "c")].to_list() == [2, 0, 2, False]
    few = pairs_of_methods(scores, 29)
    assert (few["close"] == 4).all()
    noisy = {name: scored(*means, fits=StandardError(0.2, 1)) for name, means in
             (("a", (0.5, 0.5)), ("b", (0.4, 0.6)))}  # fmt: skip
    assert pairs_of_methods(noisy, 500)["close"].to_list() == [2]


def test_of_many_equal_methods_none_are_found_to_turn():
    """By 95 % intervals alone some pair of these would be in most samples."""
    rng = np.random.default_rng(1)
    equal = {
        str(name): [Measured(0.01 * rng.standard_normal(), 0.01 * rng.standard_normal(200), None)
                    for _ in range(6)]
        for name in range(10)
    }  # fmt: skip
    pairs = pairs_of_methods(equal, 1000)
    assert len(pairs) == 45
    assert not pairs["turned"].any()
    assert (pairs["close"] >= 5).all()


def test_an_interval_of_a_prompt_is_that_of_all_prompts_at_once():
    draws = np.random.default_rng(0).standard_normal(100)
    low, high = interval_of_change(0.5, draws, n_prompts=40, n_queries=1000)
    reach = t.ppf(1 - 0.025 / 40, 99) * draws.std(ddof=1)
    assert (low, high) == pytest.approx((0.5 - reach, 0.5 + reach))
    assert np.isnan(interval_of_change(0.5, draws, 40, 29)).all()


def prompts_of(vectors, aspects=None):
    names = np.array(aspects or [f"word {n}" for n in range(len(vectors))])
    return Prompts(np.char.add("a ", names), names, np.asarray(vectors, np.float32))


def test_prompts_are_turned_by_the_angle_the_same_way_for_every_angle():
    prompts = prompts_of(3 * np.random.default_rng(0).standard_normal((5, 16)))
    unit = turned(prompts, 0, 0)
    small, large, other = turned(prompts, 2, 0), turned(prompts, 30, 0), turned(prompts, 30, 1)
    for angle, vectors in ((2, small), (30, large), (30, other)):
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5))
        assert np.rad2deg(np.arccos((vectors * unit).sum(axis=1))) == pytest.approx([angle] * 5)
    towards = (large - np.cos(np.pi / 6) * unit) / np.sin(np.pi / 6)
    again = np.cos(np.deg2rad(2)) * unit + np.sin(np.deg2rad(2)) * towards
    assert small == pytest.approx(again)
    assert np.abs(large - other).max() > 0.1


def test_the_distance_is_that_of_the_same_aspects():
    own = prompts_of([[1, 0], [0, 1]], ["Red", "blue"])
    other = prompts_of([[0, -5], [2, 2], [0, 3]], ["green", "red", "Blue"])
    assert distance_of(other, own) == (2, pytest.approx(45 / 2))
    assert distance_of(own, own) == (2, 0)
    none, angle = distance_of(prompts_of([[1, 1]], ["pink"]), own)
    assert none == 0
    assert np.isnan(angle)


def world(folder, each=EACH):
    """Classes on a circle, whose texts say where; by another wording half of them are wrong."""
    rng = np.random.default_rng(0)
    angles = 2 * np.pi * np.arange(CLASSES) / CLASSES
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    images = np.hstack([np.repeat(centres, each, axis=0), np.zeros((CLASSES * each, 6))])
    images[:, :2] += 0.1 * rng.standard_normal((CLASSES * each, 2))
    images[:, 2:] += rng.standard_normal((CLASSES * each, 6))
    texts = np.hstack([centres, np.zeros((CLASSES, 6))])
    wrong = np.hstack([np.zeros((CLASSES, 2)), rng.standard_normal((CLASSES, 6))])
    own = [f"class {n}" for n in range(CLASSES)]
    write_world(folder, {"kind": np.repeat(own, each)}, images.astype(np.float32), {
        "kind": dict(zip(own, texts, strict=True)) | {"stray": [0, 0, 5, 1, 0, 0, 0, 0]},
    })  # fmt: skip
    write_wording(folder, "kind", dict(zip(own, wrong, strict=True)), "off")
    write_wording(folder, "kind", dict(zip(own, texts + 0.1 * wrong, strict=True)), "near")
    write_wording(folder, "kind", dict(zip(own, texts + 0.2 * wrong, strict=True)), ENSEMBLE)
    return images.astype(np.float32)


METHODS = ("random", "clip", "indirect", "oracle", "text_subspace", "soft_subspace")
ALL = (OWN, "off", "near", ENSEMBLE)
SETTINGS = {"angles": [5], "draws": 2, "influence": ["text_subspace"], "turned": ["text_subspace"]}


def only(rows, **values):
    for name, value in values.items():
        rows = rows[rows[name] == value]
    return rows


def test_wordings_are_measured_and_compared(tmp_path):
    images = world(tmp_path)
    summary, _ = measure(tmp_path, "wording", METHODS, ["kind"], wordings=ALL, **SETTINGS)
    summary = summary[summary["metric"] == "map_at_r"]

    def score_of(wording, without=None):
        prompts = pd.read_parquet(tmp_path / f"{wording}.parquet")
        prompts = prompts[prompts["prompt"] != without]
        fitted = TextSubspace(dim=4).fit(np.stack(prompts["embedding"]))
        return rank_metrics(fitted.transform(images), NAMES)["map_at_r"]

    scores = only(summary, part="score", method="text_subspace").set_index("wording")["value"]
    assert [*scores.index] == [*ALL]
    for wording, file in ((OWN, "kind"), ("off", "kind/wordings/off")):
        assert scores[wording] == pytest.approx(score_of(file), abs=1e-9)
    rows = only(summary, part="method").set_index("method")
    row = rows.loc["text_subspace"]
    compared = scores[[OWN, "off", "near"]]
    assert row["value"] == pytest.approx(compared.mean())
    assert (row["worst"], row["worst_wording"]) == (pytest.approx(compared.min()), "off")
    assert row["ensemble"] == pytest.approx(scores[ENSEMBLE])
    assert row["best_wording"] == compared.idxmax()
    reasons = rows["reason"].dropna().to_dict()
    same = "it is the same under every wording"
    assert reasons == {"random": same, "clip": same, "oracle": "it sees labels"}
    assert rows["seed_std"].notna().to_dict()["indirect"]
    shares = only(summary, part="share").set_index("component")
    assert (shares["n"] == 3).all()
    assert shares.loc[WORDING, "value"] > 0.3
    assert len(only(summary, part="pair")) == 3

    stray = only(summary, part="prompt", prompt="a stray thing").iloc[0]
    assert stray["value"] == pytest.approx(score_of("kind") - score_of("kind", "a stray thing"))
    assert stray["high"] < 0
    assert pd.isna(stray["names"])
    assert only(summary, part="prompt", prompt="a class 1 thing")["names"].item() == "class 1"
    assert only(summary, part="angle")["n"].tolist() == [2]

    paths = [tmp_path / "wording.csv", tmp_path / "wording.md"]
    files = [tmp_path / f"wording/kind-{method}-{wording}.parquet" for method in METHODS
             for wording in ALL]  # fmt: skip
    write_measured("wording", files, paths)
    text, read = paths[1].read_text(), WORDINGS.read(paths[:1], [])
    assert "| hurts | a stray thing | — | **-" in text
    assert "Random, CLIP, kind, in no share and no ranking: it is the same" in text
    (axis,) = WORDINGS.draw(read).subfigs[0].axes
    assert axis.get_yticklabels()[0].get_text() == "Soft subspace"
    (said,) = sentences(read)
    assert said.startswith("Over 3 wordings of a notion (with m), ")
    assert "Without the prompt “a stray thing”, Text subspace gains" in said
    # Of InDiReCT alone, which chance is in; not a third of its variance, as of three methods.
    of_seeds = only(summary, part="score", method="indirect").set_index("wording")["std"]
    moved = 100 * np.sqrt((of_seeds[[OWN, "off", "near"]] ** 2 * 2).mean())
    assert f", another seed by {moved:.1f} where a fit has chance." in said


def test_without_other_wordings_there_are_changes_and_prompts_only(tmp_path):
    world(tmp_path)
    summary, rows = measure(tmp_path, "wording", ["clip", "text_subspace"], ["kind"],
                            wordings=[OWN], **SETTINGS)  # fmt: skip
    reason = "its prompts have no other wording"
    assert only(summary, part="share", metric="map_at_r")["reason"].tolist() == [reason]
    assert not only(summary, part="pair").size
    titles = [table.caption.partition(":")[0] for table in WORDINGS.tables(summary)]
    assert titles == ["Wordings", "Prompts turned by random angles", "Prompts that help and hurt"]
    assert {*rows["case"]} == {"worded", "turned", "without"}
    assert reason in WORDINGS.tables(summary)[0].notes[-1]
    (said,) = sentences(summary)
    assert said.startswith("With m: Without the prompt ")


def test_nothing_is_said_of_what_few_images_short_lists_and_equal_methods_leave_open(tmp_path):
    world(tmp_path, each=4)
    texts = np.random.default_rng(1).standard_normal((2, 8))
    write_wording(tmp_path, "kind", {"a": texts[0], "b": texts[1]}, "short")
    methods = ["pca", "text_subspace", "soft_subspace"]
    settings = SETTINGS | {"turned": methods, "influence": []}
    summary, _ = measure(tmp_path, "wording", methods, ["kind"], wordings=[OWN, "short", "near"],
                         seeds=[0], **settings)  # fmt: skip
    assert not only(summary, part="pair").size
    (reason,) = only(summary, part="agreement", metric="map_at_r")["reason"]
    assert reason == "fewer than 30 images are queries"
    # PCA has no value with two prompts, and what it has without that is a mean of other wordings.
    of_pca = (summary["part"] == "method") & (summary["method"] == "pca")
    summary["value"] = summary["value"].mask(of_pca, 0.999)
    shown = {table.caption.partition(":")[0]: table for table in WORDINGS.tables(summary)}
    assert shown["Do rankings hold"].cells[0][-1] == "—"
    bold = [cells[1].best for cells in shown["Wordings"].cells]
    assert not bold[0]
    assert any(bold[1:])
    (said,) = sentences(summary)
    assert "The best mean over wordings is that of " in said
    assert "PCA" not in said
    assert "change order" not in said
    equal = summary.assign(value=summary["value"].mask(summary["part"] == "agreement"))
    assert "nan" not in sentences(equal)[0]


def test_prompts_of_other_weights_are_refused(tmp_path):
    world(tmp_path, each=4)
    for name, weights in (("kind", "old"), ("images", "new")):
        path = tmp_path / f"{name}.parquet"
        rows, vectors, _ = read_embeddings(path)
        named = {key: value for key, value in read_metadata(path).items() if key != GIVEN}
        write_embeddings(path, rows, vectors, named | {WEIGHTS: weights})
    with pytest.raises(
        LanzdmlError, match=r"images.parquet was made with other weights than .*kind"
    ):
        measure(tmp_path, "wording", ["clip"], ["kind"], wordings=[OWN], **SETTINGS)


def test_a_prompt_with_an_apostrophe_stays_as_it_is(monkeypatch):
    said = ["the best r' is 4; without “a car's hood” it gains"]
    monkeypatch.setattr(WORDINGS, "sentences", lambda summary: said)
    monkeypatch.setattr(WORDINGS, "read", lambda paths, seeds: None)
    found = figure_findings(SimpleNamespace(csv=lambda name: Path("wording.csv")), "wording")
    assert found == ["the best r′ is 4; without “a car's hood” it gains"]
