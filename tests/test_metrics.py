"""The metrics against a readable reference, pytorch-metric-learning, and what must always hold."""

import tracemalloc
import warnings
from fractions import Fraction
from functools import partial
from itertools import chain, combinations, groupby, product

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from lanzdml.errors import LanzdmlError
from lanzdml.metrics.clusters import cluster_metrics
from lanzdml.metrics.ranking import Ranking, validated
from lanzdml.metrics.scores import (
    METRICS,
    RANK_METRICS,
    MetricsInputError,
    compute_metrics,
    macro_scores,
    query_scores,
    query_scores_and_ties,
    rank_metrics,
)

ACCURACY_CALCULATOR_NAMES = {
    "map_at_r": "mean_average_precision_at_r",
    "precision_at_1": "precision_at_1",
    "r_precision": "r_precision",
    "ami": "AMI",
    "nmi": "NMI",
    "map": "mean_average_precision",
    "mrr": "mean_reciprocal_rank",
}

quick = settings(max_examples=50, deadline=None, derandomize=True)


# --- references -------------------------------------------------------------------------------


def unit(vectors):
    vectors = np.asarray(vectors, dtype=np.float64)
    norms = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def squared_distances(vectors, query):
    """Of all vectors to one; equal vectors give equal bits, since all rows add up alike."""
    return ((np.asarray(vectors, np.float64) - np.asarray(vectors[query], np.float64)) ** 2).sum(1)


def ways(block):
    """All places that those of the class can have in a block of what ties."""
    places = combinations(range(len(block)), sum(block))
    return [[k in chosen for k in range(len(block))] for chosen in places]


def orders(nearest, same, similarity):
    """Every order of what ties: which ranks are of the class."""
    blocks = groupby(nearest, lambda i: similarity[i])
    all_ways = [ways([bool(same[i]) for i in block]) for _, block in blocks]
    return [list(chain.from_iterable(way)) for way in product(*all_ways)]


def reference_rank_metrics(vectors, labels, similarity_to):
    """The definitions word by word, a mean over every order of what ties."""
    per_query = []
    for query in range(len(vectors)):
        others = [i for i in range(len(vectors)) if i != query]
        similarity = similarity_to(vectors, query)
        nearest = sorted(others, key=lambda i: -similarity[i])
        same = np.asarray(labels) == labels[query]
        r = int(same.sum()) - 1
        if r == 0:
            continue
        scores = []
        for relevant in orders(nearest, same, similarity):
            precision = [sum(relevant[:k]) / k for k in range(1, len(relevant) + 1)]
            at_hits = [p if hit else 0.0 for p, hit in zip(precision, relevant, strict=True)]
            mean, first_hit = sum(at_hits) / r, relevant.index(True) + 1
            scores.append(
                (sum(at_hits[:r]) / r, precision[0], precision[r - 1], mean, 1 / first_hit)
            )
        per_query.append(np.mean(scores, axis=0))
    means = np.mean(per_query, axis=0) if per_query else np.full(5, np.nan)
    return dict(
        zip(("map_at_r", "precision_at_1", "r_precision", "map", "mrr"), means, strict=True)
    )


def near(vectors, query):
    """Similarity by Euclidean distance: of whole numbers exact, so that what ties is equal."""
    return -squared_distances(vectors, query)


def exact_cosines(vectors, query):
    """Signed squares of cosines of whole numbers as fractions."""
    products = [int(v) for v in vectors @ vectors[query]]
    lengths = [int(v @ v) for v in vectors]
    return [
        Fraction(p * abs(p), length * lengths[query]) if p else Fraction(0)
        for p, length in zip(products, lengths, strict=True)
    ]


def accuracy_calculator(vectors, labels, knn, seed):
    def k_means(points, k):
        model = KMeans(k, init="random", n_init=1, max_iter=25, random_state=seed)
        with threadpool_limits(1):
            return torch.from_numpy(model.fit_predict(points.numpy()))

    calculator = AccuracyCalculator(device=torch.device("cpu"), knn_func=knn, kmeans_func=k_means)
    values = calculator.get_accuracy(np.asarray(vectors, np.float32), labels)
    return {name: values[theirs] for name, theirs in ACCURACY_CALCULATOR_NAMES.items()}


def exact_knn(query, k, reference, ref_includes_query):
    assert ref_includes_query
    assert k == len(reference) - 1
    vectors = reference.numpy()
    nearest = np.argsort([squared_distances(vectors, i) for i in range(len(vectors))], axis=1)
    others = [row[row != i] for i, row in enumerate(nearest)]
    return None, torch.tensor(np.array(others))


# --- data -------------------------------------------------------------------------------------


def clustered(sizes, spread, *, n_dims=16, seed=0):
    """Gaussian classes of the given sizes in random row order, as float32."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = rng.normal(size=(len(sizes), n_dims))
    noise = rng.normal(size=(len(labels), n_dims))
    return (centres[labels] + spread * noise).astype(np.float32), labels


def duplicated(n_images, n_distinct, n_classes, *, n_dims=16, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n_distinct, n_dims)).astype(np.float32)
    return vectors[rng.integers(n_distinct, size=n_images)], rng.integers(n_classes, size=n_images)


def integers(n_images, n_classes, *, n_dims=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(-2, 3, (n_images, n_dims)), rng.integers(n_classes, size=n_images)


DATASETS = {
    "random": clustered([30] * 5, 1e3),
    "clustered": clustered([20] * 8, 0.8),
    "uneven": clustered([120, 30, 7, 3, 2, 2, 1, 1, 1], 1.5),
    "one class": clustered([40], 1.0),
    "wide": clustered([10] * 6, 2.0, n_dims=200),
}


@st.composite
def tied_images(draw, most=25):
    """Whole numbers: their distances are exact, so ties are the same however one computes."""
    n = draw(st.integers(2, most))
    n_dims = draw(st.integers(1, 3))
    vectors = draw(arrays(np.int64, (n, n_dims), elements=st.integers(-2, 2)))
    return vectors, draw(arrays(np.int64, n, elements=st.integers(0, 4)))


@st.composite
def close_images(draw):
    """Images without ties whose cosines may be as close as a narrow cone makes them."""
    n = draw(st.integers(2, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_dims = draw(st.integers(2, 8))
    spread = 10.0 ** -draw(st.integers(0, 4))
    vectors = rng.normal(size=n_dims) + spread * rng.normal(size=(n, n_dims))
    return vectors.astype(np.float32), rng.integers(4, size=n)


# --- definitions ------------------------------------------------------------------------------


def test_by_hand():
    # From the query at 0 the others are in the order A B A B B A; the rest are alone in a class.
    vectors = np.array([[0], [1], [2], [3], [4], [5], [6]])
    labels = np.array(["A", "A", "b1", "A", "b2", "b3", "A"])
    scores = query_scores(vectors, labels, distance="euclidean")
    by_hand = {
        "map_at_r": (1 + 2 / 3) / 3,
        "precision_at_1": 1,
        "r_precision": 2 / 3,
        "map": (1 + 2 / 3 + 3 / 6) / 3,
        "mrr": 1,
    }
    assert {name: values[0] for name, values in scores.items()} == pytest.approx(by_hand)
    # The last one sees b3 b2 A b1 A A.
    assert scores["mrr"][6] == pytest.approx(1 / 3)
    assert scores["map_at_r"][6] == pytest.approx(1 / 3 / 3)
    assert np.isnan(scores["map"][[2, 4, 5]]).all()


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("dataset", DATASETS)
def test_equals_accuracy_calculator(dataset, distance):
    vectors, labels = DATASETS[dataset]
    compared = unit(vectors).astype(np.float32) if distance == "cosine" else vectors
    expected = accuracy_calculator(compared, labels, exact_knn, seed=3)
    values = compute_metrics(vectors, labels, seed=3, distance=distance)
    assert values == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("dataset", ["random", "clustered", "uneven"])
def test_equals_accuracy_calculator_with_its_own_neighbours(dataset):
    vectors, labels = DATASETS[dataset]
    knn = CustomKNN(LpDistance(normalize_embeddings=True))
    expected = accuracy_calculator(vectors, labels, knn, seed=0)
    values = rank_metrics(vectors, labels)
    assert values == pytest.approx({name: expected[name] for name in RANK_METRICS}, abs=1e-6)


@given(close_images(), st.lists(st.integers(0, 19), max_size=4))
@quick
def test_equals_reference_on_repeated_directions(images, repeated):
    vectors, labels = images
    rows = np.concatenate((np.arange(len(vectors)), np.array(repeated, int) % len(vectors)))
    labels = np.resize(labels, len(rows))
    lengths = 2.0 ** (np.arange(len(rows)) % 3)  # powers of two keep the direction to the bit
    expected = reference_rank_metrics(unit(vectors)[rows], labels, near)
    values = rank_metrics(vectors[rows] * lengths[:, None], labels)
    assert values == pytest.approx(expected, abs=1e-12, nan_ok=True)


# --- ties -------------------------------------------------------------------------------------


@given(tied_images(most=9))
@quick
def test_ties_are_the_mean_over_all_orders(images):
    vectors, labels = images
    expected = reference_rank_metrics(vectors, labels, near)
    values = rank_metrics(vectors, labels, distance="euclidean")
    assert values == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(tied_images(most=9))
@quick
def test_tied_cosines_are_the_mean_over_all_orders(images):
    # Most of them are rounded, and some are rounded apart.
    vectors, labels = images
    expected = reference_rank_metrics(vectors, labels, exact_cosines)
    assert rank_metrics(vectors, labels) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", range(10))
def test_ties_are_the_mean_of_drawn_orders(seed):
    # More references than all orders can be listed of: AccuracyCalculator scores some of them.
    vectors, labels = duplicated(60, 12, 4, seed=seed) if seed % 2 else integers(60, 4, seed=seed)
    rng = np.random.default_rng(seed)

    def shuffled_knn(query, k, reference, ref_includes_query):
        shuffled = rng.permutation(len(vectors))
        distances = np.array([squared_distances(vectors, i)[shuffled] for i in range(len(vectors))])
        nearest = shuffled[np.argsort(distances, axis=1, kind="stable")]
        return None, torch.tensor(np.array([row[row != i] for i, row in enumerate(nearest)]))

    calculator = AccuracyCalculator(
        include=[ACCURACY_CALCULATOR_NAMES[name] for name in ("map_at_r", "precision_at_1", "map")],
        device=torch.device("cpu"), knn_func=shuffled_knn,
    )  # fmt: skip
    drawn = pd.DataFrame(
        [calculator.get_accuracy(vectors.astype(np.float32), labels) for _ in range(60)]
    )
    values = rank_metrics(vectors, labels, distance="euclidean")
    for name in ("map_at_r", "precision_at_1", "map"):
        found = drawn[ACCURACY_CALCULATOR_NAMES[name]]
        assert abs(values[name] - found.mean()) < 5 * found.std() / np.sqrt(len(found))


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("n_dims", [1, 128])
def test_one_point_scores_as_a_random_order(n_dims, distance):
    # 1003 columns: BLAS rounds the products of equal vectors differently at the edges.
    rng = np.random.default_rng(0)
    zeros = rng.choice([0.0, -0.0], (1003, 10))
    vectors = np.hstack((np.tile(rng.normal(size=n_dims), (1003, 1)), zeros))
    labels = np.arange(1003) % 2
    scores, tied = query_scores_and_ties(vectors, labels, distance=distance)
    assert tied.all()
    R = np.bincount(labels)[labels] - 1
    n = len(labels) - 1
    np.testing.assert_allclose(scores["precision_at_1"], R / n, rtol=1e-12)
    np.testing.assert_allclose(scores["r_precision"], R / n, rtol=1e-12)
    np.testing.assert_allclose(scores["mrr"], [chance_of_first(n, r) for r in R], rtol=1e-9)


def chance_of_first(n, r):
    """The expected 1 / rank of the first of r among n, from the chance that it comes later."""
    later = np.cumprod([(n - r - k) / (n - k) for k in range(n - r)])
    return float((np.append(1, later) - np.append(later, 0)) @ (1 / np.arange(1, n - r + 2)))


def test_two_directions_are_scored_by_how_pure_they_are():
    # As two prompts give them: one dimension, cosines 1 and -1.
    labels = np.array([0] * 60 + [1] * 40)
    sign = np.where(np.random.default_rng(0).random(100) < 0.9, 1, -1) * np.where(labels, -1, 1)
    vectors = (sign * np.linspace(1, 3, 100))[:, None]
    pure = [
        np.mean((labels == labels[i])[(sign == sign[i]) & (np.arange(100) != i)])
        for i in range(100)
    ]
    scores, tied = query_scores_and_ties(vectors, labels)
    np.testing.assert_allclose(scores["precision_at_1"], pure, rtol=1e-12)
    assert tied.all()


def test_an_image_that_is_there_twice_with_two_labels():
    vectors, labels = clustered([20] * 3, 0.1)
    twice = np.concatenate((vectors, vectors[:1]))
    scores, tied = query_scores_and_ties(twice, [*labels, (labels[0] + 1) % 3])
    before = query_scores(vectors, labels)
    # All of the other class see both at the same place, one of them right.
    assert tied[:-1][labels == labels[0]][1:].all()
    assert scores["precision_at_1"][0] == 0  # its double has another label
    assert before["precision_at_1"][0] == 1


def test_ties_within_a_class_are_none():
    vectors, labels = np.repeat(np.eye(3), 5, axis=0), np.repeat([0, 1, 2], 5)
    scores, tied = query_scores_and_ties(vectors, labels)
    assert not tied.any()
    assert all((values == 1).all() for values in scores.values())


# --- close vectors ----------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [1e-1, 1e-3, 1e-4, 1e-5])
def test_a_narrow_cone_costs_nothing(spread):
    # Seen from their mean the vectors are well apart; float32 cosines would all be 1.
    rng = np.random.default_rng(0)
    mean = rng.normal(size=64)
    mean *= 8 / np.linalg.norm(mean)
    labels = np.repeat(np.arange(10), 20)
    wide = rng.normal(size=(10, 64))[labels] + rng.normal(size=(200, 64))
    vectors = (mean + spread * wide).astype(np.float32)
    expected = reference_rank_metrics(unit(vectors), labels, near)
    values = rank_metrics(vectors, labels)
    assert values == pytest.approx(expected, abs=1e-12)
    assert values["map_at_r"] > 0.5


@pytest.mark.parametrize("n_dims", [1, 2, 4, 8])
def test_few_dimensions(n_dims):
    rng = np.random.default_rng(n_dims)
    labels = np.repeat(np.arange(20), 20)
    vectors = rng.normal(size=(20, n_dims))[labels] + 1e-3 * rng.normal(size=(400, n_dims))
    vectors = vectors.astype(np.float32)
    cosines = unit(vectors) @ unit(vectors).T
    values = rank_metrics(vectors, labels)
    if n_dims > 1:
        expected = reference_rank_metrics(cosines, labels, lambda rows, query: rows[query])
        assert values == pytest.approx(expected, abs=1e-12)
    else:
        assert values["precision_at_1"] == pytest.approx(
            same_sign(vectors[:, 0], labels), abs=1e-12
        )


def same_sign(vectors, labels):
    """Prec@1 in expectation in one dimension: all of one sign tie."""
    chances = []
    for i, (value, label) in enumerate(zip(vectors, labels, strict=True)):
        nearest = np.flatnonzero(np.sign(vectors) == np.sign(value))
        others = nearest[nearest != i]
        chances.append(np.mean(labels[others] == label))
    return np.mean(chances)


def test_nearly_one_hot_vectors():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 30)
    logits = 9 * np.eye(6)[labels] + rng.normal(size=(180, 6))
    vectors = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float32)
    labels = np.where(logits[:, 0] > np.median(logits[:, 0]), labels, labels + 6)
    cosines = unit(vectors) @ unit(vectors).T
    expected = reference_rank_metrics(cosines, labels, lambda rows, query: rows[query])
    assert rank_metrics(vectors, labels) == pytest.approx(expected, abs=1e-12)


# --- what must always hold --------------------------------------------------------------------


@given(tied_images(), st.randoms(use_true_random=False))
@quick
def test_order_of_rows_does_not_matter(images, random):
    vectors, labels = images
    rows = random.sample(range(len(labels)), len(labels))
    expected = rank_metrics(vectors, labels, distance="euclidean")
    values = rank_metrics(vectors[rows], labels[rows], distance="euclidean")
    assert values == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(close_images(), st.integers(0, 2**32 - 1))
@quick
def test_cosine_ignores_rotation_and_lengths(images, seed):
    vectors, labels = images
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(vectors.shape[1],) * 2))
    lengths = np.exp(rng.uniform(-20, 20, size=(len(vectors), 1)))
    values = rank_metrics(lengths * vectors @ rotation, labels)
    assert values == pytest.approx(rank_metrics(vectors, labels), abs=1e-12, nan_ok=True)


@given(close_images(), st.integers(-100, 100))
@quick
def test_euclidean_ignores_scale(images, exponent):
    vectors, labels = images
    vectors = vectors.astype(np.float32)
    values = compute_metrics(vectors * 2.0**exponent, labels, distance="euclidean")
    expected = compute_metrics(vectors, labels, distance="euclidean")
    assert values == pytest.approx(expected, abs=0, nan_ok=True)


def test_euclidean_is_exact_far_from_the_origin():
    vectors, labels = clustered([15] * 4, 1.0, n_dims=8)
    far = vectors + np.float32(1e4)
    values = rank_metrics(far, labels, distance="euclidean")
    assert values == pytest.approx(reference_rank_metrics(far, labels, near), abs=1e-12)


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(2, 12), st.integers(1, 4)),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    ),
    st.data(),
    st.sampled_from(["cosine", "euclidean"]),
)
@quick
def test_any_finite_input_gives_values_in_range_and_no_warnings(vectors, data, distance):
    labels = data.draw(st.lists(st.integers(0, 3), min_size=len(vectors), max_size=len(vectors)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = compute_metrics(vectors, labels, distance=distance)
    alone = len(set(labels)) == len(labels)
    for name in RANK_METRICS:
        assert np.isnan(values[name]) if alone else 0 <= values[name] <= 1
    assert -1e-12 <= values["nmi"] <= 1 + 1e-12
    assert -1 <= values["ami"] <= 1 + 1e-12


@given(st.lists(st.integers(2, 6), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
@quick
def test_separated_classes_are_perfect(sizes, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    vectors = np.eye(len(sizes))[labels] + rng.uniform(-0.1, 0.1, (len(labels), len(sizes)))
    assert rank_metrics(vectors, labels) == dict.fromkeys(RANK_METRICS, 1.0)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("spread", [1.5, 1e-7])  # the latter leaves little but rounding errors
def test_threads_do_not_change_a_bit(spread, distance):
    vectors, labels = clustered([300, 120, 60, 40, 9, 1], 1.5, n_dims=64)
    vectors = (vectors[0] + spread * vectors).astype(np.float32)
    one = compute_metrics(vectors, labels, distance=distance, n_threads=1)
    assert compute_metrics(vectors, labels, distance=distance, n_threads=2) == one
    assert compute_metrics(vectors, labels, distance=distance, n_threads=7) == one


def test_macro_counts_all_classes_alike():
    """However large they are, by a plain reference; those without a query count in nothing."""
    vectors, labels = clustered([20, 5, 3, 2, 1], 1.5)
    scores = query_scores(vectors, labels)
    for name, value in macro_scores(scores, labels).items():
        means = [np.nanmean(scores[name][labels == label]) for label in range(4)]
        assert value == pytest.approx(sum(means) / 4, abs=1e-12)
        assert value != pytest.approx(rank_metrics(vectors, labels)[name], abs=1e-3)
    shuffled = pd.Series([f"class {label}" for label in labels], np.arange(len(labels))[::-1])
    assert macro_scores(scores, shuffled) == macro_scores(scores, labels)
    assert np.isnan(
        list(macro_scores(query_scores(np.eye(3), [0, 1, 2]), [0, 1, 2]).values())
    ).all()


@pytest.mark.parametrize("n", [127, 128, 129, 255, 256, 257, 400])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_any_number_of_images_is_scored_word_by_word(n, distance):
    """They are ranked 128 at a time, whatever class they are of."""
    vectors, labels = clustered([n // 2, n // 3, n - n // 2 - n // 3 - 1, 1], 1.5, n_dims=3)
    given = unit(vectors) if distance == "cosine" else vectors
    expected = reference_rank_metrics(given, labels, near)
    assert rank_metrics(vectors, labels, distance=distance) == pytest.approx(expected, rel=1e-12)


def test_memory_is_bounded():
    n = 4000
    vectors, labels = clustered([n // 8] * 8, 1.0)
    tracemalloc.start()
    try:
        rank_metrics(vectors, labels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 8 * 128 * n + 8 * vectors.nbytes < 2 * n * n


@pytest.mark.parametrize("n", [30_000, 300_000, 1_000_000])
def test_however_many_images_there_are_few_similarities_are_in_memory(n):
    """At most 32 MiB of them at a time, or 32 queries', which is seen at the first ones."""
    rng = np.random.default_rng(0)
    images = Ranking(rng.normal(size=(n, 2)), np.arange(n) % 2, "cosine")

    class SeenEnoughError(Exception):
        pass

    def score(similarities, first, relevant):
        raise SeenEnoughError

    tracemalloc.start()
    try:
        with pytest.raises(SeenEnoughError):
            images.by_group(score, n_threads=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < max(2**25, 32 * 8 * n) + 2**20


# --- clusters and seeds -----------------------------------------------------------------------


def test_seed_decides_the_clusters():
    vectors, labels = DATASETS["clustered"]
    runs = [cluster_metrics(vectors, labels, seed=seed) for seed in range(5)]
    assert runs == [cluster_metrics(vectors, labels, seed=seed) for seed in range(5)]
    assert len({values["ami"] for values in runs}) > 1
    assert compute_metrics(vectors, labels, seed=1)["ami"] == runs[1]["ami"]


def test_separated_clusters_are_perfect():
    vectors, labels = clustered([10] * 3, 1e-2)
    # Plain k-means may start with two centres in a class, so not every seed finds the classes.
    runs = [cluster_metrics(vectors, labels, seed=seed) for seed in range(20)]
    assert max(values["ami"] for values in runs) == pytest.approx(1)
    assert max(values["nmi"] for values in runs) == pytest.approx(1)


def test_fewer_points_than_classes():
    vectors, labels = np.repeat(np.eye(2), 6, axis=0), np.arange(12) // 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = cluster_metrics(vectors, labels)
    # At best two clusters of two classes each: I = ln 2, H = ln 4 and ln 2.
    assert values["nmi"] == pytest.approx(2 / 3)
    assert 0 < values["ami"] < values["nmi"]


# --- input ------------------------------------------------------------------------------------


def test_values_are_floats_in_the_order_of_metrics():
    values = compute_metrics(*DATASETS["uneven"])
    assert tuple(values) == METRICS
    assert {type(value) for value in values.values()} == {float}


@pytest.mark.parametrize(
    "as_labels",
    [
        list,
        torch.from_numpy,
        pd.Series,
        pd.Categorical,
        lambda y: y.astype(str),
        lambda y: pd.Series(y.astype(str), index=y),
        lambda y: [f"car {value}" for value in y],
        lambda y: [("a", value) for value in y],
        lambda y: np.array([frozenset([value]) for value in y], dtype=object),
        lambda y: y / 7,
        lambda y: -y,
    ],
)
def test_labels_of_any_type(as_labels):
    vectors, labels = DATASETS["uneven"]
    expected = compute_metrics(vectors, labels)
    assert compute_metrics(vectors, as_labels(labels)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "as_embeddings",
    [
        torch.from_numpy,
        lambda x: torch.from_numpy(x).requires_grad_(),
        lambda x: torch.from_numpy(x).double(),
        lambda x: x.astype(np.float64),
        np.asfortranarray,
        pd.DataFrame,
        np.ndarray.tolist,
    ],
)
def test_embeddings_of_any_type(as_embeddings):
    vectors, labels = DATASETS["clustered"]
    assert compute_metrics(as_embeddings(vectors), labels) == compute_metrics(vectors, labels)


def test_half_precision():
    vectors, labels = DATASETS["clustered"]
    halves = torch.from_numpy(vectors).bfloat16()
    assert compute_metrics(halves, labels) == compute_metrics(halves.float(), labels)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_input_is_left_as_it_is(distance):
    vectors, labels = duplicated(150, 12, 4)
    copies = vectors.copy(), labels.copy()
    compute_metrics(vectors, labels, distance=distance)
    np.testing.assert_array_equal(vectors, copies[0])
    np.testing.assert_array_equal(labels, copies[1])


def test_lone_image_is_a_reference_but_no_query():
    vectors, labels = np.array([[0.0], [1.0], [9.0], [10.0]]), ["a", "a", "b", "b"]
    assert rank_metrics(vectors, labels, distance="euclidean")["precision_at_1"] == 1
    with_lone = np.append(vectors, [[-0.5]], axis=0)
    # Nearest to 0 is now the lone image: one of four queries fails, and the lone one is none.
    values = rank_metrics(with_lone, [*labels, "c"], distance="euclidean")
    assert values["precision_at_1"] == 3 / 4


def test_rank_metrics_are_undefined_if_all_images_are_alone():
    values = compute_metrics(np.eye(3), ["a", "b", "c"])
    assert all(np.isnan(values[name]) for name in RANK_METRICS)
    assert values["nmi"] == pytest.approx(1)


def test_zero_vectors_stay_zero():
    # Cosine 0 is more than the -1 of the opposite direction and less than 1.
    vectors = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 0.0], [-2.0, 0.0]])
    scores = query_scores(vectors, list("aaba"), distance="cosine", n_threads=1)
    assert scores["map"][0] == pytest.approx((1 + 2 / 3) / 2)
    assert scores["map"][3] == pytest.approx((1 / 2 + 2 / 3) / 2)


def with_value(row, value):
    vectors = np.ones((4, 2))
    vectors[row, 1] = value
    return vectors


@pytest.mark.parametrize(
    ("embeddings", "labels", "options", "message"),
    [
        (np.ones(4), list("aabb"), {}, r"embeddings have shape \(4,\)"),
        (np.ones((4, 2, 1)), list("aabb"), {}, r"embeddings have shape \(4, 2, 1\)"),
        (np.ones((4, 0)), list("aabb"), {}, r"embeddings have shape \(4, 0\)"),
        (np.ones((4, 2)), list("aab"), {}, "3 labels, but 4 embeddings"),
        (np.ones((4, 2)), np.ones((4, 1)), {}, r"labels have shape \(4, 1\)"),
        (with_value(2, np.nan), list("aabb"), {}, "1 of 4 rows are not; the first is row 2"),
        (with_value(1, -np.inf), list("aabb"), {}, "first is row 1"),
        (with_value(3, 1e300), list("aabb"), {}, "first is row 3"),
        (np.ones((4, 2)), ["a", None, "b", None], {}, "2 of 4 labels are null, the first in row 1"),
        (np.ones((4, 2)), [1, 1, float("nan"), 2], {}, "1 of 4 labels are null"),
        (np.ones((4, 2)), ["a", "a", "b", pd.NA], {}, "1 of 4 labels are null"),
        (np.ones((1, 2)), ["a"], {}, "at least two images, but there are 1"),
        (np.ones((0, 2)), [], {}, "at least two images, but there are 0"),
        (np.ones((4, 2)), list("aabb"), {"distance": "dot"}, "'dot', but must be cosine or eucl"),
        (np.ones((4, 2)), list("aabb"), {"n_threads": 0}, "n_threads is 0"),
    ],
)
def test_errors_say_what_is_wrong(embeddings, labels, options, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MetricsInputError, match=message) as error:
            compute_metrics(embeddings, labels, **options)
    assert isinstance(error.value, LanzdmlError)
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("compute", "copies"), [(partial(validated, distance="cosine"), 1), (cluster_metrics, 2)]
)
def test_memory_is_that_of_few_copies_of_the_points(compute, copies):
    vectors = np.random.default_rng(0).normal(size=(2000, 500)).astype(np.float32)
    labels = np.arange(2000) % 2
    compute(vectors, labels)  # loads what it needs
    tracemalloc.start()
    compute(vectors, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (copies + 0.25) * vectors.size * 8
