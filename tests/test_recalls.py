"""Recall@k against a plain loop, AccuracyCalculator and chance; and what is computed when asked."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

from lanzdml.metrics import METRICS, MetricsInputError, compute_metrics
from lanzdml.metrics.chance import chance, chance_of
from lanzdml.metrics.clusters import MORE_CLUSTER_METRICS, SILHOUETTE
from lanzdml.metrics.ranked import scores_and_draws
from lanzdml.metrics.recalls import RECALLS, some_right
from lanzdml.metrics.scores import (
    MORE_METRICS,
    RANK_METRICS,
    macro_scores,
    query_scores,
    rank_metrics,
)

NAMES = tuple(RECALLS)


@st.composite
def tied_images(draw):
    """Whole numbers, whose distances tie exactly."""
    n = draw(st.integers(2, 13))
    vectors = draw(arrays(np.int64, (n, 2), elements=st.integers(-2, 2)))
    return vectors, draw(arrays(np.int64, n, elements=st.integers(0, 5)))


def expected_recall(distances, right, k):
    """The mean over all ways to take the k nearest, where some of them tie."""
    if k >= len(distances):
        return float(right.any())
    limit = np.sort(distances)[k - 1]
    if right[distances < limit].any():
        return 1.0
    tied = right[distances == limit]
    ways = list(combinations(tied, k - int((distances < limit).sum())))
    return float(np.mean([any(way) for way in ways]))


@given(tied_images())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_recalls_are_the_mean_over_all_orders_of_what_ties(images):
    vectors, labels = images
    scores = query_scores(vectors, labels, distance="euclidean", recalls=NAMES)
    for query in range(len(vectors)):
        others = np.arange(len(vectors)) != query
        right = (labels == labels[query])[others]
        distances = ((vectors - vectors[query]) ** 2).sum(axis=1)[others]
        for name, k in RECALLS.items():
            if not right.any():
                assert np.isnan(scores[name][query])
                continue
            expected = expected_recall(distances, right, k)
            assert scores[name][query] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_array_equal(scores["recall_at_1"], scores["precision_at_1"])


class RecallCalculator(AccuracyCalculator):
    """AccuracyCalculator with Recall@k, as it is extended by metrics of one's own."""

    def requires_knn(self):
        return [*super().requires_knn(), *NAMES]

    def _recall(self, k, knn_labels, query_labels, not_lone_query_mask):
        hits = (knn_labels[:, :k] == query_labels[:, None]).any(dim=1)
        return hits[not_lone_query_mask].double().mean().item()

    def calculate_recall_at_1(self, knn_labels, query_labels, not_lone_query_mask, **kwargs):
        return self._recall(1, knn_labels, query_labels, not_lone_query_mask)

    def calculate_recall_at_5(self, knn_labels, query_labels, not_lone_query_mask, **kwargs):
        return self._recall(5, knn_labels, query_labels, not_lone_query_mask)

    def calculate_recall_at_10(self, knn_labels, query_labels, not_lone_query_mask, **kwargs):
        return self._recall(10, knn_labels, query_labels, not_lone_query_mask)

    def calculate_recall_at_20(self, knn_labels, query_labels, not_lone_query_mask, **kwargs):
        return self._recall(20, knn_labels, query_labels, not_lone_query_mask)


@pytest.mark.parametrize("n_classes", [3, 60])
def test_recalls_are_those_of_accuracy_calculator(n_classes):
    random = np.random.default_rng(n_classes)
    labels = np.r_[random.integers(0, n_classes, 200), 1000]  # one is alone
    centres = random.normal(size=(1001, 16))
    vectors = (centres[labels] + 2 * random.normal(size=(len(labels), 16))).astype(np.float32)
    calculator = RecallCalculator(
        include=NAMES,
        k=20,
        device=torch.device("cpu"),
        knn_func=CustomKNN(LpDistance(normalize_embeddings=True)),
    )
    expected = calculator.get_accuracy(vectors, labels)
    values = compute_metrics(vectors, labels, metrics=NAMES)
    assert values == pytest.approx(expected, abs=1e-6)
    assert 0 < values["recall_at_1"] < values["recall_at_20"]


def test_recall_counts_queries_whose_class_has_another_image_only():
    vectors = np.array([[0.0], [1.0], [10.0]])
    values = rank_metrics(vectors, ["a", "a", "b"], distance="euclidean", recalls=NAMES)
    assert [values[name] for name in NAMES] == [1, 1, 1, 1]
    none = rank_metrics(vectors, ["a", "b", "c"], recalls=NAMES)
    assert all(np.isnan(none[name]) for name in (*RANK_METRICS, *NAMES))


def test_queries_rank_the_gallery_alone():
    vectors = np.array([[0.0], [0.1], [0.2], [0.3], [0.4], [0.5], [0.6]])
    labels, queries = list("aabbbba"), np.arange(7) < 2
    values = rank_metrics(vectors, labels, distance="euclidean", queries=queries, recalls=NAMES)
    # Four of another class are nearer to both queries than the gallery's only a.
    assert [values[name] for name in NAMES] == [0, 1, 1, 1]
    expected = chance_of(labels, queries, recalls=NAMES)
    assert [expected[name] for name in NAMES] == pytest.approx([1 / 5, 1, 1, 1])


def test_several_values_agree_where_they_share_one():
    vectors = np.array([[0.0], [1.0], [3.0]])
    labels = [{"a", "b"}, {"c"}, {"b", "c"}]
    scores = query_scores(vectors, labels, distance="euclidean", recalls=NAMES)
    assert scores["recall_at_1"].tolist() == [0, 0, 1]
    assert scores["recall_at_5"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("sizes", [[2], [3, 2, 1], [30, 25, 7, 3, 2, 1, 1]])
def test_chance_is_that_of_one_point(sizes):
    """Where all references tie, each order is as likely as another."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    values = rank_metrics(np.ones((len(labels), 2)), labels, recalls=NAMES)
    assert chance(sizes, NAMES) == pytest.approx(values, abs=1e-12)


def test_chance_is_what_random_vectors_have():
    sizes = [60, 25, 7, 3, 2, 1, 1]
    labels, random = np.repeat(np.arange(len(sizes)), sizes), np.random.default_rng(0)
    drawn = [
        rank_metrics(random.standard_normal((len(labels), 16)), labels, recalls=NAMES)
        for _ in range(100)
    ]
    expected = chance(sizes, NAMES)
    for name in NAMES:
        values = np.array([each[name] for each in drawn])
        assert abs(values.mean() - expected[name]) < 4 * values.std() / np.sqrt(len(values)), name


def test_some_right_is_counted():
    for T in range(1, 7):
        for P in range(T + 1):
            for drawn in range(T + 1):
                ways = list(combinations([True] * P + [False] * (T - P), drawn))
                expected = np.mean([any(way) for way in ways])
                assert some_right(T, P, drawn) == pytest.approx(expected, abs=1e-12)


def test_the_others_are_the_same_to_the_last_bit():
    random = np.random.default_rng(0)
    vectors, labels = random.integers(-2, 3, (90, 3)), random.integers(0, 5, 90)
    alone = query_scores(vectors, labels)
    beside = query_scores(vectors, labels, recalls=NAMES, n_threads=2)
    assert list(beside) == [*RANK_METRICS, *NAMES]
    for name, values in alone.items():
        np.testing.assert_array_equal(values, beside[name])
    with_draws = scores_and_draws(vectors, labels, recalls=NAMES, n_draws=3).queries
    for name, values in beside.items():
        np.testing.assert_array_equal(values, with_draws[name])
    assert list(macro_scores(beside, labels)) == list(beside)


def test_what_is_asked_for_is_computed_in_the_order_of_tables():
    random = np.random.default_rng(0)
    vectors, labels = random.normal(size=(40, 5)), random.integers(0, 4, 40)
    everything = compute_metrics(vectors, labels, metrics=(*METRICS, *MORE_METRICS))
    assert tuple(everything) == (*METRICS, *MORE_METRICS)
    assert (*NAMES, *MORE_CLUSTER_METRICS, SILHOUETTE) == MORE_METRICS
    seven = compute_metrics(vectors, labels)
    assert seven == {name: everything[name] for name in METRICS}
    for names in (["silhouette", "ari"], ["recall_at_5"], ["mrr", "ami"]):
        values = compute_metrics(vectors, labels, metrics=names)
        assert tuple(values) == tuple(name for name in everything if name in names)
        assert values == {name: everything[name] for name in values}
    repeated = compute_metrics(vectors, labels, metrics=["ami", "map"], kmeans_repeats=4)
    assert repeated["map"] == everything["map"]
    assert repeated["ami"] != everything["ami"]


def test_several_values_have_no_clusters():
    vectors = np.random.default_rng(0).normal(size=(12, 3))
    labels = [{"a", "b"}, {"b"}, {"c"}] * 4
    values = compute_metrics(vectors, labels, metrics=(*METRICS, *MORE_METRICS))
    missing = {name for name, value in values.items() if np.isnan(value)}
    assert missing == {"ami", "nmi", *MORE_CLUSTER_METRICS, SILHOUETTE}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["recall_at_2"]}, "no metric 'recall_at_2'.*recall_at_"),
        ({"metrics": "ari_"}, "no metric 'ari_'"),
        ({"metrics": []}, "metrics names none"),
        ({"kmeans_repeats": 0}, "kmeans_repeats is 0"),
    ],
)
def test_what_is_no_metric_is_refused(options, message):
    with pytest.raises(MetricsInputError, match=message):
        compute_metrics(np.eye(4), list("aabb"), **options)
