"""Metrics of clusters against scikit-learn and plain loops, several starts, and what is none."""

import warnings
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.cluster import KMeans

from lanzdml.metrics import MetricsInputError
from lanzdml.metrics.clusters import (
    CLUSTER_METRICS,
    OF_KMEANS,
    cluster_metrics,
    silhouette,
)

quick = settings(max_examples=40, deadline=None, derandomize=True)
DISTANCES = ("cosine", "euclidean")


def drawn(n, dim, n_classes, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, dim)) + 0.5, random.integers(0, n_classes, n)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def best_assignment(classes, clusters):
    """The share that is right by the best of all ways to give each class a cluster of its own."""
    n = max(classes.max(), clusters.max()) + 1
    return max(
        np.mean(np.array(way)[classes] == clusters) for way in permutations(range(n))
    )  # fmt: skip


def plain_silhouette(vectors, labels, distance):
    """Word by word."""
    values = []
    for i, vector in enumerate(vectors):
        if distance == "cosine":
            lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
            products = vectors @ vector
            far = 1 - np.divide(products, lengths, out=np.zeros(len(products)), where=lengths > 0)
        else:
            far = np.sqrt(((vectors - vector) ** 2).sum(axis=1))
        others = np.arange(len(vectors)) != i
        own = far[others & (labels == labels[i])]
        if not len(own):
            values.append(0.0)
            continue
        a = own.mean()
        b = min(far[labels == label].mean() for label in set(labels) - {labels[i]})
        values.append((b - a) / max(a, b))
    return np.mean(values)


@pytest.mark.parametrize("seed", range(4))
def test_clusters_are_scored_as_by_scikit_learn_and_by_all_assignments(seed):
    vectors, labels = drawn(80, 5, 6, seed)
    clusters = KMeans(6, init="random", n_init=1, max_iter=25, random_state=seed).fit_predict(
        unit(vectors)
    )
    expected = {
        "ami": reference.adjusted_mutual_info_score(labels, clusters),
        "nmi": reference.normalized_mutual_info_score(labels, clusters),
        "clustering_accuracy": best_assignment(labels, clusters),
        "ari": reference.adjusted_rand_score(labels, clusters),
        "homogeneity": reference.homogeneity_score(labels, clusters),
    }
    values = cluster_metrics(vectors, labels, seed=seed, metrics=OF_KMEANS)
    assert values == pytest.approx(expected, abs=1e-12)
    assert tuple(values) == OF_KMEANS


def test_empty_clusters_stand_for_no_class():
    vectors, labels = np.repeat(np.eye(2), 6, axis=0), np.arange(12) // 3
    values = cluster_metrics(vectors, labels, metrics=["clustering_accuracy", "homogeneity"])
    # Two clusters of two classes each: one class of either is right.
    assert values == pytest.approx({"clustering_accuracy": 0.5, "homogeneity": 0.5})


def test_one_class_is_one_cluster():
    vectors, _ = drawn(9, 3, 2)
    values = cluster_metrics(vectors, ["a"] * 9, metrics=OF_KMEANS)
    assert values == dict.fromkeys(OF_KMEANS, 1.0)


def test_starts_are_averaged_and_the_first_is_that_of_the_seed_alone():
    vectors, labels = drawn(60, 4, 5)
    alone = cluster_metrics(vectors, labels, seed=3)
    assert alone == cluster_metrics(vectors, labels, seed=3, repeats=1)
    assert tuple(alone) == CLUSTER_METRICS
    sums = {n: n * cluster_metrics(vectors, labels, seed=3, repeats=n)["ami"] for n in range(1, 6)}
    each = np.diff([0, *sums.values()])
    assert each[0] == alone["ami"]
    assert len(set(each.round(9))) > 1
    # Each start is one that a seed makes: the second's is none that is counted from the first.
    second = int(np.random.SeedSequence([3, 1]).generate_state(1)[0])
    assert each[1] == pytest.approx(cluster_metrics(vectors, labels, seed=second)["ami"])
    others = [cluster_metrics(vectors, labels, seed=seed)["ami"] for seed in range(4, 9)]
    assert each[1:5].tolist() != pytest.approx(others[:4])


def test_more_starts_have_less_noise():
    vectors, labels = drawn(80, 4, 6)
    spread = {
        repeats: np.std([
            cluster_metrics(vectors, labels, seed=seed, repeats=repeats)["ami"]
            for seed in range(8)
        ])
        for repeats in (1, 20)
    }  # fmt: skip
    assert spread[20] < spread[1] / 2


def test_repeats_below_one_are_refused():
    with pytest.raises(MetricsInputError, match="kmeans_repeats is 0"):
        cluster_metrics(*drawn(9, 3, 2), repeats=0)


@pytest.mark.parametrize("distance", DISTANCES)
@given(
    n=st.integers(3, 40), dim=st.integers(1, 9), n_classes=st.integers(2, 9), seed=st.integers(0)
)
@quick
def test_silhouettes_are_those_of_scikit_learn_and_of_a_plain_loop(
    distance, n, dim, n_classes, seed
):
    vectors, labels = drawn(n, dim + 1, n_classes, seed)
    value = silhouette(vectors, labels, distance=distance)
    if not 1 < len(set(labels)) < n:
        assert np.isnan(value)
        return
    assert value == pytest.approx(plain_silhouette(vectors, labels, distance), abs=1e-9)
    theirs = reference.silhouette_score(vectors, labels, metric=distance)
    assert value == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("distance", DISTANCES)
def test_silhouettes_of_some_rows_at_a_time_are_the_same(distance, monkeypatch):
    vectors, labels = drawn(50, 7, 4)
    at_once = silhouette(vectors, labels, distance=distance)
    monkeypatch.setattr("lanzdml.metrics.clusters._MAX_DISTANCES", 3 * 50)
    assert silhouette(vectors, labels, distance=distance) == pytest.approx(at_once, abs=1e-12)


def test_what_is_in_one_place_has_no_silhouette_of_rounding():
    lengths = np.random.default_rng(0).uniform(0.1, 9, size=(60, 1))
    in_one_direction = lengths * np.random.default_rng(1).normal(size=64)
    assert silhouette(in_one_direction, np.arange(60) // 15) == 0
    assert silhouette(np.full((60, 4), 1 / 3), np.arange(60) // 15, distance="euclidean") == 0
    assert silhouette(np.zeros((60, 4)), np.arange(60) // 15) == 0


def test_separated_classes_have_a_silhouette_of_one():
    labels = np.arange(40) % 4
    for distance in DISTANCES:
        assert silhouette(np.eye(4)[labels], labels, distance=distance) == 1
        assert silhouette(np.eye(4)[labels], np.arange(40) // 10, distance=distance) < 0


def test_an_image_alone_in_its_class_counts_as_none():
    vectors, labels = np.eye(3)[[0, 0, 1, 1, 2]], [0, 0, 1, 1, 2]
    assert silhouette(vectors, labels) == pytest.approx(4 / 5)


@pytest.mark.parametrize("labels", [["a"] * 5, list("abcde")], ids=["one class", "all alone"])
def test_silhouettes_need_several_classes_and_one_of_several_images(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(silhouette(np.eye(5), labels))
