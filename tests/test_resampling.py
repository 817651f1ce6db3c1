"""Metrics of drawn collections against those of the collections themselves."""

import numpy as np
import pytest

from lanzdml.metrics.ranked import scores_and_draws
from lanzdml.metrics.resampling import (
    RESAMPLED,
    affordable_draws,
    draw_weights,
    resampled_scores,
)
from lanzdml.metrics.scores import query_scores, query_scores_and_ties, rank_metrics


def images(sizes, spread, *, n_dims=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = rng.normal(size=(len(sizes), n_dims))
    return centres[labels] + spread * rng.normal(size=(len(labels), n_dims)), labels


def whole_numbers(n, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(-1, 2, (n, 2)), rng.integers(n_classes, size=n)


def plain(vectors, labels, weights, distance):
    """A drawn collection's metrics from a list of its images: copies of a query are taken away."""
    sums, n = np.zeros(len(RESAMPLED)), 0
    for query in np.flatnonzero(weights):
        rows = np.repeat(
            np.arange(len(weights)), np.where(np.arange(len(weights)) == query, 0, weights)
        )
        rows = np.append(rows, query)
        scores = query_scores(vectors[rows], labels[rows], distance=distance)
        if not np.isnan(scores["map_at_r"][-1]):
            sums += weights[query] * np.array([scores[name][-1] for name in RESAMPLED])
            n += weights[query]
    return sums / n if n else np.full(len(RESAMPLED), np.nan)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    "collection",
    [
        images([12, 9, 7, 4, 2, 1], 0.7),
        images([30, 3], 1.0),
        images([40], 1.0),
        whole_numbers(30, 3),
        (np.repeat(np.eye(2), [14, 16], axis=0), np.arange(30) % 4),
        (np.ones((20, 2)), np.arange(20) % 3),
    ],
    ids=["uneven", "two classes", "one class", "whole numbers", "two places", "one point"],
)
def test_a_draw_is_the_collection_it_draws(collection, distance):
    vectors, labels = collection
    found = resampled_scores(vectors, labels, distance=distance, n_draws=6)
    weights = draw_weights(len(labels), 6)
    for draw in range(6):
        expected = plain(np.asarray(vectors, float), labels, weights[:, draw], distance)
        values = [found[name][draw] for name in RESAMPLED]
        assert values == pytest.approx(expected, abs=1e-12)


def test_each_image_once_gives_the_metrics(monkeypatch):
    vectors, labels = images([40, 25, 10, 1], 1.0)
    once = np.ones((len(labels), 2), np.int32)
    monkeypatch.setattr("lanzdml.metrics.resampling.draw_weights", lambda n, n_draws: once)
    found = resampled_scores(vectors, labels, n_draws=2)
    expected = rank_metrics(vectors, labels)
    for name in RESAMPLED:
        assert found[name] == pytest.approx([expected[name]] * 2, abs=1e-12)


def test_draws_are_those_of_the_images_whatever_their_vectors():
    weights = draw_weights(50, 300)
    assert (weights.sum(axis=0) == 50).all()
    assert (weights == draw_weights(50, 300)).all()
    # Vectors that differ little have much in common in each draw.
    vectors, labels = images([40, 40, 20], 0.9)
    nudged = vectors + 0.02 * np.random.default_rng(1).normal(size=vectors.shape)
    one, other = (resampled_scores(v, labels)["map_at_r"] for v in (vectors, nudged))
    assert 0 < (one - other).std() < 0.2 * one.std()


def test_rows_and_names_of_classes_do_not_matter(monkeypatch):
    vectors, labels = images([20, 12, 5], 0.8)
    weights = draw_weights(len(labels), 300)
    expected = resampled_scores(vectors, labels)
    order = np.random.default_rng(2).permutation(len(labels))
    monkeypatch.setattr("lanzdml.metrics.resampling.draw_weights", lambda *_: weights[order])
    found = resampled_scores(vectors[order], np.array(["c", "a", "b"])[labels[order]])
    for name in RESAMPLED:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-12)


@pytest.mark.parametrize(
    ("sizes", "n_draws"), [([100] * 4, 300), ([1000] * 4, 268), ([6098, 1954], 100)]
)
def test_large_classes_are_drawn_less_often(sizes, n_draws):
    assert affordable_draws(np.repeat(sizes, sizes)) == n_draws


def test_threads_do_not_change_a_bit():
    vectors, labels = images([200, 90, 40], 1.0)
    one, three = (resampled_scores(vectors, labels, n_threads=n) for n in (1, 3))
    for name in RESAMPLED:
        np.testing.assert_array_equal(one[name], three[name])


def test_no_class_has_two_images():
    assert all(np.isnan(values).all() for values in resampled_scores(np.eye(3), [0, 1, 2]).values())


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    "collection", [images([40, 90, 25], 0.7), whole_numbers(200, 3)], ids=["apart", "tied"]
)
def test_one_ranking_gives_the_bits_of_two(collection, n_threads):
    done = []
    ranked = scores_and_draws(*collection, n_threads=n_threads, progress=done.append)
    queries, tied = query_scores_and_ties(*collection)
    draws = resampled_scores(*collection)
    for found, expected in ((ranked.queries, queries), (ranked.draws, draws)):
        assert [*found] == [*expected]
        assert all(np.array_equal(found[name], expected[name], equal_nan=True) for name in found)
    assert np.array_equal(ranked.tied, tied)
    assert sum(done) == len(collection[1])
