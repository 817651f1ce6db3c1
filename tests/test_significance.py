"""Intervals and tests against known cases."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lanzdml.significance import (
    critical_difference,
    holm,
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


def test_intervals_hold_what_they_promise():
    """Of many samples without a difference, one in twenty seems to have one."""
    rng = np.random.default_rng(0)
    decided = [
        paired_differences(
            pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"]), seed=0, n_resamples=500
        )["decided"][0]
        for _ in range(300)
    ]
    assert 0.02 < np.mean(decided) < 0.10


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.6, 0.7]), [1, 1])


def test_signed_ranks_by_hand():
    """Six notions, all better: of 64 signs two are as extreme."""
    scores = pd.DataFrame({"a": range(1, 7), "b": np.zeros(6), "c": np.zeros(6)})
    tests = signed_rank_tests(scores).set_index(["method", "other"])
    assert tests.loc["a", "b"]["p"] == pytest.approx(2 / 64)
    assert tests.loc["a", "b"]["p_holm"] == pytest.approx(6 / 64)
    assert tests.loc["a", "b"]["better"] == 6
    assert tests.loc["b", "c"]["p"] == 1


def test_mean_ranks_share():
    scores = pd.DataFrame({"a": [3, 2], "b": [2, 2], "c": [1, 1]})
    assert mean_ranks(scores).to_dict() == {"a": 1.25, "b": 1.75, "c": 3.0}


@pytest.mark.parametrize(("k", "q"), [(2, 1.960), (5, 2.728), (10, 3.164)])
def test_critical_difference_is_that_of_demsars_table(k, q):
    assert critical_difference(k, 6) == pytest.approx(q * np.sqrt(k * (k + 1) / 36), rel=1e-3)
