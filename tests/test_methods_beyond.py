"""The methods beyond the paper, each against its formulas written out in float64."""

from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from lanzdml import CLAY, InDiReCT, InDiReCTSVD, PCARank, PromptPosterior, TextSubspace
from lanzdml.arithmetic.threads import one_torch_thread
from lanzdml.embeddings.embedding import embed_prompts
from lanzdml.embeddings.loading import load_clip
from lanzdml.embeddings.prompts import make_prompts
from lanzdml.errors import CannotFitError
from lanzdml.methods.base import EmbeddingError
from lanzdml.methods.clay import log_map, mean_direction, reflect
from lanzdml.methods.subspace import principal_directions
from tests.test_methods import IMAGES, TEXT, R, assert_same, learned_of, unit, vectors

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SUBSPACES = [TextSubspace, PCARank, InDiReCTSVD, CLAY]
TEXT64, IMAGES64 = unit(TEXT.astype(np.float64)), unit(IMAGES.astype(np.float64))


@pytest.fixture(autouse=True)
def one_thread():
    with one_torch_thread():
        yield


def eigenvectors(rows, k):
    """The first k directions of rows, by the eigenvalues of their products; the largest > 0."""
    values, columns = np.linalg.eigh(sum(np.outer(row, row) for row in rows))
    found = []
    for index in np.argsort(values)[::-1][:k]:
        direction = columns[:, index]
        found.append(direction * np.sign(direction[np.abs(direction).argmax()]))
    return np.array(found)


def cosines(out):
    return unit(out.astype(np.float64)) @ unit(out.astype(np.float64)).T


# --- Against plain references


def test_text_subspace():
    basis = eigenvectors(TEXT64 - TEXT64.mean(axis=0), 5)
    expected = [unit(np.array([image @ direction for direction in basis])) for image in IMAGES64]
    np.testing.assert_allclose(TextSubspace(5).fit(TEXT).transform(IMAGES), expected, atol=1e-5)


def test_pca_rank():
    mean = TEXT64.mean(axis=0)
    basis = eigenvectors(TEXT64 - mean, 5)
    expected = [[(image - mean) @ direction for direction in basis] for image in IMAGES64]
    np.testing.assert_allclose(PCARank(5).fit(TEXT).transform(IMAGES), expected, atol=1e-5)


def test_prompt_posterior():
    expected = []
    for image in IMAGES64:
        weights = [np.exp(7.5 * (image @ text)) for text in TEXT64]
        expected.append([weight / sum(weights) for weight in weights])
    out = PromptPosterior(7.5).fit(TEXT).transform(IMAGES)
    np.testing.assert_allclose(out, expected, atol=1e-5)
    np.testing.assert_allclose(out.sum(axis=1), 1, atol=1e-6)
    assert PromptPosterior().logit_scale == 100


@pytest.mark.parametrize("scale", [1e6, 1e39, 1e300, np.float32(1e30)])
def test_prompt_posterior_does_not_overflow(scale):
    out = PromptPosterior(scale).fit(TEXT).transform(TEXT)
    np.testing.assert_allclose(out, np.eye(len(TEXT)), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e-39, 1e-9])
def test_prompt_posterior_of_no_scale_finds_all_prompts_alike(scale):
    out = PromptPosterior(scale).fit(TEXT).transform(IMAGES)
    np.testing.assert_allclose(out, 1 / len(TEXT), rtol=1e-6)


def tangent(base, vector):
    """The log map of the unit sphere: the angle to the vector, along the way to it."""
    angle = np.arccos(base @ vector)
    return angle / np.sin(angle) * (vector - np.cos(angle) * base)


@pytest.mark.parametrize("k", [1, 5, 11])
def test_clay(k):
    text_mean, image_mean = unit(TEXT64.sum(axis=0)), unit(IMAGES64.sum(axis=0))
    basis = eigenvectors([tangent(text_mean, text) for text in TEXT64], k)
    normal = unit(image_mean - text_mean)
    householder = np.eye(R) - 2 * np.outer(normal, normal)
    np.testing.assert_allclose(householder @ image_mean, text_mean, atol=1e-12)
    expected = []
    for image in IMAGES64:
        carried = householder @ tangent(image_mean, image)
        assert carried @ text_mean == pytest.approx(0, abs=1e-12), "a tangent at the texts' mean"
        expected.append(unit(basis @ carried))
    np.testing.assert_allclose(CLAY(k).fit(TEXT).transform(IMAGES), expected, atol=1e-5)


def test_clay_where_texts_and_images_have_the_same_mean():
    out = CLAY(5).fit(TEXT).transform(TEXT)
    mean = unit(TEXT64.sum(axis=0))
    tangents = np.array([tangent(mean, text) for text in TEXT64])
    np.testing.assert_allclose(out, unit(tangents @ eigenvectors(tangents, 5).T), atol=1e-5)


@pytest.mark.parametrize("images", [IMAGES[:1], np.outer([1, 3, 7, 0.1], IMAGES[0])])
def test_clay_finds_nothing_in_images_that_do_not_differ(images):
    """Of equal ones the mean leaves rounding, which must not be scaled to vectors."""
    out = CLAY(5).fit(TEXT).transform(images)
    np.testing.assert_array_equal(out, np.zeros((len(images), 5)))


def test_the_parts_of_clay():
    mean = mean_direction(TEXT64)
    tangents = log_map(mean, TEXT64)
    np.testing.assert_allclose(tangents, [tangent(mean, text) for text in TEXT64], atol=1e-12)
    np.testing.assert_array_equal(log_map(np.eye(3)[0], np.eye(3)[:1]), [[0, 0, 0]])
    one, other = unit(vectors(2).astype(np.float64))
    swapped = reflect(np.array([one, other]), one, other)
    np.testing.assert_allclose(swapped, [other, one], atol=1e-12)
    np.testing.assert_array_equal(reflect(TEXT64, one, one), TEXT64)
    assert mean_direction(np.array([one, -one])) is None


def test_indirect_svd_starts_from_the_text_subspace():
    """The loss of the first iteration, equations 2 to 4 written out for that basis."""
    U = TextSubspace(5).fit(TEXT).components_.T.astype(np.float64)
    angles = []
    for text in TEXT64:
        back = unit(unit(text @ U) @ U.T)
        angles.append(np.arccos(text @ back))
    first = InDiReCTSVD(5, max_iter=1).fit(TEXT)
    assert first.loss_ == pytest.approx(np.mean(angles), rel=1e-5)
    np.testing.assert_allclose(first.U_, U, atol=1e-6)
    expected = unit(IMAGES64 @ InDiReCTSVD(5, max_iter=30).fit(TEXT).U_)
    out = InDiReCTSVD(5, max_iter=30).fit(TEXT).transform(IMAGES)
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_indirect_svd_ends_below_its_start_and_no_worse_than_indirect():
    start, end = (InDiReCTSVD(5, max_iter=n).fit(TEXT).loss_ for n in (1, 20_000))
    assert end < start
    assert end <= InDiReCT(5).fit(TEXT).loss_ * 1.01


@pytest.fixture(scope="module")
def demo_colors():
    """The demo's prompts of a colour, as its CLIP embeds them."""
    root = Path(__file__).parents[1] / "resources"
    clip = load_clip(*(str(root / f"demo_clip/demo-S.{end}") for end in ("json", "safetensors")))
    prompts = make_prompts("a {aspect} car", str(root / "prompts/css21_colors.txt"))
    return embed_prompts(clip, prompts["prompt"].tolist())


def test_indirect_svd_needs_fewer_iterations_than_indirect_on_the_demos_prompts(demo_colors):
    from_svd, from_noise = InDiReCTSVD().fit(demo_colors), InDiReCT().fit(demo_colors)
    assert from_svd.n_iter_ < from_noise.n_iter_
    assert from_svd.loss_ < InDiReCTSVD(max_iter=1).fit(demo_colors).loss_ / 10
    assert from_svd.U_.shape[1] == 16, "seventeen prompts differ in sixteen directions"


def test_indirect_svd_has_nothing_to_learn_where_it_can_carry_all_prompts_back():
    """Centred, so that what the differences span is all that the prompts span."""
    text = TEXT64 - TEXT64.mean(axis=0)
    ready = InDiReCTSVD(R).fit(text)
    assert ready.loss_ < 1e-2
    assert ready.n_iter_ == 101
    start = TextSubspace(R).fit(text)
    np.testing.assert_array_equal(ready.transform(IMAGES), start.transform(IMAGES))


# --- Few, equal and many prompts


@pytest.mark.parametrize("cls", SUBSPACES)
@pytest.mark.parametrize(
    ("text", "rank"),
    [
        (TEXT, 11),
        (TEXT[:2], 1),
        (np.repeat(TEXT[:4], 5, axis=0), 3),
        (TEXT[:, :4], 4),
    ],
    ids=["twelve", "two", "each five times", "four components"],
)
def test_there_are_no_more_dimensions_than_directions(cls, text, rank):
    rank -= cls is CLAY and rank == text.shape[1]  # a tangent space has one dimension less
    estimator = cls(100, **({"max_iter": 20} if cls is InDiReCTSVD else {})).fit(text)
    out = estimator.transform(IMAGES[:, : text.shape[1]])
    assert out.shape == (len(IMAGES), rank)
    assert np.isfinite(out).all()
    assert estimator.get_params()["dim"] == 100


@pytest.mark.parametrize("cls", SUBSPACES)
@pytest.mark.parametrize("n", [1, 2, 3, 17, 171])
def test_prompts_that_do_not_differ(cls, n):
    # Of one text that was embedded in several batches, values differ by rounding.
    noise = np.random.default_rng(0).choice([-1, 0, 1], (n, R)) * np.finfo(np.float32).eps
    for text in (np.repeat(TEXT[:1], n, axis=0), TEXT[:1] * (1 + noise.astype(np.float32))):
        with pytest.raises(CannotFitError, match="the prompts do not differ"):
            cls(5).fit(text)


def test_opposite_vectors_have_no_mean_direction():
    with pytest.raises(CannotFitError, match="no mean direction"):
        CLAY(5).fit([TEXT[0], -TEXT[0]])
    with pytest.raises(EmbeddingError, match="image_embeddings have no mean direction"):
        CLAY(5).fit(TEXT).transform([IMAGES[0], -IMAGES[0]])


def test_prompts_that_are_there_twice_are_as_probable_each():
    out = PromptPosterior().fit(TEXT[[0, 1, 0]]).transform(IMAGES)
    np.testing.assert_array_equal(out[:, 0], out[:, 2])


# --- The same anywhere


@pytest.mark.parametrize("cls", SUBSPACES)
def test_directions_have_one_sign_and_an_order(cls):
    estimator = cls(5, **({"max_iter": 1} if cls is InDiReCTSVD else {})).fit(TEXT)
    directions = estimator.U_.T if cls is InDiReCTSVD else estimator.components_
    np.testing.assert_allclose(directions @ directions.T, np.eye(5), atol=1e-6)
    for direction in directions:
        assert direction[np.abs(direction).argmax()] > 0
    reordered = cls(**estimator.get_params()).fit(TEXT[::-1])
    np.testing.assert_allclose(reordered.transform(IMAGES), estimator.transform(IMAGES), atol=1e-4)


def test_principal_directions_are_sorted_by_variance():
    rows = np.diag([1.0, -3.0, 2.0])
    np.testing.assert_array_equal(principal_directions(rows, 3), np.eye(3)[[1, 2, 0]])
    np.testing.assert_array_equal(principal_directions(rows, 1), np.eye(3)[[1]])


@pytest.mark.parametrize("cls", SUBSPACES)
def test_results_do_not_depend_on_the_threads(cls, monkeypatch):
    text, seen = vectors(300, 256), []
    decompose = np.linalg.svd

    def svd(*arguments, **options):
        seen.append({pool["num_threads"] for pool in threadpool_info()
                     if pool["user_api"] == "blas"})  # fmt: skip
        return decompose(*arguments, **options)

    monkeypatch.setattr(np.linalg, "svd", svd)
    params = {"max_iter": 10} if cls is InDiReCTSVD else {}
    results, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with threadpool_limits(threads, user_api="blas"):
                results.append(cls(64, **params).fit(text))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert seen == [{1}, {1}]
    for name, value in learned_of(results[0]).items():
        np.testing.assert_array_equal(value, getattr(results[1], name))


@pytest.mark.parametrize("cls", [*SUBSPACES, PromptPosterior])
def test_seeds_are_without_effect(cls):
    params = {"max_iter": 10} if cls is InDiReCTSVD else {}
    assert_same(cls(random_state=1, **params).fit(TEXT), cls(random_state=2, **params).fit(TEXT))
