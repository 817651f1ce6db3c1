"""Notions that combine others: their labels, their prompts, and what is stacked for them."""

import json
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from lanzdml import PCA, InDiReCT, LinearAutoencoder
from lanzdml.datasets.labels import read_all_labels, read_labels
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import (
    WEIGHTS,
    combine_prompts,
    labelled_images,
    read_embeddings,
    write_embeddings,
)
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.tables.overview import Notion, describe
from lanzdml.transforms import storage as transforms
from lanzdml.transforms.stacked import Stacked
from lanzdml.transforms.stacking import stack
from lanzdml.transforms.storage import (
    FITTED_WITH,
    load_transform,
    read_metadata,
    save_not_fitted,
    save_transform,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
TEXTS = {name: RNG.standard_normal((12, 6)).astype(np.float32) for name in ("shape", "color")}
IMAGES = RNG.standard_normal((40, 6)).astype(np.float32)
MADE_BY = {WEIGHTS: "those"}
NAMES = list(TEXTS)


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.parquet"
    rows = {"image_id": list("abcd"), "shape": ["round", "round", None, "flat"],
            "color": ["red", None, "red", "blue"]}  # fmt: skip
    pd.DataFrame(rows).to_parquet(path)
    return path


def test_labels_are_joined_where_an_image_has_all(manifest):
    labels = read_labels(manifest, NAMES)
    assert labels.dropna().to_dict() == {0: "round + red", 3: "flat + blue"}
    both = read_all_labels(manifest, {"pair": NAMES, "color": "color", "none": ["color", "mood"]})
    assert both["pair"].equals(labels.rename("pair"))
    assert both["color"].tolist()[0] == "red"
    assert both["none"].isna().all(), "there is no such column"


@pytest.mark.parametrize("collides", [True, False])
def test_labels_that_collide_when_joined_are_refused(tmp_path, collides):
    path = tmp_path / "manifest.parquet"
    colors = ["red", "lid + red" if collides else "lid + blue"]
    rows = {"image_id": ["a", "b"], "shape": ["round + lid", "round"], "color": colors}
    pd.DataFrame(rows).to_parquet(path)
    if collides:
        with pytest.raises(LanzdmlError, match=r"labels of shape \+ color hold ' \+ ' themselves"):
            read_labels(path, NAMES)
    else:
        assert read_labels(path, NAMES).nunique() == 2
    assert read_labels(path, "shape").nunique() == 2


def test_only_images_with_all_labels_are_scored(manifest, tmp_path):
    rows = pd.read_parquet(manifest).assign(path=list("abcd"))
    write_manifest(manifest, rows, NAMES, "mine")
    metadata = {FINGERPRINT: fingerprint(rows)}
    write_embeddings(tmp_path / "images.parquet", rows[["image_id"]], IMAGES[:4], metadata)
    images, labels, _ = labelled_images(tmp_path / "images.parquet", manifest, NAMES)
    np.testing.assert_array_equal(images, IMAGES[[0, 3]])
    assert labels.tolist() == ["round + red", "flat + blue"]
    with pytest.raises(LanzdmlError, match=r"have no label for color \+ mood"):
        labelled_images(tmp_path / "images.parquet", manifest, ["color", "mood"])


def write_prompts(folder, weights="those"):
    """Prompts of both notions, of which one is the same."""
    files = []
    for name, texts in TEXTS.items():
        aspects = ["plain", "round" if name == "shape" else "RED"]
        rows = pd.DataFrame({"prompt": [f"a {aspect} one" for aspect in aspects]})
        files.append(folder / f"{name}.parquet")
        metadata = MADE_BY | ({WEIGHTS: weights} if name == "color" else {})
        write_embeddings(files[-1], rows.assign(aspect=aspects), texts[:2], metadata)
    return files


def test_prompts_are_those_of_the_parts_once(tmp_path):
    output = tmp_path / "pair.parquet"
    combine_prompts(write_prompts(tmp_path), output)
    rows, embeddings, metadata = read_embeddings(output)
    assert rows["prompt"].tolist() == ["a plain one", "a round one", "a RED one"]
    expected = [TEXTS["shape"][0], TEXTS["shape"][1], TEXTS["color"][1]]
    np.testing.assert_array_equal(embeddings, expected)
    assert metadata == MADE_BY


def test_prompts_of_other_weights_are_refused(tmp_path):
    with pytest.raises(LanzdmlError, match=r"color.parquet was made with other weights than"):
        combine_prompts(write_prompts(tmp_path, "others"), tmp_path / "pair.parquet")
    assert not (tmp_path / "pair.parquet").exists()


def test_a_class_is_named_where_each_part_is_among_its_own_aspects(manifest, tmp_path):
    """A shape that is called as a color is, is no aspect of shapes."""
    rows = pd.read_parquet(manifest).assign(shape=["round", "plain", "red", "plain"])
    rows.assign(color=["red", "plain", "red", "blue"]).to_parquet(manifest)
    files = write_prompts(tmp_path)
    combine_prompts(files, tmp_path / "pair.parquet")
    notions = [
        Notion("mine", "pair", "both", NAMES, manifest, tmp_path / "pair.parquet", NAMES),
        *(Notion("mine", name, "a {aspect} one", name, manifest, file)
          for name, file in zip(NAMES, files, strict=True)),
    ]  # fmt: skip
    row = describe(notions).iloc[0]
    found = row[["n_labelled", "n_classes", "n_prompts", "n_named"]].tolist()
    assert found == [4, 4, 3, 2], "round + red and plain + plain"


def fitted(method, **params):
    """A method fitted to each part."""
    named = {"images": IMAGES} if METHODS[method].sees_images else {}
    return [METHODS[method](random_state=3, **params).fit(t, **named) for t in TEXTS.values()]


def stack_files(files, output, weights=(1, 1)):
    """Stack what was learned for each part."""
    stack([*zip(NAMES, map(str, files), weights, strict=True)], output)


def stacked(folder, estimators, weights=(1, 1), **metadata):
    """The file of the stacked parts."""
    files = [folder / f"{name}.safetensors" for name in NAMES]
    for path, estimator in zip(files, estimators, strict=True):
        save_transform(path, estimator, **(MADE_BY | {"n_prompts": 12} | metadata))
    output = folder / "stacked.safetensors"
    stack_files(files, output, weights)
    return output


def cosines(vectors):
    """(n, n) in float64."""
    vectors = np.asarray(vectors, np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("method", [name for name in METHODS if not METHODS[name].supervised])
def test_the_cosine_is_the_weighted_mean_of_the_parts(method, tmp_path):
    params = {"dim": 4} if METHODS[method].has_dim else {}
    if method in ("indirect", "lae", "ae"):
        params["max_iter"] = 5
    parts = fitted(method, **params)
    vectors = load_transform(stacked(tmp_path, parts, (3, 1))).transform(IMAGES)
    own = [part.transform(IMAGES) for part in parts]
    assert vectors.dtype == np.float32
    assert vectors.shape == (40, sum(part.shape[1] for part in own))
    expected = 0.75 * cosines(own[0]) + 0.25 * cosines(own[1])
    np.testing.assert_allclose(cosines(vectors), expected, atol=3e-7)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_images_reach_the_parts_as_the_protocol_has_them(tmp_path):
    """The autoencoder does not scale its output, and is not linear in the images' length."""
    parts = [METHODS["ae"](2, max_iter=5, random_state=3).fit(texts) for texts in TEXTS.values()]
    both = load_transform(stacked(tmp_path, parts))
    raw = both.transform(9 * IMAGES, unit_images=False)
    own = [cosines(part.transform(9 * IMAGES, unit_images=False)) for part in parts]
    np.testing.assert_allclose(cosines(raw), np.mean(own, axis=0), atol=3e-7)
    assert not np.allclose(raw, both.transform(9 * IMAGES), atol=1e-3)


def test_metadata_describe_the_stack(tmp_path):
    parts = fitted("lae", dim=2, max_iter=5)
    metadata = read_metadata(stacked(tmp_path, parts, (2, 1)))
    assert json.loads(metadata.pop("params")) == parts[0].get_params()
    assert metadata == {
        "method": "lae", "seed": "3", "status": "ok", "reason": "", "n_features": "6",
        "parts": '["shape", "color"]', "weights": "[2, 1]", "n_prompts": "24", "iterations": "10",
        "fit_seconds": str(parts[0].fit_seconds_ + parts[1].fit_seconds_), **MADE_BY,
        **{package: version(package) for package in FITTED_WITH},
    }  # fmt: skip


def test_a_stack_says_what_its_parts_were_told_against(tmp_path):
    files = [tmp_path / f"{name}.safetensors" for name in NAMES]
    for file, told in zip(files, ("size", "size, shape"), strict=True):
        save_not_fitted(file, METHODS["null_space"](2), "too few", against=told)
    stack_files(files, tmp_path / "stack.safetensors")
    told = read_metadata(tmp_path / "stack.safetensors")["against"]
    assert told == "shape: size; color: size, shape"


def test_a_stack_has_the_versions_of_all_its_parts(tmp_path, monkeypatch):
    files = [tmp_path / f"{name}.safetensors" for name in NAMES]
    for file, torch in zip(files, ("2.0", "1.9"), strict=True):
        versions = dict.fromkeys(FITTED_WITH, "3") | {"torch": torch}
        monkeypatch.setattr(transforms, "version", versions.get)
        save_not_fitted(file, METHODS["pca"](2), "too few")
    stack_files(files, tmp_path / "stack.safetensors")
    metadata = read_metadata(tmp_path / "stack.safetensors")
    assert (metadata["numpy"], metadata["torch"]) == ("3", "1.9, 2.0")


def test_each_seed_has_a_stack_of_its_own(tmp_path):
    for seed in (1, 2):
        files = [tmp_path / f"{name}-{seed}.safetensors" for name in NAMES]
        for path, texts in zip(files, TEXTS.values(), strict=True):
            save_transform(path, METHODS["random_transform"](2, random_state=seed).fit(texts))
        stack_files(files, tmp_path / "stack.safetensors")
        assert read_metadata(tmp_path / "stack.safetensors")["seed"] == str(seed)


def test_parts_of_different_seeds_are_refused(tmp_path):
    files = [tmp_path / f"{name}.safetensors" for name in NAMES]
    for seed, (path, texts) in enumerate(zip(files, TEXTS.values(), strict=True)):
        save_transform(path, METHODS["random_transform"](2, random_state=seed).fit(texts))
    with pytest.raises(LanzdmlError, match=r"color\.safetensors has another params than"):
        stack_files(files, tmp_path / "stack.safetensors")
    assert not (tmp_path / "stack.safetensors").exists()


def test_what_one_part_cannot_the_whole_cannot(tmp_path):
    files = [tmp_path / f"{name}.safetensors" for name in NAMES]
    save_transform(files[0], PCA(4).fit(TEXTS["shape"]), n_prompts=12, **MADE_BY)
    save_not_fitted(files[1], PCA(4), "too few prompts", n_prompts=3, **MADE_BY)
    output = tmp_path / "stacked.safetensors"
    stack_files(files, output)
    with pytest.raises(CannotFitError, match=r"^color: too few prompts$"):
        load_transform(output)
    metadata = read_metadata(output)
    assert (metadata["status"], metadata["n_prompts"]) == ("not_fitted", "15")
    assert load_file(output) == {}


@pytest.mark.parametrize(
    ("other", "metadata", "message"),
    [
        (LinearAutoencoder(2, max_iter=5, random_state=3), MADE_BY, "another method than"),
        (InDiReCT(3, max_iter=5, random_state=3), MADE_BY, "another params than"),
        (InDiReCT(2, max_iter=5, random_state=3), {WEIGHTS: "others"}, f"another {WEIGHTS} than"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path, other, metadata, message):
    files = [tmp_path / f"{name}.safetensors" for name in NAMES]
    first = InDiReCT(2, max_iter=5, random_state=3).fit(TEXTS["shape"])
    save_transform(files[0], first, **MADE_BY)
    save_transform(files[1], other.fit(TEXTS["color"]), **metadata)
    with pytest.raises(LanzdmlError, match=message):
        stack_files(files, tmp_path / "stacked.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"weights": "[1]"}, {"weights": "[1, -1]"}, {"weights": '["a", "b"]'}, {"weights": "1"},
        {"weights": "[1, NaN]"}, {"weights": None}, {"parts": "2"}, {"parts": "["},
        {"parts": '["shape"]'}, {"parts": "[1, 2, 3]"}, {"method": "indirct"}, {"params": "[]"},
        {"n_features": None}, {"tensors": {}}, {"tensors": {"shape.U_": IMAGES}},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_stack_is_one_line(tmp_path, change):
    path = stacked(tmp_path, fitted("indirect", dim=2, max_iter=5))
    metadata = {key: value for key, value in (read_metadata(path) | change).items()
                if value is not None and key != "tensors"}  # fmt: skip
    save_file(change.get("tensors", load_file(path)), path, metadata)
    with pytest.raises(LanzdmlError, match="does not fit this version") as raised:
        load_transform(path)
    assert "\n" not in str(raised.value)


class Part:
    def __init__(self, vectors):
        self.vectors = vectors

    def transform(self, images, *, unit_images):
        return self.vectors


def test_a_part_that_makes_zeros_of_an_image_leaves_it_to_the_others():
    own = IMAGES[:, :2].copy()
    own[3] = 0
    vectors = Stacked(NAMES, [fitted("clip")[0], Part(own)], [3, 1]).transform(IMAGES)
    assert not vectors[3, 6:].any()
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths[3] == pytest.approx(0.75**0.5)
    np.testing.assert_allclose(np.delete(lengths, 3), 1, atol=1e-6)
    # Beside others its products are the weighted means, 0 being the cosine of the part.
    expected = 0.75 * cosines(IMAGES)[3]
    np.testing.assert_allclose(
        np.delete(vectors @ vectors[3], 3), np.delete(expected, 3), atol=1e-6
    )


def test_a_part_whose_vectors_are_not_finite_is_named():
    parts = [fitted("clip")[0], Part(np.full((len(IMAGES), 2), np.nan))]
    with pytest.raises(LanzdmlError, match=r"^vectors of color must be finite; row 0 has NaN"):
        Stacked(NAMES, parts, [1, 1]).transform(IMAGES)
