"""Ranks on a notion, groups, and corrections for the number of pairs, against known cases."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from lanzdml.significance.ranks import (
    corrected,
    false_discovery,
    groups,
    notion_ranks,
    rank_intervals,
)
from lanzdml.significance.statistics import (
    LEAST_DIFFERING,
    StandardError,
    holm,
    interval,
    p_value,
    smallest_difference,
)

METHODS = ("clip", "indirect", "pca", "lae", "ae")  # in the registry's order


def apart_but(k, *joined):
    """Of k methods all are told apart but these pairs."""
    apart = ~np.eye(k, dtype=bool)
    for i, j in joined:
        apart[i, j] = apart[j, i] = False
    return apart


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        (apart_but(3), []),
        (np.zeros((3, 3), bool), [(0, 1, 2)]),
        (apart_but(4, (0, 1), (1, 2)), [(0, 1), (1, 2)]),
        (apart_but(4, (0, 1), (0, 2), (1, 2), (2, 3)), [(0, 1, 2), (2, 3)]),
        (apart_but(3, (0, 2)), [(0, 2)]),  # the one between has less chance in it
    ],
)
def test_groups_of_known_cases(apart, expected):
    assert groups(apart) == expected


def test_groups_are_the_largest_and_share_just_what_is_not_told_apart():
    rng = np.random.default_rng(0)
    for share in (0.2, 0.5, 0.8):
        apart = np.triu(rng.random((9, 9)) < share, 1)
        apart = apart | apart.T
        together = [
            set(chosen)
            for size in range(2, 10)
            for chosen in combinations(range(9), size)
            if not apart[np.ix_(chosen, chosen)].any()
        ]
        largest = [one for one in together if not any(one < other for other in together)]
        assert sorted(map(sorted, largest)) == [list(group) for group in groups(apart)]


def test_ranks_by_hand():
    """The first two are equal; the third is behind the first only, and the last behind all."""
    values = np.array([3.0, 3.0, 2.0, 1.0])
    difference = values[:, None] - values
    apart = apart_but(4, (0, 1), (1, 2))
    ranks, low, high = rank_intervals(difference, apart)
    assert ranks.tolist() == [1.5, 1.5, 3, 4]
    assert low.tolist() == [1, 1, 2, 4]
    assert high.tolist() == [2, 3, 3, 4]


def test_all_ranks_hold_at_once_and_percentiles_do_not():
    """Eight methods, scored on the same images: three are equal, and the others lie about them."""
    truth = np.array([0.0, 0, 0, 0.1, 0.2, 1, 2, 6])
    better = truth > truth[:, None]
    low_true, high_true = 1 + better.sum(axis=1), 8 - better.sum(axis=0)
    rng = np.random.default_rng(0)
    n_samples, n_draws = 400, 60
    missed, beyond = [], []
    for _ in range(n_samples):
        scores = truth + rng.standard_normal(8)
        draws = scores + rng.standard_normal((n_draws, 8))
        difference = scores[:, None] - scores
        i, j = np.triu_indices(8, 1)
        se = (draws[:, i] - draws[:, j]).std(axis=0, ddof=1)
        pairs = zip(difference[i, j], se, strict=True)
        p = [p_value(value, error, n_draws - 1, 1000) for value, error in pairs]
        apart = np.zeros((8, 8), bool)
        apart[i, j] = holm(p) <= 0.05
        _, low, high = rank_intervals(difference, apart | apart.T)
        missed.append(((low > low_true) | (high < high_true)).any())
        ranks = stats.rankdata(-draws, axis=1)
        low, high = np.quantile(ranks, [0.025, 0.975], axis=0)
        beyond.append(((low > low_true) | (high < high_true))[3:].any())
    assert np.mean(missed) <= 0.05
    assert np.mean(beyond) >= 0.15, "also of those that no other is equal to"


def pair(method, other, value, p=None, notion="car_color", supervised="", metric="map_at_r"):
    row = {"dataset": "demo_cars", "notion": notion, "metric": metric, "method": method}
    row |= {"other": other, "value": value, "supervised": supervised}
    return row if p is None else row | {"p": p}


def test_families_are_pairs_that_see_no_labels():
    """Holm's of a notion, and that of false discoveries of all notions; of a metric by itself."""
    rows = corrected([
        {"dataset": "demo_cars", "notion": "car_color", "method": "pca", "reason": "few prompts"},
        pair("clip", "indirect", -3, 0.01),
        pair("clip", "ae", -1, 0.04),
        pair("indirect", "ae", 2, 0.03),
        pair("clip", "oracle", -9, 0.0, supervised="oracle"),
        pair("clip", "indirect", -3, 0.005, notion="car_model"),
        pair("clip", "ae", -1, notion="fit"),
        pair("clip", "ae", -1, 0.04, metric="precision_at_1"),
    ])  # fmt: skip
    assert [row.get("p_holm") for row in rows] == pytest.approx([
        None, 0.03, 0.06, 0.06, None, 0.005, None, 0.04
    ])  # fmt: skip
    assert [row.get("p_fdr") for row in rows] == pytest.approx([
        None, 0.02, 0.04, 0.04, None, 0.02, None, 0.04
    ])  # fmt: skip


def test_false_discoveries_by_hand():
    """Their number over their place, and none below that of a larger p."""
    found = false_discovery([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(found, [0.02, 0.04, 0.04, 0.02])


def test_ranks_and_letters_of_a_notion():
    rows = corrected([
        pair("clip", "indirect", -10, 1e-5),
        pair("clip", "lae", 0.5, 0.6),
        pair("indirect", "lae", 10.5, 1e-5),
        pair("clip", "oracle", -50, 0, supervised="oracle"),
        pair("clip", "ae", -1, notion="fit"),
    ])  # fmt: skip
    columns = ("notion", "method", "value", "low", "high", "groups", "n")
    assert [tuple(row[name] for name in columns) for row in notion_ranks(rows)] == [
        ("car_color", "indirect", 1, 1, 1, None, 3),
        ("car_color", "clip", 2, 2, 3, "a", 3),
        ("car_color", "lae", 3, 2, 3, "a", 3),
        ("fit", "ae", 1, 1, 2, "a", 2),  # too few queries for an interval leave all open
        ("fit", "clip", 2, 1, 2, "a", 2),
    ]


def test_p_is_that_of_the_interval():
    errors = [StandardError(0.4, 4), StandardError(0.3, 300)]
    _, _, df = interval(1.1, errors)
    p = p_value(1.1, 0.5, df, 1000)
    low, _, _ = interval(1.1, errors, level=1 - p)
    assert low == pytest.approx(0, abs=1e-9)
    assert p_value(-1.1, 0.5, df, 1000) == p


@pytest.mark.parametrize(("difference", "expected"), [(0.0, 1), (2.0, 2.0**-49)])
def test_where_no_chance_is_the_sign_test_is_left(difference, expected):
    assert p_value(difference, 0.0, np.nan, 50) == expected
    assert p_value(2.0, 0.0, np.nan, LEAST_DIFFERING) <= 0.05
    assert p_value(2.0, 0.0, np.nan, LEAST_DIFFERING - 1) > 0.05


@pytest.mark.parametrize("df", [4, 9, 49, 299])
def test_the_smallest_difference_is_found_in_four_of_five_cases(df):
    """By the noncentral t, which is exact."""
    size = smallest_difference(0.3, df) / 0.3
    found = stats.nct.sf(stats.t.ppf(0.975, df), df, size)
    assert found == pytest.approx(0.8, abs=0.02)
    assert np.isnan(smallest_difference(0.0, np.nan))
