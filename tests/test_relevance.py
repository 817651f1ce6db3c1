"""Labels of several values, and queries that rank a gallery, beside a plain reference."""

from itertools import permutations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

from lanzdml.methods.class_means import ClassMeans
from lanzdml.methods.labelled import codes_of
from lanzdml.metrics import MetricsInputError, compute_metrics
from lanzdml.metrics.chance import chance, chance_of, of_other_labels
from lanzdml.metrics.relevance import Relevance
from lanzdml.metrics.resampling import draw_weights, resampled_scores
from lanzdml.metrics.scores import RANK_METRICS, macro_scores, query_scores, rank_metrics

N = 60


def images(seed=0, n=N, d=5):
    """Vectors, and one to three of six values each, some of which many images have."""
    rng = np.random.default_rng(seed)
    values = [
        frozenset(
            rng.choice(6, rng.integers(1, 4), replace=False, p=[0.4, 0.3, 0.1, 0.1, 0.06, 0.04])
        )
        for _ in range(n)
    ]
    centres = rng.standard_normal((6, d))
    points = np.stack([centres[list(each)].mean(axis=0) for each in values])
    return points + rng.standard_normal((n, d)), values


def agree(labels):
    """Which images share a value, one pair at a time."""
    return np.array([[bool(a & b) for b in labels] for a in labels])


def plain(points, relevant, queries=None, distance="cosine"):
    """The rank metrics of each query, by their definitions; nothing ties."""
    if distance == "cosine":
        unit = points / np.linalg.norm(points, axis=1, keepdims=True)
        similarities = unit @ unit.T
    else:
        similarities = -((points[:, None] - points[None]) ** 2).sum(axis=2)
    n = len(points)
    scores = np.full((len(RANK_METRICS), n), np.nan)
    for query in range(n):
        if queries is None:
            references = np.flatnonzero(np.arange(n) != query)
        elif queries[query]:
            references = np.flatnonzero(~queries)
        else:
            continue
        order = references[np.argsort(-similarities[query, references])]
        hits = relevant[query, order]
        if not (R := hits.sum()):
            continue
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        scores[:, query] = (
            (precision * hits)[:R].sum() / R,
            hits[0],
            hits[:R].mean(),
            (precision * hits).sum() / R,
            1 / (1 + hits.argmax()),
        )
    return scores


def some(n=N, seed=1, share=0.3):
    return np.random.default_rng(seed).random(n) < share


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("queries", [None, some()], ids=["leave one out", "gallery"])
def test_several_values_are_scored_as_by_definition(queries, distance):
    points, labels = images()
    expected = plain(points, agree(labels), queries, distance)
    scores = query_scores(points, labels, queries=queries, distance=distance)
    np.testing.assert_allclose(list(scores.values()), expected, atol=1e-12, equal_nan=True)
    assert np.isnan(scores["map"]).sum() == (0 if queries is None else (~queries).sum())
    means = rank_metrics(
        points, [list(each) for each in labels], queries=queries, distance=distance
    )
    np.testing.assert_allclose(list(means.values()), np.nanmean(expected, axis=1), atol=1e-12)


@pytest.mark.parametrize("queries", [None, some()], ids=["leave one out", "gallery"])
def test_one_value_each_is_bit_for_bit_a_label(queries):
    points, _ = images()
    classes = np.arange(N) % 7
    of_one = query_scores(points, [{each} for each in classes], queries=queries)
    of_labels = query_scores(points, classes, queries=queries)
    assert all(of_one[name].tobytes() == of_labels[name].tobytes() for name in of_one)


def test_sets_and_slices_rank_alike():
    """Values that come in fixed pairs are classes, which are slices where they are labels."""
    points, _ = images()
    classes = np.arange(N) % 7
    pairs = [{each, each + 100} for each in classes]
    for queries in (None, some()):
        of_pairs = query_scores(points, pairs, queries=queries)
        of_labels = query_scores(points, classes, queries=queries)
        for name in of_pairs:
            np.testing.assert_allclose(of_pairs[name], of_labels[name], atol=1e-15, equal_nan=True)


@pytest.mark.parametrize("seed", [0, 1])
def test_gallery_is_scored_as_by_accuracy_calculator(seed):
    points, _ = images(seed, n=200, d=8)
    labels, queries = np.arange(200) % 9, some(200, seed)
    theirs = AccuracyCalculator(
        include=(
            "mean_average_precision_at_r", "precision_at_1", "r_precision",
            "mean_average_precision", "mean_reciprocal_rank",
        ),
        k=int((~queries).sum()),
        knn_func=CustomKNN(CosineSimilarity()),
    ).get_accuracy(
        *map(_tensor, (points[queries], labels[queries], points[~queries], labels[~queries])),
        ref_includes_query=False,
    )  # fmt: skip
    ours = rank_metrics(points, labels, queries=queries)
    names = {
        "map_at_r": "mean_average_precision_at_r",
        "map": "mean_average_precision",
        "mrr": "mean_reciprocal_rank",
    }
    for name, value in ours.items():
        assert value == pytest.approx(theirs[names.get(name, name)], abs=1e-6), name


def _tensor(array):
    import torch

    return torch.tensor(array)


@pytest.mark.parametrize("queries", [None, some(7, 5)], ids=["leave one out", "gallery"])
def test_ties_and_chance_are_means_over_all_orders(queries):
    """An embedding that maps all to one point: each query's references in any order."""
    _, labels = images(3, n=7)
    relevant, n = agree(labels), 7
    means = []
    for query in np.flatnonzero(queries) if queries is not None else range(n):
        others = ~queries if queries is not None else np.arange(n) != query
        hits = np.array(list(permutations(relevant[query, others])), float)
        if not (R := int(hits[0].sum())):
            continue
        precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
        means.append([
            ((precision * hits)[:, :R].sum(axis=1) / R).mean(),
            hits[:, 0].mean(),
            hits[:, :R].mean(),
            ((precision * hits).sum(axis=1) / R).mean(),
            (1 / (1 + hits.argmax(axis=1))).mean(),
        ])  # fmt: skip
    tied = rank_metrics(np.ones((n, 2)), labels, queries=queries)
    np.testing.assert_allclose(list(tied.values()), np.mean(means, axis=0), atol=1e-12)
    by_chance = chance_of(labels, queries)
    np.testing.assert_allclose(list(by_chance.values()), np.mean(means, axis=0), atol=1e-12)


def test_chance_of_labels_is_that_of_their_sizes():
    labels = np.repeat([0, 1, 2, 3], [4, 3, 1, 9])
    assert chance_of(labels) == chance([4, 3, 1, 9])


def test_chance_of_other_values_is_what_their_indicator_has():
    """Vectors that tell what is known and nothing else, of whose values images share no other."""
    _, labels = images(4)
    known = np.arange(N) % 4
    of_known = rank_metrics(np.eye(4)[known], labels)
    for name, value in of_other_labels(known, labels).items():
        assert value == pytest.approx(of_known[name], abs=1e-12)
    sets = [{each, each + 10} for each in known]
    assert of_other_labels(sets, labels) == pytest.approx(of_other_labels(known, labels))


@pytest.mark.parametrize("queries", [None, some()], ids=["leave one out", "gallery"])
def test_draws_are_collections_with_copies(queries):
    """Each draw written out: images as often as they are drawn, copies of a query left out."""
    points, labels = images(5)
    drawn = resampled_scores(points, labels, queries=queries, n_draws=5)
    relevant, weights = agree(labels), draw_weights(N, 5)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    for draw in range(5):
        total = np.zeros(3)
        for query in np.flatnonzero(weights[:, draw]):
            if queries is not None and not queries[query]:
                continue
            others = ~queries if queries is not None else np.arange(N) != query
            times = weights[:, draw] * others
            order = np.argsort(-(unit @ unit[query]))
            hits = np.repeat(relevant[query, order], times[order])
            if not (R := hits.sum()):
                continue
            precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
            score = np.array([(precision * hits)[:R].sum() / R, hits[0], 1])
            total += weights[query, draw] * score
        assert drawn["map_at_r"][draw] == pytest.approx(total[0] / total[2], abs=1e-12)
        assert drawn["precision_at_1"][draw] == pytest.approx(total[1] / total[2], abs=1e-12)


def test_macro_counts_a_query_for_each_of_its_values():
    points, labels = images(6)
    scores = query_scores(points, labels)
    expected = np.mean([
        np.mean([scores["map"][row] for row in range(N) if value in labels[row]])
        for value in range(6)
    ])  # fmt: skip
    assert macro_scores(scores, labels)["map"] == pytest.approx(expected, abs=1e-12)


def test_clusters_have_no_several_values_to_agree_with():
    points, labels = images()
    values = compute_metrics(points, labels)
    assert np.isnan([values["ami"], values["nmi"]]).all()
    assert 0 < values["map_at_r"] < 1
    assert list(values) == list(compute_metrics(points, np.arange(N) % 3))


@pytest.mark.parametrize("n_threads", [2, 5])
def test_threads_do_not_change_a_bit(n_threads):
    points, labels = images(n=400)
    for queries in (None, some(400)):
        one = query_scores(points, labels, queries=queries)
        several = query_scores(points, labels, queries=queries, n_threads=n_threads)
        assert all(one[name].tobytes() == several[name].tobytes() for name in one)


@pytest.mark.parametrize(
    "queries",
    [np.ma.array([True, False] * 30, mask=[True] + [False] * 59), [True, None] * 30, ["a"] * 60,
     [[True], [True, False]], [1, 0] * 30],
)  # fmt: skip
def test_queries_that_are_no_truth_values_are_refused(queries):
    points, values = images()
    with pytest.raises(MetricsInputError, match="queries must be 60 truth values"):
        rank_metrics(points, values, queries=queries)


def test_values_that_are_tuples_are_values_as_others():
    points, values = images()
    tuples = [{("is", value) for value in each} for each in values]
    assert (
        query_scores(points, tuples)["map"].tolist() == query_scores(points, values)["map"].tolist()
    )
    codes = codes_of(tuples, N, ClassMeans)
    assert codes.sum(axis=1).tolist() == [len(each) for each in values]
    one = [("is", sorted(each)[0]) for each in values]
    assert macro_scores(query_scores(points, one), one)["map"] > 0, "one label an image"


def test_what_holds_labels_does_not_matter():
    """A categorical's sets would be a class each, and its labels have no means over classes."""
    points, values = images()
    one = [min(each) for each in values]
    for labels in (values, one):
        scores = query_scores(points, labels)
        for held in (pd.Categorical(labels), pd.Series(labels).astype("category")):
            for name, of_queries in query_scores(points, held).items():
                np.testing.assert_array_equal(of_queries, scores[name])
            assert macro_scores(scores, held) == macro_scores(scores, labels)
    lists = pa.array([[int(value) for value in each] for each in values])
    with pytest.raises(MetricsInputError, match="must be one a row"):
        Relevance.of(pd.Series(lists, dtype=pd.ArrowDtype(lists.type)))


def test_a_tuple_is_one_label_and_an_empty_set_is_none():
    tuples = [(1, 2), (2, 3), (1, 2)]
    assert Relevance.of(tuples).is_single
    assert Relevance.of(tuples).groups.tolist() == [0, 1, 0]
    assert Relevance.of([{1, 2}, {2, 3}, {4}]).n_relevant().tolist() == [1, 1, 0]
    with pytest.raises(MetricsInputError, match="1 of 3 labels are null, the first in row 1"):
        Relevance.of([{1, 2}, set(), {4}])


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([0, 1, 2], "queries must be 4 truth values, one an image, not int64 of shape"),
        ([True, False], r"not bool of shape \(2,\)"),
        ([True] * 4, "all of 4 images are queries"),
        ([False] * 4, "none of 4 images are queries"),
    ],
)
def test_what_is_no_choice_of_queries_is_said(queries, message):
    with pytest.raises(MetricsInputError, match=message):
        compute_metrics(np.eye(4), [0, 0, 1, 1], queries=queries)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([{1}, {2, None}, {3}], "one of the values of row 1 is null"),
        ([[1], [2, {3}], [3]], "labels must be hashable; one of row 1 is a set"),
    ],
)
def test_what_are_no_values_is_said(labels, message):
    with pytest.raises(MetricsInputError, match=message):
        compute_metrics(np.eye(3), labels)
