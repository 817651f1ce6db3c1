"""Methods that see a collection without labels, beside plain references, and who shows it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.optimize import nnls

from lanzdml.config.config import parse_config
from lanzdml.embeddings.storage import WEIGHTS, read_embeddings, write_embeddings
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.methods.base import EmbeddingError
from lanzdml.metrics.scores import compute_metrics
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs
from lanzdml.transforms.fitting import fit_transforms
from lanzdml.transforms.storage import load_transform, read_metadata
from tests.test_documents import MINIMAL
from tests.test_fitting import TEXT, task, write_images, write_prompts

RNG = np.random.default_rng(0)
R = 16
COLLECTION = RNG.normal(1, 1, (60, R)).astype(np.float32)
OWN = RNG.normal(1, 1, (7, R)).astype(np.float32)
VECTORS = RNG.normal(1, 1, (20, R)).astype(np.float32)
SEEING = [name for name in METHODS if METHODS[name].sees_images]


def unit(vectors):
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cosines(vectors):
    return unit(vectors) @ unit(vectors).T


def text_lda(own, images, vectors, shrinkage):
    texts, about = unit(own) - unit(own).mean(axis=0), unit(images) - unit(images).mean(axis=0)
    nearest = np.argmax(unit(about) @ unit(texts).T, axis=1)
    within = np.zeros((R, R))
    for group in np.unique(nearest):
        members = about[nearest == group]
        within += (members - members.mean(axis=0)).T @ (members - members.mean(axis=0))
    within /= len(images)
    identity = np.trace(within) / R * np.eye(R)
    white = np.linalg.inv(sqrtm((1 - shrinkage) * within + shrinkage * identity))
    _, values, axes = np.linalg.svd(texts @ white, full_matrices=False)
    return (unit(vectors) - unit(images).mean(axis=0)) @ white @ axes[values > 1e-6].T


@pytest.mark.parametrize("shrinkage", [0.1, 0.6, 1])
def test_text_lda_is_that_of_a_plain_reference(shrinkage):
    made = METHODS["text_lda"](shrinkage=shrinkage).fit(OWN, images=COLLECTION).transform(VECTORS)
    expected = text_lda(OWN, COLLECTION, VECTORS, shrinkage)
    np.testing.assert_allclose(cosines(made), cosines(expected), atol=2e-5)


def splice(own, images, vectors, penalty):
    """As least squares: |w A - (v T' - l) A'^-1|^2 but for a constant, with A A' = T T'."""
    texts = unit(unit(own) - unit(own).mean(axis=0))
    about = unit(unit(vectors) - unit(images).mean(axis=0))
    root = np.linalg.cholesky(texts @ texts.T + 1e-12 * np.eye(len(texts)))
    codes = [nnls(root.T, np.linalg.solve(root, texts @ v - penalty))[0] for v in about]
    return unit(codes)


def test_splice_is_that_of_a_plain_reference():
    for penalty in (0.02, 0.1):
        made = METHODS["splice"](penalty=penalty).fit(OWN, images=COLLECTION).transform(VECTORS)
        np.testing.assert_allclose(made, splice(OWN, COLLECTION, VECTORS, penalty), atol=2e-3)
        assert (made >= 0).all()


def test_an_image_without_any_prompt_has_zeros():
    seen = METHODS["splice"](penalty=0.9).fit(OWN, images=COLLECTION)
    assert not seen.transform(VECTORS).any()


def test_what_varies_inside_an_aspect_is_made_small():
    """Images of two factors, one of which no prompt names, along an axis that prompts lean to."""
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(R, 10)))[0].T
    a = rng.integers(0, 4, 300)
    loud = rng.normal(size=(300, 1)) * axes[8]
    images = axes[9] + axes[a] + 2 * loud + 0.1 * rng.normal(size=(300, R))
    texts = 3 * axes[9] + axes[:4] + 0.4 * np.array([[1], [-1], [1], [-1]]) * axes[8]
    plain = METHODS["text_subspace"]().fit(texts).transform(images)
    seen = METHODS["text_lda"](shrinkage=0.05).fit(texts, images=images).transform(images)
    before, after = (compute_metrics(vectors, a)["map_at_r"] for vectors in (plain, seen))
    assert before < 0.75
    assert after > before + 0.15


@pytest.mark.parametrize("name", SEEING)
class TestSeeing:
    def test_follows_from_what_it_needs(self, name):
        assert not METHODS[name].supervised
        assert not METHODS[name].transductive

    def test_nothing_is_refused(self, name):
        with pytest.raises(EmbeddingError, match="requires images to be passed: embeddings of the"):
            METHODS[name]().fit(OWN)

    def test_images_of_another_model_are_refused(self, name):
        with pytest.raises(EmbeddingError, match="images have 15 features, but text_embeddings"):
            METHODS[name]().fit(OWN, images=COLLECTION[:, 1:])

    def test_images_that_cannot_be_used_are_refused(self, name):
        with pytest.raises(EmbeddingError, match="images must have a direction; row 2 is all zer"):
            METHODS[name]().fit(OWN, images=COLLECTION * (np.arange(60) != 2)[:, None])

    def test_images_or_prompts_that_do_not_differ_are_a_reason(self, name):
        with pytest.raises(CannotFitError, match="the images do not differ"):
            METHODS[name]().fit(OWN, images=COLLECTION[[0] * 5])
        with pytest.raises(CannotFitError, match="the prompts do not differ"):
            METHODS[name]().fit(OWN[[0] * 5], images=COLLECTION)

    def test_blocks_change_nothing(self, name, monkeypatch):
        expected = METHODS[name]().fit(OWN, images=COLLECTION).transform(VECTORS)
        monkeypatch.setattr("lanzdml.methods.collection._BLOCK", 7)
        made = METHODS[name]().fit(OWN, images=COLLECTION).transform(VECTORS)
        np.testing.assert_allclose(made, expected, atol=1e-5)

    def test_a_fit_sees_all_images_labelled_or_not(self, name, tmp_path):
        images = Path(write_images(tmp_path)["images"])
        one = task(tmp_path / "one.safetensors", name, 4, prompts=write_prompts(tmp_path),
                   images=str(images))  # fmt: skip
        fit_transforms([one], kept=tmp_path / "kept")
        assert read_metadata(one.output)["n_prompts"] == str(len(TEXT))
        given = {"dim": 4} if METHODS[name].has_dim else {}
        every = read_embeddings(images)[1]
        expected = METHODS[name](**given).fit(TEXT, images=every)
        for attribute in expected.learned:
            np.testing.assert_array_equal(
                getattr(load_transform(one.output), attribute), getattr(expected, attribute)
            )

    def test_images_of_other_weights_are_refused(self, name, tmp_path):
        images = Path(write_images(tmp_path)["images"])
        rows, vectors, metadata = read_embeddings(images)
        write_embeddings(images, rows, vectors, metadata | {WEIGHTS: "others"})
        one = task(tmp_path / "one.safetensors", name, 4, prompts=write_prompts(tmp_path),
                   images=str(images))  # fmt: skip
        with pytest.raises(LanzdmlError, match="was made with other weights than"):
            fit_transforms([one], kept=tmp_path / "kept")

    def test_other_images_are_another_fit(self, name, tmp_path):
        images = Path(write_images(tmp_path)["images"])
        prompts = write_prompts(tmp_path)
        one, two = (task(tmp_path / f"{n}.safetensors", name, 4, prompts=prompts,
                         images=str(images)) for n in range(2))  # fmt: skip
        fit_transforms([one], kept=tmp_path / "kept")
        rows, vectors, metadata = read_embeddings(images)
        write_embeddings(images, rows, vectors[::-1] + 1, metadata)
        fit_transforms([two], kept=tmp_path / "kept")
        a, b = (load_transform(each.output).mean_ for each in (one, two))
        assert not np.allclose(a, b)

    def test_the_plan_gives_it_images_and_no_labels(self, name):
        plan = Plan(parse_config(MINIMAL | {"methods": ["clip", "oracle", name]}))
        made = [each for job in fit_jobs(plan, str) for each in job.tasks]
        tasks = {each.method: each for each in made if not each.parts}
        seeing, oracle = tasks[name], tasks["oracle"]
        assert seeing.images == oracle.images
        assert seeing.prompts
        assert (seeing.manifest, seeing.labels, oracle.prompts) == (None, None, None)
        assert oracle.labels
        assert tasks["clip"].images is None


def test_tables_say_who_sees_the_collection():
    from lanzdml.tables.beyond import _SEES

    assert {trait: [n for n in METHODS if getattr(METHODS[n], trait)] for trait in _SEES} == {
        "transductive": ["clay"], "sees_images": ["text_lda", "splice"],
    }  # fmt: skip
