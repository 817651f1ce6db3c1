"""Intervals and tests against known cases."""

import math
import tracemalloc
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lanzdml.metrics.resampling import resampled_scores
from lanzdml.metrics.scores import query_scores
from lanzdml.significance.statistics import (
    LEAST_QUERIES,
    N_PERMUTATIONS,
    Measured,
    StandardError,
    class_error,
    critical_difference,
    friedman_test,
    holm,
    interval,
    kinds_of_chance,
    least_p,
    mean_ranks,
    query_intervals,
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


@pytest.mark.parametrize("n", [50, 70_000])
def test_draws_are_those_of_the_seed_in_their_order(n):
    """Also of so many queries that they are drawn in pieces."""
    values, n_resamples = np.random.default_rng(0).random((n, 2)), 130
    drawn = np.random.default_rng(7).integers(n, size=(n_resamples, n))
    expected = np.stack([values[row].mean(axis=0) for row in drawn])
    found = resampled_means(values, seed=7, n_resamples=n_resamples)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_memory_for_draws_is_bounded():
    values = np.random.default_rng(0).random((70_000, 1))
    tracemalloc.start()
    try:
        resampled_means(values, seed=0, n_resamples=400)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 400 * 70_000, "all draws together"


def test_what_a_library_rounds_does_not_reach_the_draws():
    """BLAS adds in another order where shapes differ: one method alone, and beside others."""
    values = np.random.default_rng(0).random((500, 3)) ** 3 * [1, 1e-9, 1e5]
    together = resampled_means(values, seed=5, n_resamples=300)
    alone = [resampled_means(column[:, None], seed=5, n_resamples=300) for column in values.T]
    np.testing.assert_array_equal(together, np.column_stack(alone))
    drawn = np.random.default_rng(5).integers(500, size=(300, 500))
    expected = [[math.fsum(column[row]) / 500 for column in values.T] for row in drawn]
    np.testing.assert_allclose(together, expected, rtol=1e-12)


def test_intervals_over_queries_are_those_of_the_differences():
    rng = np.random.default_rng(3)
    common = rng.normal(0, 5, 500)
    frame = pd.DataFrame({"a": common + rng.normal(0.2, 1, 500), "b": common})
    (row,) = query_intervals(frame, seed=0).itertuples()
    difference = frame["a"] - frame["b"]
    expected = stats.norm.interval(0.95, difference.mean(), difference.std() / np.sqrt(500))
    assert (row.low, row.high) == pytest.approx(expected, abs=0.01)
    same = query_intervals(frame.assign(a=frame["b"]), seed=0)
    assert same[["low", "high"]].to_numpy().tolist() == [[0, 0]]


def test_an_interval_is_the_same_beside_any_other_methods():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((200, 5)), columns=list("abcde"))
    pairs = query_intervals(frame, seed=0)
    alone = query_intervals(frame[["b", "e"]], seed=0)
    together = pairs[(pairs["method"] == "b") & (pairs["other"] == "e")]
    pd.testing.assert_frame_equal(together.reset_index(drop=True), alone, check_exact=True)
    pd.testing.assert_frame_equal(query_intervals(frame, seed=0), pairs, check_exact=True)
    assert (query_intervals(frame, seed=1)["low"] != pairs["low"]).all()


def test_intervals_hold_what_they_promise():
    """Of leave-one-out scores: 200 images of five classes, two methods, and the truth is known.

    Images that are queries are references, too, so that their scores go up and down together. The
    interval over queries does not know that.
    """
    rng = np.random.default_rng(1)
    centres = 0.5 * rng.standard_normal((5, 16))
    projection = rng.standard_normal((16, 8))
    methods = projection, projection + 0.5 * rng.standard_normal((16, 8))

    def sample():
        labels = rng.integers(5, size=200)
        images = centres[labels] + rng.standard_normal((200, 16))
        vectors = [images @ method for method in methods]
        scores = [query_scores(points, labels)["map_at_r"] for points in vectors]
        return vectors, labels, pd.DataFrame(dict(zip("ab", scores, strict=True)))

    others = [(table["a"] - table["b"]).mean() for *_, table in (sample() for _ in range(200))]
    truth, errors = np.mean(others), []
    missed = {"images": 0, "queries": 0}
    for _ in range(40):
        vectors, labels, table = sample()
        draws = [resampled_scores(points, labels, n_draws=60)["map_at_r"] for points in vectors]
        a, b = (Measured(*pair, None) for pair in zip(table.mean(), draws, strict=True))
        errors += kinds_of_chance(a, b, len(table))
        low, high, _ = interval(a.mean - b.mean, errors[-1:])
        missed["images"] += not low <= truth <= high
        (row,) = query_intervals(table, seed=0, n_resamples=1000).itertuples()
        missed["queries"] += not row.low <= truth <= row.high
    assert missed["images"] <= 0.07 * 40
    assert missed["queries"] >= 0.2 * 40
    assert np.mean([error.value for error in errors]) == pytest.approx(np.std(others), rel=0.3)


@pytest.mark.parametrize("n", [1, 5, LEAST_QUERIES - 1])
def test_few_queries_have_no_interval(n):
    (row,) = query_intervals(pd.DataFrame({"a": np.ones(n), "b": np.zeros(n)}), 0).itertuples()
    assert np.isnan([row.low, row.high]).all()


def test_one_method_has_no_pairs():
    assert query_intervals(pd.DataFrame({"a": [1.0, 0.0]}), seed=0).empty
    assert signed_rank_tests(pd.DataFrame({"a": [1.0, 0.0]})).empty


def test_an_interval_of_one_kind_of_chance_is_students():
    values = np.random.default_rng(0).normal(3, 2, 12)
    error = StandardError(stats.sem(values), 11)
    low, high, df = interval(values.mean(), [error, StandardError(0, 4)])
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 11, values.mean(), error.value))
    assert df == pytest.approx(11)


def test_two_kinds_of_chance_add_up_as_in_welchs_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 5), rng.normal(0, 3, 8)
    errors = [StandardError(stats.sem(values), len(values) - 1) for values in (a, b)]
    expected = stats.ttest_ind(a, b, equal_var=False)
    low, high, df = interval(a.mean() - b.mean(), errors)
    assert df == pytest.approx(expected.df)
    bounds = expected.confidence_interval(0.95)
    assert (low, high) == pytest.approx((bounds.low, bounds.high))


def test_without_any_chance_nothing_is_open():
    low, high, df = interval(2.0, [StandardError(0, 3)])
    assert (low, high) == (2, 2)
    assert np.isnan(df)


def test_classes_of_one_size_are_a_sample_of_their_means():
    rng = np.random.default_rng(0)
    differences = rng.normal(rng.normal(0, 1, (8, 1)), 1, (8, 20))
    classes = np.repeat(list("abcdefgh"), 20)
    error = class_error(differences.ravel(), classes)
    assert error.value == pytest.approx(stats.sem(differences.mean(axis=1)))
    assert error.df == 7
    shuffled = rng.permutation(160)
    again = class_error(differences.ravel()[shuffled], classes[shuffled])
    assert again.value == pytest.approx(error.value)
    assert np.isnan(class_error([1, 2], ["a", "a"]).value)


def test_of_other_classes_only_the_interval_over_classes_holds():
    """Twenty classes of ten images, others in each sample, and the truth is known."""
    rng = np.random.default_rng(0)
    projection = rng.standard_normal((16, 8))
    methods = projection, projection + 0.5 * rng.standard_normal((16, 8))
    labels = np.repeat(np.arange(20), 10)

    def differences():
        centres = 0.7 * rng.standard_normal((20, 16))
        images = centres[labels] + rng.standard_normal((200, 16))
        first, second = (query_scores(images @ method, labels)["map_at_r"] for method in methods)
        return first - second

    samples = [differences() for _ in range(200)]
    means = np.mean(samples, axis=1)
    over_classes = [class_error(sample, labels) for sample in samples]
    over_queries = [StandardError(stats.sem(sample), 199) for sample in samples]

    def missed(errors):
        bounds = [interval(mean, [error])[:2] for mean, error in zip(means, errors, strict=True)]
        return np.mean([not low <= means.mean() <= high for low, high in bounds])

    assert missed(over_classes) <= 0.07
    assert missed(over_queries) >= 0.15


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
    assert np.isnan(friedman_test(pd.DataFrame(scores), seed=0)).all()


@pytest.mark.parametrize("ties", [False, True])
def test_friedmans_p_is_that_of_all_permutations(ties):
    """Of three notions chi squared with 3 degrees of freedom is far off."""
    scores = pd.DataFrame([[1, 2, 3, 4], [1, 3, 2, 4], [1, 2, 3, 3 if ties else 4]])
    ranks = stats.rankdata(scores, axis=1)
    orders = [list(set(permutations(row))) for row in ranks]
    spread = [np.square(np.sum(rows, axis=0)).sum() for rows in product(*orders)]
    # Distinct orders are equally likely: each stands for as many permutations of its ties.
    expected = np.mean(np.array(spread) >= np.square(ranks.sum(axis=0)).sum())
    statistic, p = friedman_test(scores, seed=0)
    assert p == pytest.approx(expected, abs=4 * np.sqrt(expected / N_PERMUTATIONS))
    assert stats.chi2.sf(statistic, 3) > 2 * p
    assert friedman_test(scores, seed=0) == (statistic, p)
    assert friedman_test(scores, seed=1)[1] != p


def test_scores_that_differ_by_rounding_are_tied():
    scores = pd.DataFrame({"a": [0.3, 0.1 + 0.2], "b": [0.1 + 0.2, 0.3], "c": [0.2, 0.2]})
    assert mean_ranks(scores).to_dict() == {"a": 1.5, "b": 1.5, "c": 3.0}
    assert signed_rank_tests(scores)[["better", "worse"]].to_numpy()[0].tolist() == [0, 0]


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
    chi_squared, p = friedman_test(DEMSAR, seed=0)
    ties = (4**3 - 4 + 3 * (2**3 - 2)) / (14 * (4**3 - 4))
    assert chi_squared == pytest.approx(9.28 / (1 - ties), abs=0.02)
    assert p == pytest.approx(stats.chi2.sf(chi_squared, 3), rel=0.25), "of 14 datasets"
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


@pytest.mark.parametrize("n_methods", [3, 5, 8, 13])
def test_the_critical_difference_of_few_notions_is_conservative(n_methods):
    """Of ranks that are random it parts the best and the worst in less than 3 %, with two never."""
    assert critical_difference(n_methods, 2) > n_methods - 1
    rng = np.random.default_rng(0)
    ranks = rng.permuted(np.tile(np.arange(n_methods), (20_000, 3, 1)), axis=2).mean(axis=1)
    parted = np.ptp(ranks, axis=1) >= critical_difference(n_methods, 3)
    assert parted.mean() < 0.03
