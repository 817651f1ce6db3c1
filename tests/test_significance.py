"""Intervals and tests against known cases."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lanzdml.significance import (
    LEAST_QUERIES,
    critical_difference,
    friedman_test,
    holm,
    least_p,
    mean_ranks,
    paired_differences,
    resampled_means,
    signed_rank_tests,
)


def test_resamples_spread_as_the_mean_does():
    values = np.random.default_rng(0).normal([1, 3], [1, 2], (400, 2))
    means = resampled_means(values, seed=1, n_resamples=4000)
    np.testing.assert_allclose(means.mean(axis=0), values.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(means.std(axis=0), values.std(axis=0) / 20, rtol=0.05)
    np.testing.assert_array_equal(means, resampled_means(values, seed=1, n_resamples=4000))
    assert (means != resampled_means(values, seed=2, n_resamples=4000)).any()


def test_pieces_do_not_change_the_draws(monkeypatch):
    values = np.random.default_rng(0).random((50, 3))
    whole = resampled_means(values, seed=0, n_resamples=100)
    monkeypatch.setattr("lanzdml.significance._MOST_DRAWN", 350)
    np.testing.assert_array_equal(resampled_means(values, seed=0, n_resamples=100), whole)


def test_what_a_library_rounds_does_not_reach_the_draws():
    """BLAS adds in another order where shapes differ: one method alone, and beside others."""
    values = np.random.default_rng(0).random((500, 3)) ** 3 * [1, 1e-9, 1e5]
    together = resampled_means(values, seed=5, n_resamples=300)
    alone = [resampled_means(column[:, None], seed=5, n_resamples=300) for column in values.T]
    np.testing.assert_array_equal(together, np.column_stack(alone))
    drawn = np.random.default_rng(5).integers(500, size=(300, 500))
    expected = [[math.fsum(column[row]) / 500 for column in values.T] for row in drawn]
    np.testing.assert_allclose(together, expected, rtol=1e-12)


def test_paired_intervals_are_those_of_the_differences():
    rng = np.random.default_rng(3)
    common = rng.normal(0, 5, 500)
    frame = pd.DataFrame({"a": common + rng.normal(0.2, 1, 500), "b": common})
    (row,) = paired_differences(frame, seed=0).itertuples()
    difference = frame["a"] - frame["b"]
    assert row.difference == pytest.approx(difference.mean())
    expected = stats.norm.interval(0.95, difference.mean(), difference.std() / np.sqrt(500))
    assert (row.low, row.high) == pytest.approx(expected, abs=0.01)
    assert row.decided, "what the methods have in common is no noise"
    same = paired_differences(frame.assign(a=frame["b"]), seed=0)
    assert same[["difference", "low", "high"]].to_numpy().tolist() == [[0, 0, 0]]
    assert not same["decided"][0]


@pytest.mark.parametrize("n", [LEAST_QUERIES, 60, 200])
def test_intervals_hold_what_they_promise(n):
    """Of many samples without a difference, about one in twenty seems to have one."""
    rng = np.random.default_rng(0)
    decided = [
        paired_differences(
            pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"]), seed=0, n_resamples=1000
        )["decided"][0]
        for _ in range(1000)
    ]
    assert 0.035 < np.mean(decided) < 0.08


def test_an_interval_is_the_same_beside_any_other_methods():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((200, 5)), columns=list("abcde"))
    pairs = paired_differences(frame, seed=0).set_index(["method", "other"])
    alone = paired_differences(frame[["b", "e"]], seed=0).set_index(["method", "other"])
    columns = ["difference", "low", "high"]
    np.testing.assert_allclose(
        pairs.loc[("b", "e"), columns].astype(float),
        alone.loc[("b", "e"), columns].astype(float),
        rtol=1e-12,
    )
    pd.testing.assert_frame_equal(paired_differences(frame, seed=0), pairs.reset_index())
    assert (paired_differences(frame, seed=1)["low"] != pairs.reset_index()["low"]).all()


@pytest.mark.parametrize("n", [1, 5, LEAST_QUERIES - 1])
def test_few_queries_decide_nothing(n):
    (row,) = paired_differences(pd.DataFrame({"a": np.ones(n), "b": np.zeros(n)}), 0).itertuples()
    assert row.difference == 1
    assert np.isnan([row.low, row.high]).all()
    assert not row.decided


def test_one_method_has_no_pairs():
    assert paired_differences(pd.DataFrame({"a": [1.0, 0.0]}), seed=0).empty
    assert signed_rank_tests(pd.DataFrame({"a": [1.0, 0.0]})).empty


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.6, 0.7]), [1, 1])


def test_signed_ranks_by_hand():
    """Six notions, all better: of 64 signs two are as extreme."""
    scores = pd.DataFrame({"a": range(1, 7), "b": np.zeros(6), "c": np.zeros(6)})
    tests = signed_rank_tests(scores).set_index(["method", "other"])
    assert tests.loc["a", "b"]["p"] == pytest.approx(2 / 64)
    assert tests.loc["a", "b"]["better"] == 6
    assert tests.loc["b", "c"]["p"] == 1


@pytest.mark.parametrize(
    "scores",
    [
        {"a": [1, 2], "b": [2, 3]},
        {"a": [1], "b": [2], "c": [3]},
        {"a": [1, 2], "b": [1, 2], "c": [1, 2]},
    ],
)
def test_friedmans_test_is_not_defined_for_few_or_equal(scores):
    assert np.isnan(friedman_test(pd.DataFrame(scores))).all()


def test_mean_ranks_share():
    scores = pd.DataFrame({"a": [3, 2], "b": [2, 2], "c": [1, 1]})
    assert mean_ranks(scores).to_dict() == {"a": 1.25, "b": 1.75, "c": 3.0}


@pytest.mark.parametrize("n", [2, 3, 5, 8])
@pytest.mark.parametrize("step", [0, 1])
def test_the_least_p_is_that_of_a_method_that_is_always_better(n, step):
    """Also where it is better by the same everywhere, which are ties."""
    scores = pd.DataFrame({"a": 1 + step * np.arange(n), "b": np.zeros(n)})
    assert signed_rank_tests(scores)["p"][0] == pytest.approx(least_p(n, 1))
    assert least_p(3, 1) == 0.25
    assert least_p(3, 28) == 1
    assert least_p(13, 21) == pytest.approx(21 / 4096)


# AUC on 14 datasets of C4.5 and of it with other settings: tables 2 and 6 of Demsar (2006).
DEMSAR = pd.DataFrame({
    "C4.5": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.000, 0.940, 0.619,
             0.972, 0.957],
    "C4.5+m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.000, 0.962, 0.666,
               0.981, 0.978],
    "C4.5+cf": [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.000, 0.965, 0.614,
                0.9751, 0.946],
    "C4.5+m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.000, 0.962,
                  0.669, 0.975, 0.970],
})  # fmt: skip


def test_demsars_example():
    ranks = mean_ranks(DEMSAR)
    assert ranks.round(3).to_dict() == {
        "C4.5+m+cf": 1.964,
        "C4.5+m": 2.000,
        "C4.5+cf": 2.893,
        "C4.5": 3.143,
    }
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    # He gives 9.28 without the correction for ties: four methods are equal once, and two thrice.
    chi_squared, p = friedman_test(DEMSAR)
    ties = (4**3 - 4 + 3 * (2**3 - 2)) / (14 * (4**3 - 4))
    assert chi_squared == pytest.approx(9.28 / (1 - ties), abs=0.02)
    assert p == pytest.approx(stats.chi2.sf(chi_squared, 3))
    tests = signed_rank_tests(DEMSAR).set_index(["method", "other"])
    assert tests.loc[("C4.5", "C4.5+m"), "p"] < 0.05
    # The other two are ties.
    assert tests.loc[("C4.5", "C4.5+m"), ["better", "worse"]].tolist() == [2, 10]


@pytest.mark.parametrize(
    ("k", "q"),
    [
        *zip(
            range(2, 11),
            [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164],
            strict=True,
        )
    ],
)
def test_critical_difference_is_that_of_demsars_table(k, q):
    assert critical_difference(k, 6) == pytest.approx(q * np.sqrt(k * (k + 1) / 36), rel=1e-3)
