"""Methods that are fitted to labelled images, alone or beside prompts, and who shows them these."""

import numpy as np
import pytest
from scipy.linalg import orth
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from lanzdml import LDA, ClassMeans, FewShotPosterior, SqrtPosterior
from lanzdml.config.config import parse_config
from lanzdml.embeddings.storage import labelled_images
from lanzdml.errors import CannotFitError
from lanzdml.methods.base import EmbeddingError
from lanzdml.methods.few_shot_posterior import _halves, _map_at_r
from lanzdml.metrics.scores import query_scores
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs
from lanzdml.transforms.fitting import fit_transforms
from lanzdml.transforms.storage import load_transform, read_metadata
from tests.test_documents import MINIMAL
from tests.test_fitting import TEXT, task, write_images, write_prompts

RNG = np.random.default_rng(0)
R, CLASSES, EACH = 20, 4, 8
CODES = np.repeat(np.arange(CLASSES), EACH)
PROMPTS = np.eye(R, dtype=np.float32)[:6] + 0.2


def images_of(codes, axes, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    return (axes[codes] + noise * rng.standard_normal((len(codes), R))).astype(np.float32)


IMAGES = images_of(CODES, np.eye(R)[10:])


def unit(vectors):
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def projector(rows):
    basis = orth(np.asarray(rows, np.float64).T)
    return basis @ basis.T


def test_lda_has_the_discriminants_of_scikit_learn():
    made = LDA(shrinkage=0.5).fit(IMAGES, CODES)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5).fit(unit(IMAGES), CODES)
    expected = projector(theirs.coef_ - theirs.coef_.mean(axis=0))
    np.testing.assert_allclose(projector(made.axes_), expected, atol=1e-4)
    # Whitened by the same covariance, but for its scale.
    covariance = made.axes_ @ theirs.covariance_ @ made.axes_.T
    np.testing.assert_allclose(covariance / covariance[0, 0], np.eye(CLASSES - 1), atol=1e-4)


def test_lda_of_one_image_a_class_is_the_span_of_the_class_means():
    some = np.arange(CLASSES) * EACH
    lda, means = (cls().fit(IMAGES[some], CODES[some]) for cls in (LDA, ClassMeans))
    np.testing.assert_allclose(lda.transform(IMAGES), means.transform(IMAGES), atol=1e-5)
    centres = unit(IMAGES)[some]
    expected = projector(centres - centres.mean(axis=0))
    np.testing.assert_allclose(projector(means.directions_), expected, atol=1e-5)


@pytest.mark.parametrize("cls", [LDA, ClassMeans, FewShotPosterior])
def test_class_means_that_do_not_differ_are_a_reason(cls):
    given = (PROMPTS,) if cls is FewShotPosterior else (IMAGES[[0] * 8], [0, 1] * 4)
    named = {"images": IMAGES[[0] * 8], "labels": [0, 1] * 4} if cls is FewShotPosterior else {}
    with pytest.raises(CannotFitError, match="the class means do not differ"):
        cls().fit(*given, **named)


class TestWordsAndLabels:
    def test_of_few_labels_the_words_alone_speak(self):
        some = np.flatnonzero(np.arange(len(CODES)) % EACH < 3)
        made = FewShotPosterior().fit(PROMPTS, images=IMAGES[some], labels=CODES[some])
        words = SqrtPosterior().fit(PROMPTS).transform(IMAGES)
        assert made.share_ == 0
        np.testing.assert_array_equal(made.transform(IMAGES)[:, : len(PROMPTS)], words)
        assert not made.transform(IMAGES)[:, len(PROMPTS) :].any()

    def test_labels_count_where_the_words_say_nothing_of_the_classes(self):
        made = FewShotPosterior().fit(PROMPTS, images=IMAGES, labels=CODES)
        assert made.share_ > 0.5
        assert made.weights_[1] > made.weights_[0]
        others = images_of(CODES, np.eye(R)[10:], seed=1)
        before, after = (
            np.nanmean(query_scores(each.transform(others), CODES)["map_at_r"])
            for each in (SqrtPosterior().fit(PROMPTS), made)
        )
        assert after > before + 0.3

    def test_labels_do_not_count_where_the_words_say_all(self):
        images = images_of(CODES, np.eye(R), noise=0.02)
        made = FewShotPosterior().fit(PROMPTS, images=images, labels=CODES)
        assert made.share_ == 0

    def test_labels_may_have_any_names(self):
        a, b = (FewShotPosterior().fit(PROMPTS, images=IMAGES, labels=labels).transform(IMAGES)
                for labels in (CODES, np.array([f"class {code}" for code in CODES])))  # fmt: skip
        np.testing.assert_array_equal(a, b)

    def test_vectors_have_length_one(self):
        made = FewShotPosterior().fit(PROMPTS, images=IMAGES, labels=CODES).transform(IMAGES)
        np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-6)

    @pytest.mark.parametrize(("named", "says"), [
        ({}, "FewShotPosterior requires images to be passed"),
        ({"images": IMAGES}, "FewShotPosterior requires labels to be passed"),
        ({"images": IMAGES, "labels": CODES[1:]}, r"labels must be one a row of images \(32\)"),
        ({"images": IMAGES[:, 1:], "labels": CODES}, "images have 19 features, but text_embe"),
    ])  # fmt: skip
    def test_what_is_missing_is_refused(self, named, says):
        with pytest.raises(EmbeddingError, match=says):
            FewShotPosterior().fit(PROMPTS, **named)

    def test_halves_split_each_class(self):
        codes = np.repeat([0, 1, 2], [4, 5, 1])
        for halves in _halves(codes, np.random.default_rng(0)):
            assert sorted(np.concatenate(halves)) == [*range(10)]
            one, other = (np.bincount(codes[half], minlength=3) for half in halves)
            assert np.abs(one - other).tolist() == [0, 1, 1]

    def test_its_precision_is_that_of_the_metrics(self):
        vectors, codes = RNG.normal(size=(20, 5)), RNG.integers(0, 4, 20)
        codes[0] = 9  # alone
        found = _map_at_r(unit(vectors) @ unit(vectors).T, codes)
        expected = query_scores(vectors, codes)["map_at_r"]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_fit_sees_the_prompts_and_the_labelled_images(tmp_path):
    source = write_images(tmp_path)
    one = task(tmp_path / "one.safetensors", "few_shot_posterior", None,
               prompts=write_prompts(tmp_path), **source)  # fmt: skip
    fit_transforms([one], kept=tmp_path / "kept")
    metadata = read_metadata(one.output)
    assert (metadata["n_prompts"], metadata["reason"]) == (str(len(TEXT)), "")
    images, labels, _ = labelled_images(source["images"], source["manifest"], source["labels"])
    scale = load_transform(one.output).logit_scale
    expected = FewShotPosterior(scale).fit(TEXT, images=images, labels=labels)
    for attribute in expected.learned:
        np.testing.assert_array_equal(
            getattr(load_transform(one.output), attribute), getattr(expected, attribute)
        )


def test_the_plan_gives_it_prompts_images_and_labels():
    plan = Plan(
        parse_config(MINIMAL | {"methods": ["clip", "oracle", "lda", "few_shot_posterior"]})
    )
    made = {each.method: each for job in fit_jobs(plan, str) for each in job.tasks}
    both, clip, oracle = (made[name] for name in ("few_shot_posterior", "clip", "oracle"))
    assert both.prompts == clip.prompts
    assert [both.images, both.manifest, both.labels] == [
        oracle.images, oracle.manifest, oracle.labels,
    ]  # fmt: skip
    assert made["lda"].prompts is None
