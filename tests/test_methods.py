"""Methods: a contract that holds for every registered one, and each against plain references.

A newly registered method is tested by the first part as it stands.
"""

import json
import subprocess
import sys
import textwrap
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from torch import nn

import lanzdml
from lanzdml import (
    CLIP,
    PCA,
    Autoencoder,
    InDiReCT,
    LinearAutoencoder,
    Oracle,
    Random,
    RandomTransform,
)
from lanzdml.arithmetic.products import (
    faster_linear,
    onednn_is_faster,
    onednn_linear,
    processor_vendor,
    product,
)
from lanzdml.arithmetic.threads import one_torch_thread
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.methods import METHODS, PAPER_METHODS
from lanzdml.methods.base import EmbeddingError, normalise
from lanzdml.methods.indirect import arccos, mean_angle
from lanzdml.methods.initial import gaussian, linear_layer
from lanzdml.methods.needs import PROMPTS
from lanzdml.methods.optimise import minimise
from lanzdml.methods.oracle import normalized_softmax
from lanzdml.methods.reconstruction import squared_error
from lanzdml.transforms.contract import CHECKS, broken
from lanzdml.transforms.storage import load_transform, save_transform
from tests.fits import fit_to


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other slow down small tensors a thousandfold on a busy machine."""
    with one_torch_thread():
        yield


# Fits are cut short where only their form is tested.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {"dim": 5, "hidden": 16, "max_iter": 40}
R = 24


def vectors(n, r=R, seed=0):
    """Vectors around a common direction, as CLIP's are, of uneven length."""
    rng = np.random.default_rng(seed)
    around = rng.standard_normal(r) + rng.standard_normal((n, r))
    return (around * rng.uniform(0.5, 2, (n, 1))).astype(np.float32)


TEXT, IMAGES = vectors(12, seed=1), vectors(30, seed=2)
LABELS = np.array(["red", "green", "blue"])[np.arange(30) % 3]


def make(cls, **params):
    """A small estimator; values that the method has no parameter for are left out."""
    wanted = SMALL | params
    return cls(**{name: wanted[name] for name in cls().get_params() if name in wanted})


def fit(estimator, text=TEXT, images=IMAGES, labels=LABELS):
    """Fit an estimator to what it needs of some data."""
    return fit_to(estimator, text, images, labels)


def fitted(cls, **params):
    return fit(make(cls, **params))


def learned_of(estimator):
    return {name: getattr(estimator, name) for name in estimator.learned}


def assert_same(one, other):
    """Bit for bit the same fit."""
    for name, value in learned_of(one).items():
        np.testing.assert_array_equal(value, getattr(other, name))
    for name in ("loss_", "n_iter_"):
        assert getattr(one, name, None) == getattr(other, name, None)
    np.testing.assert_array_equal(one.transform(IMAGES), other.transform(IMAGES))


@pytest.fixture(params=list(METHODS))
def cls(request):
    return METHODS[request.param]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check, cls):
    """What every method promises, of whomever it is; tests/test_contract.py breaks each promise."""
    assert not broken(check, cls)


class TestOurs:
    """What holds for ours beside the contract."""

    def test_is_registered_under_its_name(self, cls):
        assert METHODS[cls.name] is cls
        assert getattr(lanzdml, cls.__name__) is cls
        assert cls.__name__ in dir(lanzdml)
        assert METHODS.module(cls.name) == cls.__module__

    def test_shape_and_type(self, cls):
        estimator = fitted(cls)
        out = estimator.transform(IMAGES)
        if cls.has_dim:
            # Fewer labels have fewer dimensions between them.
            assert out.shape[1] == (2 if cls in (lanzdml.LDA, lanzdml.ClassMeans) else SMALL["dim"])
        elif "prompts_" not in cls.learned:  # which have a component a prompt
            assert out.shape[1] == R
        for array in learned_of(estimator).values():
            assert array.dtype == np.float32

    def test_who_uses_a_transductive_one_is_told(self, cls):
        assert ("transductive" in cls.__doc__) == cls.transductive

    def test_stored_and_loaded_is_the_same(self, cls, tmp_path):
        estimator = fitted(cls, random_state=3)
        save_transform(tmp_path / "seed-3.safetensors", estimator)
        loaded = load_transform(tmp_path / "seed-3.safetensors")
        assert type(loaded) is cls
        assert loaded.get_params() == estimator.get_params()
        assert_same(loaded, estimator)

    def test_unusable_parameters(self, cls):
        unusable = {
            "patience": [0],
            "max_iter": [0],
            "hidden": [0],
            "learning_rate": [0, -1],
            "weight_decay": [-1],
        }
        for name in unusable.keys() & cls().get_params().keys():
            for value in unusable[name]:
                with pytest.raises(EmbeddingError, match=name):
                    fit(make(cls).set_params(**{name: value}))

    def test_transforms_without_torch(self, cls, without_torch):
        """Starting torch takes seconds, more than all else in a job that only transforms."""
        out, loaded_torch = without_torch[cls.name]
        np.testing.assert_array_equal(out, fitted(cls).transform(IMAGES))
        assert not loaded_torch


@pytest.mark.parametrize("cls", [CLIP, Oracle])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[0], r"shape is \(24,\)"),
        (lambda x: x[None], r"shape is \(1, .*24\)"),
        (lambda x: x[:0], r"0 sample\(s\) \(shape=\(0, 24\)\)"),
        (lambda x: x[:, :0], r"0 feature\(s\) \(shape=\(\d+, 0\)\)"),
        (lambda x: np.where(np.arange(len(x))[:, None] == 4, np.nan, x), "row 4 has NaN"),
        (
            lambda x: np.where(np.arange(len(x))[:, None] == 4, 1e300, x.astype(float)),
            "row 4 has .*infinite",
        ),
        (lambda x: np.where(np.arange(len(x))[:, None] == 4, 0, x), "row 4 is all zeros"),
        (lambda x: x.astype(str), "matrix of numbers"),
        (lambda x: [[1.0, 2.0], [3.0]] * (len(x) // 2), "matrix of numbers"),
    ],
)
def test_words_for_unusable_embeddings(cls, spoil, message):
    with pytest.raises(EmbeddingError, match=message) as error:
        fit(make(cls), spoil(TEXT), spoil(IMAGES))
    assert ("text_embeddings" if PROMPTS in cls.needs else "image_embeddings") in str(error.value)
    with pytest.raises(EmbeddingError, match=f"image_embeddings.*{message}"):
        fitted(cls).transform(spoil(IMAGES))


def test_words_for_images_of_another_size():
    with pytest.raises(EmbeddingError, match=r"\b9 features.*\b24 features"):
        fitted(CLIP).transform(IMAGES[:, :9])


@pytest.mark.parametrize("made", [IMAGES[1:], np.repeat(IMAGES, 2, axis=0), IMAGES[:, 0]])
def test_another_number_of_vectors_is_refused(made, monkeypatch):
    monkeypatch.setattr(CLIP, "_transform", lambda self, images: made)
    with pytest.raises(EmbeddingError, match="vectors of clip must be a row for each of the 30 im"):
        fitted(CLIP).transform(IMAGES)


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory):
    """Each method stored here, then loaded, stored and used in one process that has no torch yet.

    Name to image vectors, and whether torch was loaded by then.
    """
    folder = tmp_path_factory.mktemp("transforms")
    np.save(folder / "images.npy", IMAGES)
    for cls in METHODS.values():
        save_transform(folder / cls.name, fitted(cls))
    run_python(f"""
        import json, sys, numpy as np
        from pathlib import Path
        from lanzdml.transforms.storage import load_transform, save_transform
        folder, loaded = Path({str(folder)!r}), {{}}
        for name in {list(METHODS)}:
            estimator = load_transform(folder / name)
            np.save(folder / name, estimator.transform(np.load(folder / "images.npy")))
            save_transform(folder / name, estimator)
            loaded[name] = "torch" in sys.modules
        (folder / "loaded.json").write_text(json.dumps(loaded))
    """)
    loaded = json.loads((folder / "loaded.json").read_text())
    return {name: (np.load(folder / f"{name}.npy"), loaded[name]) for name in METHODS}


def run_python(code):
    """Run code in a new interpreter."""
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


class TestRegistry:
    def test_order_is_that_of_the_paper(self):
        assert tuple(METHODS)[: len(PAPER_METHODS)] == PAPER_METHODS

    def test_traits_of_the_papers_methods(self):
        def those(trait):
            return [name for name in PAPER_METHODS if getattr(METHODS[name], trait)]

        assert those("supervised") == ["oracle"]
        assert those("deterministic") == ["clip"]
        assert those("transductive") == those("uses_logit_scale") == []
        assert those("by_position") == ["random"]

    def test_unknown_name(self):
        with pytest.raises(LanzdmlError) as error:
            METHODS["indirct"]
        assert str(error.value) == (
            f"there is no method 'indirct'; did you mean 'indirect'? allowed: {', '.join(METHODS)}"
        )
        assert "indirct" not in METHODS
        assert METHODS.get("indirct") is None
        with pytest.raises(LanzdmlError, match="there is no method 'x'"):
            METHODS.module("x")

    def test_read_only(self):
        with pytest.raises(TypeError):
            METHODS["mine"] = "mine:Mine"

    def test_unknown_attribute_of_the_package(self):
        with pytest.raises(AttributeError, match="Indirect"):
            lanzdml.Indirect  # noqa: B018

    def test_import_costs_nothing_and_a_method_loads_no_other(self):
        run_python("""
            import sys, lanzdml
            from lanzdml.methods import METHODS
            "clip" in METHODS, list(METHODS), dir(lanzdml)
            assert not {"numpy", "sklearn", "torch"} & sys.modules.keys()
            METHODS["indirect"]
            loaded = {name.split(".")[-1] for name in sys.modules if "lanzdml.methods." in name}
            assert not loaded & (set(METHODS) - {"indirect"}), loaded
        """)

    def test_methods_without_training_are_fitted_without_torch(self):
        run_python("""
            import sys, numpy as np
            from lanzdml.methods import METHODS
            from tests.fits import fit_to
            x = np.random.default_rng(0).standard_normal((9, 6))
            for name in METHODS:
                cls = METHODS[name]
                if not cls.cost:
                    estimator = cls(**({"dim": 3} if cls.has_dim else {}))
                    fit_to(estimator, x, x, [0, 1, 2] * 3).transform(x)
            assert "torch" not in sys.modules
        """)


# --- The methods that learn nothing


def unit(array):
    return array / np.linalg.norm(array, axis=-1, keepdims=True)


def test_random_draws_a_normalised_gaussian_vector_an_image():
    expected = unit(np.random.default_rng(7).standard_normal((30, 5)))
    out = Random(5, random_state=7).fit(TEXT).transform(IMAGES)
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["random", "clip", "indirect", "random_transform", "oracle"])
def test_vectors_have_unit_length(name):
    lengths = np.linalg.norm(fitted(METHODS[name]).transform(IMAGES), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)


def test_clip_is_the_image_at_unit_length():
    np.testing.assert_allclose(CLIP().fit(TEXT).transform(IMAGES), unit(IMAGES), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "matrix"),
    [("indirect", "U_"), ("random_transform", "U_"), ("oracle", "U_"), ("indirect_svd", "U_"),
     ("text_subspace", "components_"), ("clay", "components_")],
)  # fmt: skip
def test_an_image_of_which_nothing_is_left_has_zeros(name, matrix):
    """At right angles to all that counts; the other images have the vectors that they had."""
    estimator = fitted(METHODS[name])
    learned = getattr(estimator, matrix)
    (learned.T if learned.shape[0] != R else learned)[R // 2 :] = 0
    across, along = IMAGES.copy(), IMAGES.copy()
    across[4, : R // 2] = 0
    if name == "clay":  # at a right angle to the images' mean, too, which the reflection moves to
        estimator.mean_[R // 2 :] = 0
        across[:, R // 2 :], across[4] = 0, np.eye(R)[-1]
        across[5] = -across[4]  # so that the mean stays where it is
    out = estimator.transform(across)
    assert not out[4].any()
    np.testing.assert_allclose(np.linalg.norm(np.delete(out, [4, 5], axis=0), axis=1), 1, atol=1e-6)
    if name != "clay":
        rest = np.arange(len(IMAGES)) != 4
        np.testing.assert_array_equal(out[rest], estimator.transform(along)[rest])


def test_a_vector_that_is_not_finite_is_refused():
    estimator = fitted(LinearAutoencoder)
    estimator.b1_ = estimator.b1_ + np.float32(np.inf)
    with pytest.raises(EmbeddingError, match=r"^vectors of lae must be finite; row 0 has NaN or"):
        estimator.transform(IMAGES)


@given(
    st.lists(st.floats(2.0**-60, 2.0**60, width=32), min_size=1, max_size=4),
    st.integers(1, 40),
)
def test_normalise_at_any_scale(scales, d):
    rows = np.float32(scales)[:, None] * vectors(len(scales), d, seed=d)
    np.testing.assert_allclose(np.linalg.norm(normalise(rows), axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(normalise(rows), unit(rows.astype(np.float64)), atol=1e-6)
    rows[0] = 0
    np.testing.assert_array_equal(normalise(rows)[0], 0)
    np.testing.assert_allclose(np.linalg.norm(normalise(rows)[1:], axis=1), 1, atol=1e-6)


def test_random_transform_is_where_indirect_starts():
    start = RandomTransform(5, random_state=3).fit(TEXT)
    first = InDiReCT(5, random_state=3, max_iter=1).fit(TEXT)
    np.testing.assert_array_equal(start.U_, first.U_)
    np.testing.assert_allclose(start.transform(IMAGES), unit(unit(IMAGES) @ start.U_), atol=1e-6)


def test_initial_values():
    rng = np.random.default_rng(0)
    U = gaussian(rng, 512, 128)
    assert abs(U.mean()) < 0.002
    assert abs(U.std() - 0.1) < 0.002
    torch.manual_seed(0)
    layer = nn.Linear(512, 300)
    for ours, torchs in zip(linear_layer(rng, 512, 300), (layer.weight, layer.bias), strict=True):
        theirs = torchs.detach().numpy()
        assert ours.shape == theirs.shape
        assert np.abs(ours).max() < 512**-0.5
        assert ours.std() == pytest.approx(theirs.std(), rel=0.1)


# --- PCA


def test_pca_is_the_svd_of_centred_texts():
    text = vectors(40, R, seed=5)
    centred = unit(text.astype(np.float64))
    mean = centred.mean(0)
    basis = np.linalg.svd(centred - mean)[2][:5]
    pca = PCA(5).fit(text)
    overlap = basis @ pca.components_.T
    np.testing.assert_allclose(np.abs(overlap), np.eye(5), atol=1e-4)
    expected = (unit(IMAGES.astype(np.float64)) - mean) @ basis.T * np.diag(overlap).round()
    np.testing.assert_allclose(pca.transform(IMAGES), expected, atol=1e-4)


@pytest.mark.parametrize("text", [TEXT[:5], np.repeat(TEXT[:5], 4, axis=0)])
def test_pca_needs_more_distinct_prompts_than_dimensions(text):
    with pytest.raises(CannotFitError, match=r"PCA to 5 dim.* more than 5 distinct.* are 5"):
        PCA(5).fit(text)
    assert PCA(4).fit(text).transform(IMAGES).shape == (30, 4)


def test_pca_has_no_more_dimensions_than_the_vectors():
    with pytest.raises(CannotFitError, match="components, but they have 24"):
        PCA(25).fit(vectors(40))


# --- Trained methods against the paper's text, written plainly with automatic differentiation


def indirect_loss(text, U):
    """Equations 2 to 4."""
    z = text @ U
    z = z / z.norm(dim=1, keepdim=True)
    back = z @ U.T
    back = back / back.norm(dim=1, keepdim=True)
    return torch.arccos((text * back).sum(1)).mean()


def lae_loss(text, W1, b1, W2, b2):
    return ((((text @ W1.T + b1) @ W2.T + b2) - text) ** 2).sum()


def ae_loss(text, W1, b1, W2, b2, W3, b3, W4, b4):
    leaky = nn.LeakyReLU(0.01)
    code = leaky(text @ W1.T + b1) @ W2.T + b2
    return (((leaky(code @ W3.T + b3) @ W4.T + b4) - text) ** 2).sum()


def oracle_loss(images, codes, U, prototypes):
    v = images @ U
    v = v / v.norm(dim=1, keepdim=True)
    c = prototypes / prototypes.norm(dim=1, keepdim=True)
    if codes.ndim == 2:  # each value of an image has the same share of its target
        codes = codes / codes.sum(dim=1, keepdim=True)
    return nn.functional.cross_entropy(v @ c.T, codes)


def layers(seed, *sizes):
    """nn.Linear's default: uniform within 1 / sqrt(inputs), weight before bias, layer by layer."""
    rng, arrays = np.random.default_rng(seed), []
    for n_in, n_out in pairwise(sizes):
        bound = n_in**-0.5
        arrays += [rng.uniform(-bound, bound, (n_out, n_in)), rng.uniform(-bound, bound, n_out)]
    return [array.astype(np.float32) for array in arrays]


def normals(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [(0.1 * rng.standard_normal(shape)).astype(np.float32) for shape in shapes]


UNIT_TEXT, UNIT_IMAGES = unit(TEXT.astype(np.float64)), unit(IMAGES.astype(np.float64))
CODES = np.unique(LABELS, return_inverse=True)[1]
TEXT64, IMAGES64 = torch.tensor(UNIT_TEXT), torch.tensor(UNIT_IMAGES)
CODES64 = torch.tensor(CODES)
# Of the three classes as values an image has one, two or all.
SEVERAL = np.eye(3, dtype=bool)[CODES] | (np.random.default_rng(5).random((len(CODES), 3)) < 0.4)


class OracleOfSets(Oracle):
    """Oracle, fitted to several values an image whatever it is given."""

    def fit(self, X, y=None):
        return super().fit(X, [set(np.unique(LABELS)[row]) for row in SEVERAL])


# estimator, its objective in float64, the plain loss, initial values for a seed, weight decay
TRAINED = {
    "indirect": (
        InDiReCT(5),
        lambda: mean_angle(UNIT_TEXT, 5),
        lambda *p: indirect_loss(TEXT64, *p),
        lambda seed: normals(seed, (R, 5)),
        0,
    ),
    # Here U is too wide for the way through U^T U.
    "indirect_wide": (
        InDiReCT(12),
        lambda: mean_angle(UNIT_TEXT, 12),
        lambda *p: indirect_loss(TEXT64, *p),
        lambda seed: normals(seed, (R, 12)),
        0,
    ),
    "lae": (
        LinearAutoencoder(5),
        lambda: squared_error(UNIT_TEXT, (1, 1)),
        lambda *p: lae_loss(TEXT64, *p),
        lambda seed: layers(seed, R, 5, R),
        0,
    ),
    "ae": (
        Autoencoder(5, hidden=16),
        lambda: squared_error(UNIT_TEXT, (0.01, 1, 0.01, 1)),
        lambda *p: ae_loss(TEXT64, *p),
        lambda seed: layers(seed, R, 16, 5, 16, R),
        1e-2,
    ),
    "oracle": (
        Oracle(5),
        lambda: normalized_softmax(UNIT_IMAGES, CODES),
        lambda *p: oracle_loss(IMAGES64, CODES64, *p),
        lambda seed: normals(seed, (R, 5), (3, 5)),
        0,
    ),
    "oracle_several_values": (
        OracleOfSets(5),
        lambda: normalized_softmax(UNIT_IMAGES, SEVERAL),
        lambda *p: oracle_loss(IMAGES64, torch.tensor(SEVERAL, dtype=torch.float64), *p),
        lambda seed: normals(seed, (R, 5), (3, 5)),
        0,
    ),
}
trained = pytest.mark.parametrize(
    ("estimator", "objective", "loss", "start", "weight_decay"), TRAINED.values(), ids=TRAINED
)


def plain_fit(loss, start, weight_decay, max_iter, patience=100, learning_rate=0.01):
    """The paper's loop in float64, as anyone would write it."""
    parameters = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in start]
    adam = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)
    best, kept, stale, n_iter = np.inf, None, 0, 0
    while stale < patience and n_iter < max_iter:
        n_iter += 1
        adam.zero_grad()
        value = loss(*parameters)
        value.backward()
        if value.item() < best:
            best, stale = value.item(), 0
            kept = [p.detach().numpy().copy() for p in parameters]
        else:
            stale += 1
        adam.step()
    return kept, best, n_iter


@trained
def test_gradients_are_those_of_automatic_differentiation(
    estimator, objective, loss, start, weight_decay
):
    for seed in range(3):
        arrays = [array.astype(np.float64) for array in start(seed)]
        plain = [torch.tensor(array, requires_grad=True) for array in arrays]
        expected = loss(*plain)
        expected.backward()
        ours = [torch.tensor(array) for array in arrays]
        value, gradients = objective()(ours)
        torch.testing.assert_close(value, expected.detach(), rtol=1e-12, atol=0)
        for gradient, parameter in zip(gradients, plain, strict=True):
            torch.testing.assert_close(gradient, parameter.grad, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("sizes", [(7, 24, 5), (130, 90, 100), (600, 512, 2), (2, 512, 600)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_product_is_that_of_torch_in_any_layout(sizes, dtype):
    n, k, m = sizes
    rng = np.random.default_rng(0)
    a, b = (torch.tensor(rng.standard_normal(shape), dtype=dtype) for shape in ((n, k), (k, m)))
    expected = a.double() @ b.double()
    for left in (a, a.mT.contiguous().mT):
        for right in (b, b.mT.contiguous().mT):
            result = product(left, right)
            assert result.is_contiguous()
            torch.testing.assert_close(result.double(), expected, rtol=1e-5, atol=1e-4)
            row = torch.arange(m, dtype=dtype)
            shifted = product(left, right, bias=row).double()
            torch.testing.assert_close(shifted, expected + row, rtol=1e-5, atol=1e-4)


class Pool(nn.Module):
    """Attention over positions as a ResNet of CLIP has it, which is no layer of torch's."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList(torch.randn(128, 128) / 12 for _ in range(4))
        self.bias = nn.Parameter(torch.randn(3 * 128))

    def forward(self, rows):
        query, key, value, out = self.weights
        return nn.functional.multi_head_attention_forward(
            rows, rows, rows, 128, 2, None, self.bias, None, None, False, 0.0, out, None,
            training=False, need_weights=False, use_separate_proj_weight=True,
            q_proj_weight=query, k_proj_weight=key, v_proj_weight=value,
        )[0]  # fmt: skip


ENCODER = partial(nn.TransformerEncoderLayer, 128, 2, 512, batch_first=True)


@pytest.mark.parametrize(
    ("module", "weights"),
    [
        (ENCODER, [(384, 128), (128, 128), (512, 128), (128, 512)]),
        (Pool, [(128, 128)] * 4),
    ],
)
def test_linear_layers_are_faster_inside_the_block_only_and_the_same(monkeypatch, module, weights):
    """Those of attention, too, whose weights torch hands on by itself; and in no other thread."""
    torch.manual_seed(0)
    layer, inputs = module().eval(), torch.randn(4, 50, 128)
    called, linear = [], nn.functional.linear

    def onednn(inputs, weight, bias):
        called.append(tuple(weight.shape))
        return inputs @ weight.mT + (0 if bias is None else bias)

    def elsewhere():
        with torch.inference_mode():
            return layer(inputs)

    monkeypatch.setattr("lanzdml.arithmetic.products._ONEDNN", onednn)
    with torch.inference_mode(), ThreadPoolExecutor(1) as pool:
        expected = layer(inputs)
        with faster_linear("cuda"):
            layer(inputs)
        assert not called
        with faster_linear("cpu"):
            found = layer(inputs)
            assert called == weights
            beside = pool.submit(elsewhere).result()
            assert nn.functional.linear is linear
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(beside, expected, rtol=0, atol=0)
        again = layer(inputs)
        assert called == weights
        torch.testing.assert_close(again, expected, rtol=0, atol=0)

        monkeypatch.setattr("lanzdml.arithmetic.products._ONEDNN", None)
        with faster_linear("cpu"):
            torch.testing.assert_close(layer(inputs), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("vendor", "instructions", "faster"),
    [
        ("AuthenticAMD", "AVX512", True),
        ("AuthenticAMD", "AVX2", False),
        ("GenuineIntel", "AVX512", False),
        ("HygonGenuine", "AVX2", False),
        ("", "AVX512", False),
        ("", "DEFAULT", False),
    ],
)
def test_the_processor_decides_between_the_libraries(vendor, instructions, faster):
    assert onednn_is_faster(vendor, instructions) == faster


@pytest.mark.parametrize(
    ("cpuinfo", "platforms", "vendor"),
    [
        ("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\n", "", "GenuineIntel"),
        ("vendor_id\t: AuthenticAMD\n\nvendor_id\t: AuthenticAMD\n", "x86_64", "AuthenticAMD"),
        ("processor\t: 0\nCPU implementer\t: 0x41\n", "aarch64", ""),
        (None, "AMD64 Family 25 Model 33 Stepping 2, AuthenticAMD", "AuthenticAMD"),
        (None, "Intel64 Family 6 Model 85 Stepping 7, GenuineIntel", "GenuineIntel"),
        (None, "arm", ""),
        (None, "", ""),
    ],
)
def test_the_vendor_is_what_the_processor_says(tmp_path, monkeypatch, cpuinfo, platforms, vendor):
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr("lanzdml.arithmetic.products.CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.processor", lambda: platforms)
    assert processor_vendor() == vendor


def test_an_operator_of_another_signature_is_not_used(monkeypatch):
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        assert onednn_linear() is None
        return
    inputs, weight = torch.ones(3, 5), torch.ones(2, 5)
    torch.testing.assert_close(onednn_linear()(inputs, weight, None), torch.full((3, 2), 5.0))
    monkeypatch.setattr(
        "lanzdml.arithmetic.products._SIGNATURE", "mkldnn::_linear_pointwise(Tensor X) -> ()"
    )
    assert onednn_linear() is None


@pytest.mark.parametrize(
    ("sizes", "dtype", "expected"),
    [((1000, 512, 128), torch.float32, True), ((7, 512, 128), torch.float32, False),
     ((1000, 512, 128), torch.float64, False)],
)  # fmt: skip
def test_only_large_products_of_float32_go_to_onednn(monkeypatch, sizes, dtype, expected):
    n, k, m = sizes
    called = []

    def onednn(a, b, bias):
        called.append(True)
        return torch.nn.functional.linear(a, b, bias)

    monkeypatch.setattr("lanzdml.arithmetic.products._ONEDNN", onednn)
    a, b = torch.ones(n, k, dtype=dtype), torch.ones(k, m, dtype=dtype)
    torch.testing.assert_close(product(a, b), torch.full((n, m), float(k), dtype=dtype))
    assert bool(called) == expected
    monkeypatch.setattr("lanzdml.arithmetic.products._ONEDNN", None)
    torch.testing.assert_close(product(a, b), torch.full((n, m), float(k), dtype=dtype))


@trained
def test_whole_fit_is_that_of_the_plain_loop(estimator, objective, loss, start, weight_decay):
    """In float64 and with an early stop: rounding grows with every step of Adam.

    After some hundred steps on a plateau it would have grown into another path.
    """
    arrays = [array.astype(np.float64) for array in start(1)]
    params = {"patience": 5, "learning_rate": 0.03, "max_iter": 1000}
    minimum = minimise(objective(), arrays, weight_decay=weight_decay, **params)
    parameters, best, n_iter = plain_fit(loss, arrays, weight_decay, **params)
    assert 50 < minimum.n_iter == n_iter < 1000
    assert minimum.loss == pytest.approx(best, rel=1e-8)
    for ours, plain in zip(minimum.parameters, parameters, strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-9)


@trained
@pytest.mark.parametrize("max_iter", [1, 2, 60])
def test_estimator_follows_the_plain_loop(
    estimator, objective, loss, start, weight_decay, max_iter
):
    """The class as used, in float32: initial values, parameters of the optimiser, transform."""
    estimator = clone(estimator).set_params(random_state=2, max_iter=max_iter)
    fit(estimator)
    parameters, best, n_iter = plain_fit(loss, start(2), weight_decay, max_iter)
    assert estimator.n_iter_ == n_iter == max_iter
    assert estimator.loss_ == pytest.approx(best, rel=1e-4)
    for name, plain in zip(estimator.learned, parameters, strict=False):
        np.testing.assert_allclose(getattr(estimator, name), plain, atol=1e-4)


def test_transforms_as_the_paper_writes_them():
    images = UNIT_IMAGES
    for cls in (InDiReCT, Oracle):
        estimator = fitted(cls)
        expected = unit(images @ estimator.U_)
        np.testing.assert_allclose(estimator.transform(IMAGES), expected, atol=1e-5)
    lae = fitted(LinearAutoencoder)
    expected = [lae.W1_ @ v + lae.b1_ for v in images]
    np.testing.assert_allclose(lae.transform(IMAGES), expected, atol=1e-5)
    ae = fitted(Autoencoder)
    encoder = nn.Sequential(nn.Linear(R, 16), nn.LeakyReLU(), nn.Linear(16, 5)).double()
    names = {"0.weight": ae.W1_, "0.bias": ae.b1_, "2.weight": ae.W2_, "2.bias": ae.b2_}
    encoder.load_state_dict({name: torch.tensor(array) for name, array in names.items()})
    expected = encoder(IMAGES64).detach().numpy()
    np.testing.assert_allclose(ae.transform(IMAGES), expected, atol=1e-5)


def test_paper_defaults():
    common = {"dim": 128, "random_state": 0, "learning_rate": 0.01, "patience": 100}
    for cls in (InDiReCT, LinearAutoencoder, Autoencoder, Oracle):
        assert common.items() <= cls().get_params().items()
    assert {"hidden": 512, "weight_decay": 0.01}.items() <= Autoencoder().get_params().items()


def test_training_keeps_what_varies_in_the_texts_and_suppresses_the_rest():
    rng = np.random.default_rng(0)
    common, varying, constant = np.eye(R)[:3]
    text = common + 0.5 * rng.standard_normal((40, 1)) * varying
    estimators = [cls(4).fit(text) for cls in (RandomTransform, InDiReCT)]

    def similarity(direction):
        """Cosine of two images that differ in this direction: untrained and trained."""
        images = [common - 0.5 * direction, common + 0.5 * direction]
        return [np.prod(e.transform(images), axis=0).sum() for e in estimators]

    untrained, trained = similarity(constant)
    assert trained > 0.9
    assert untrained < 0.5
    assert similarity(varying)[1] == pytest.approx(0.6, abs=0.1)


# --- The arc cosine


def test_arccos_is_exact_inside_and_goes_on_straight():
    edge = 1 - 1e-7
    x = np.linspace(-edge, edge, 101)
    value, slope = arccos(torch.tensor(x))
    np.testing.assert_allclose(value, np.arccos(x), rtol=1e-12)
    np.testing.assert_allclose(slope, -1 / np.sqrt(1 - x**2), rtol=1e-6)
    steepest = -1 / np.sqrt(1 - edge**2)
    for beyond in (1e-7, 1e-6, 0.1):
        value, slope = arccos(torch.tensor([edge + beyond, -edge - beyond], dtype=torch.float64))
        np.testing.assert_allclose(slope, steepest, rtol=1e-6)
        tangent = np.arccos(edge) + steepest * beyond
        np.testing.assert_allclose(value, [tangent, np.pi - tangent], rtol=1e-6)


def test_arccos_is_finite_in_float32():
    value, slope = arccos(torch.tensor([1, 1 + 2e-7, -1, -1 - 2e-7, 0]))
    assert torch.isfinite(value).all()
    assert torch.isfinite(slope).all()
    assert value[4] == np.float32(np.pi / 2)


def test_a_single_prompt_reconstructed_to_rounding_can_be_fitted():
    estimator = InDiReCT(5).fit(TEXT[:1])
    assert np.isfinite(estimator.transform(IMAGES)).all()
    assert estimator.loss_ < 0.01


# --- The optimisation


class Scripted:
    """A loss that takes given values, whatever the parameters; it keeps those that it saw."""

    def __init__(self, losses):
        self.losses, self.seen = losses, []

    def __call__(self, parameters):
        self.seen.append(parameters[0].numpy().copy())
        return torch.tensor(self.losses[len(self.seen) - 1]), [torch.ones_like(parameters[0])]


def scripted(losses, **params):
    objective = Scripted(losses)
    return objective, minimise(objective, [np.zeros(3, np.float32)], **params)


def test_keeps_the_parameters_of_the_best_loss_before_its_step():
    losses = [5.0, 3.0, 4.0, 2.0, 2.0, 2.5, 7.0, 0.0]
    objective, minimum = scripted(losses, patience=3, max_iter=8)
    assert minimum.loss == 2
    assert minimum.n_iter == 7  # an equal loss is no better one, and the last value is never seen
    np.testing.assert_array_equal(minimum.parameters[0], objective.seen[3])
    # Adam with a constant gradient takes steps of the learning rate.
    np.testing.assert_allclose(minimum.parameters[0], -0.03, rtol=1e-5)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 30).map(float), min_size=1, max_size=40),
    st.integers(1, 6),
)
def test_patience(losses, patience):
    best, best_at, stop, converged = np.inf, None, len(losses), False
    for at, loss in enumerate(losses):
        if loss < best:
            best, best_at = loss, at
        elif at - best_at >= patience:
            stop, converged = at + 1, True
            break
    objective, minimum = scripted(losses, patience=patience, max_iter=len(losses))
    assert (minimum.loss, minimum.n_iter) == (best, stop)
    assert (minimum.best_iter, minimum.converged) == (best_at + 1, converged)
    np.testing.assert_array_equal(minimum.parameters[0], objective.seen[best_at])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("before", [[], [2.0], [2.0, 1.0, 3.0]])
def test_a_loss_that_is_not_finite_ends_without_a_result(bad, before):
    """Whatever was good before, and whatever a script has come after."""
    losses = [*before, bad, 0.5, 0.4]
    objective = Scripted(losses)
    message = rf"^training diverged: the loss is {bad} in iteration {len(before) + 1}, with a learn"
    with pytest.raises(CannotFitError, match=message):
        minimise(objective, [np.zeros(3, np.float32)], max_iter=len(losses))
    assert len(objective.seen) == len(before) + 1, "nothing is tried after it"


@pytest.mark.parametrize(
    ("cls", "learning_rate", "message"),
    [
        (InDiReCT, 1e10, "the loss is nan in iteration 2, with a learning_rate of 1e[+]10$"),
        (LinearAutoencoder, 1e10, "the loss is inf in iteration 2"),
        (Autoencoder, 1e10, "the loss is inf in iteration 2"),
        # Finite all along, but what would be kept is the random start.
        (
            LinearAutoencoder,
            1e3,
            r"in 101 iterations the loss rose from 31\.3 to .* and was never below",
        ),
        (Autoencoder, 10, "in 101 iterations the loss rose from"),
    ],
)
def test_a_fit_that_diverges_has_a_reason(cls, learning_rate, message):
    with pytest.raises(CannotFitError, match=f"^training diverged: {message}"):
        make(cls, learning_rate=learning_rate, max_iter=1000).fit(TEXT)


def test_a_start_that_nothing_improves_is_kept():
    """In one dimension cosines are 1 or -1, so that there is no slope to follow."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 2
    images = rng.normal(size=(2, 128))[labels] + 0.5 * rng.normal(size=(300, 128))
    for seed in range(5):
        oracle = Oracle(1, random_state=seed).fit(images, labels)
        assert oracle.n_iter_ == 101


def test_start_can_lie_in_memory_in_any_order():
    """Torch keeps the order of an array, and its fused Adam would mix up the gradients' entries."""
    objective, start = mean_angle(UNIT_TEXT, 5), normals(0, (R, 5))[0].astype(np.float64)
    one, other = (minimise(objective, [order(start)], max_iter=9)
                  for order in (np.ascontiguousarray, np.asfortranarray))  # fmt: skip
    np.testing.assert_array_equal(one.parameters[0], other.parameters[0])


def test_start_is_left_alone():
    start = np.ones((4, 3), np.float32)
    minimise(Scripted([1.0, 0.5, 0.2]), [start], max_iter=3)
    np.testing.assert_array_equal(start, 1)


def test_reaching_max_iter_is_said():
    with pytest.warns(ConvergenceWarning, match="indirect was stopped after max_iter=7") as caught:
        estimator = InDiReCT(5, max_iter=7).fit(TEXT)
    assert estimator.n_iter_ == 7
    assert caught[0].filename == __file__


def test_patience_that_runs_out_in_the_last_iteration_is_no_stop_by_max_iter():
    fit = InDiReCT(5, patience=3).fit(TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        again = InDiReCT(5, patience=3, max_iter=fit.n_iter_).fit(TEXT)
    assert again.n_iter_ == fit.n_iter_
    with pytest.warns(ConvergenceWarning, match=f"max_iter={fit.n_iter_ - 1} "):
        InDiReCT(5, patience=3, max_iter=fit.n_iter_ - 1).fit(TEXT)


@pytest.mark.parametrize("cls", [InDiReCT, Autoencoder])
def test_results_do_not_depend_on_torchs_threads_which_are_left_as_they_were(cls):
    text = vectors(300, 256)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(make(cls, dim=64, max_iter=10, hidden=128).fit(text))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for name, value in learned_of(results[0]).items():
        np.testing.assert_array_equal(value, getattr(results[1], name))


@pytest.mark.parametrize("cls", [InDiReCT, Oracle])
def test_results_do_not_depend_on_the_precision_that_torch_may_use(cls):
    text, images = vectors(300, 256), vectors(300, 256)
    data = text, images, np.arange(300) % 3
    estimator = make(cls, dim=64, max_iter=10, hidden=128)
    expected = fit(clone(estimator), *data)
    torch.set_float32_matmul_precision("medium")
    try:
        found = fit(clone(estimator), *data)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    for name, value in learned_of(expected).items():
        np.testing.assert_array_equal(value, getattr(found, name))


def test_torchs_threads_are_restored_after_an_error(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        monkeypatch.setattr("lanzdml.methods.indirect.mean_angle", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            InDiReCT(5).fit(TEXT)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# --- Oracle


def test_oracle_does_not_care_what_labels_are_called():
    by_code = make(Oracle).fit(IMAGES, CODES)
    assert_same(by_code, make(Oracle).fit(IMAGES, LABELS))
    assert_same(by_code, make(Oracle).fit(IMAGES, LABELS.astype(object)))
    assert_same(by_code, make(Oracle).fit(IMAGES, LABELS.tolist()))
    assert_same(by_code, make(Oracle).fit(IMAGES, torch.tensor(CODES)))


def test_oracle_separates_the_classes():
    out = Oracle(5).fit(IMAGES, LABELS).transform(IMAGES)
    same = LABELS[:, None] == LABELS
    cosines = out @ out.T
    assert cosines[same].mean() > 0.9
    assert cosines[~same].max() < 0.3


@pytest.mark.parametrize(
    "labels", [LABELS[:-1], LABELS[:, None], [None, *LABELS[1:]], [np.nan, *range(29)]], ids=str
)
def test_oracle_with_unusable_labels(labels):
    with pytest.raises(EmbeddingError, match=r"labels (must|have shape)"):
        make(Oracle).fit(IMAGES, labels)


def test_oracle_needs_two_classes():
    with pytest.raises(CannotFitError, match="at least two classes, but there is one class: red"):
        make(Oracle).fit(IMAGES, ["red"] * 30)


def test_repr_names_parameters_that_differ():
    assert repr(InDiReCT(64)) == "InDiReCT(dim=64)"
    assert json.loads(json.dumps(InDiReCT(64).get_params()))["dim"] == 64
