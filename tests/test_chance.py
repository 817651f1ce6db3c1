"""What metrics are by chance: beside all orders of few images, and random vectors of many."""

from itertools import permutations

import numpy as np
import pytest

from lanzdml.metrics.chance import chance
from lanzdml.metrics.scores import RANK_METRICS, rank_metrics


def of_all_orders(sizes):
    """The mean of each metric over queries and all orders of the others."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    means = []
    for query in range(len(labels)):
        right = np.delete(labels == labels[query], query)
        if not (n_right := right.sum()):
            continue
        orders = np.array(list(permutations(right)), float)
        precision = np.cumsum(orders, axis=1) / np.arange(1, len(right) + 1)
        values = {
            "map_at_r": (precision * orders)[:, :n_right].sum(axis=1) / n_right,
            "precision_at_1": orders[:, 0],
            "r_precision": orders[:, :n_right].mean(axis=1),
            "map": (precision * orders).sum(axis=1) / n_right,
            "mrr": 1 / (1 + orders.argmax(axis=1)),
        }
        means.append([values[name].mean() for name in RANK_METRICS])
    return np.mean(means, axis=0)


@pytest.mark.parametrize("sizes", [[2], [3], [2, 2], [3, 2, 1], [4, 3], [2, 1, 1, 1, 2]])
def test_is_the_mean_over_all_orders(sizes):
    np.testing.assert_allclose(list(chance(sizes).values()), of_all_orders(sizes), atol=1e-12)


def test_is_what_random_vectors_have():
    sizes = [60, 25, 7, 3, 2, 1, 1]
    labels, rng = np.repeat(np.arange(len(sizes)), sizes), np.random.default_rng(0)
    drawn = [rank_metrics(rng.standard_normal((len(labels), 16)), labels) for _ in range(200)]
    for name, expected in chance(sizes).items():
        values = np.array([each[name] for each in drawn])
        assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(len(values)), name


def test_one_class_is_all_right_and_without_queries_there_is_none():
    np.testing.assert_allclose(list(chance([9]).values()), 1)
    assert np.isnan(list(chance([1, 1, 0]).values())).all()
    assert np.isnan(list(chance([]).values())).all()
    with pytest.raises(ValueError, match="negative"):
        chance([3, -1])


def test_of_many_images_in_a_moment():
    values = chance([1000] * 1000)
    assert values["precision_at_1"] == pytest.approx(999 / 999_999)
    assert 0 < values["map_at_r"] < values["map"] < values["mrr"] < 1
