"""Saliency maps: against gradients by hand and finite differences; the files, table and figure."""

import copy
import io
import json
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from safetensors import safe_open

from lanzdml.embeddings.checkpoints import sha256
from lanzdml.embeddings.clip import Clip
from lanzdml.embeddings.models import WEIGHTS_FILE
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.errors import LanzdmlError
from lanzdml.figures.saliency.compute import Choice, compute_saliency, read_projections
from lanzdml.figures.saliency.draw import draw_saliency
from lanzdml.figures.saliency.gradients import (
    foreground_shares,
    scaled,
    smoothed_saliency,
    smoothing_noise,
)
from lanzdml.figures.saliency.maps import SHARES, read_maps, write_maps, write_shares
from lanzdml.figures.saliency.table import summarise_shares, write_saliency_table
from lanzdml.methods.clay import CLAY
from lanzdml.methods.indirect import InDiReCT
from lanzdml.transforms.stacking import stack
from lanzdml.transforms.storage import load_transform, save_transform
from tests.tiny_clip import CONFIG, publish

ROOT = Path(__file__).parents[1]
NOTIONS = ["car_color", "shape"]


MADE_BY = {WEIGHTS: "random"}
VISION = {
    "transformer": CONFIG["vision_cfg"],
    "resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64},
}


@pytest.fixture(scope="module", params=VISION)
def model(request, tmp_path_factory):
    """A random CLIP of either family; images have 32 x 32 pixels."""
    import open_clip

    path = tmp_path_factory.mktemp("config") / f"tiny-{request.param}.json"
    path.write_text(json.dumps(CONFIG | {"vision_cfg": VISION[request.param]}))
    open_clip.add_model_config(path)
    torch.manual_seed(0)
    model, _, preprocess = open_clip.create_model_and_transforms(path.stem)
    return Clip(
        model.eval().requires_grad_(False),
        preprocess,
        None,
        "cpu",
        {"architecture": "tiny"} | MADE_BY,
    )


def linear_clip(weights):
    """A CLIP that is linear in the pixels: (r, 3 x height x width)."""
    encode = torch.from_numpy(weights)
    model = SimpleNamespace(encode_image=lambda pixels: pixels.flatten(1) @ encode.T)
    return Clip(model, None, None, "cpu", {})


def encoded(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def scene(seed, height=40, width=60):
    """A noisy image with a bright rectangle, and the rectangle's mask."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 90, (height, width, 3), np.uint8)
    mask = np.zeros((height, width), bool)
    top, left = rng.integers(4, 16), rng.integers(12, 26)
    mask[top : top + 18, left : left + 20] = True
    pixels[mask] += np.array([160, 80, 20], np.uint8)
    return encoded(pixels), encoded(mask)


@pytest.fixture
def manifest():
    images, masks = zip(*(scene(seed) for seed in range(5)), strict=True)
    ids = [f"image {number}" for number in range(5)]
    # One image without a mask
    return pd.DataFrame({"image_id": ids, "image": images, "mask": [*masks[:4], None]})


@pytest.fixture
def transforms(tmp_path):
    """An InDiReCT with two dimensions for each notion."""
    paths = {notion: tmp_path / f"{notion}.safetensors" for notion in NOTIONS}
    for seed, path in enumerate(paths.values()):
        texts = np.random.default_rng(seed).normal(size=(6, CONFIG["embed_dim"]))
        save_transform(path, InDiReCT(dim=2, random_state=seed).fit(texts), **MADE_BY)
    return paths


@pytest.fixture
def compute(model, manifest, transforms, tmp_path):
    """The maps and shares of a call, with other arguments where they are given."""

    def call(images=2, measured=10, seed=0, manifest=manifest, clip=model):
        files = tmp_path / "maps.safetensors", tmp_path / "shares.parquet"
        projections = read_projections(transforms, clip)
        choice = Choice(images, measured, seed)
        maps, shares = compute_saliency(clip, manifest, Path(), projections, choice)
        write_maps(files[0], maps, clip.description)
        write_shares(files[1], shares)
        return read_maps(files[0]), pd.read_parquet(files[1])

    return call


# One image's maps


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_a_linear_encoder_has_the_map_by_hand():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, 3 * 4 * 5))
    pixels, U = rng.normal(size=(3, 4, 5)), rng.normal(size=(6, 2))
    black = rng.normal(size=6)
    noise = smoothing_noise(pixels.shape, 0, "a")
    maps = smoothed_saliency(
        linear_clip(weights.astype(np.float32)),
        torch.tensor(pixels, dtype=torch.float32),
        torch.tensor(black[None], dtype=torch.float32),
        [None, torch.tensor(U, dtype=torch.float32)],
        noise,
    )
    # |u - v| of unit vectors u = y / |y| and v has the gradient (c u - v) / (|u - v| |y|) with
    # respect to y, where c is their cosine. A length divided out before a product changes nothing.
    for values, A in zip(maps, (weights, U.T @ weights), strict=True):
        v = unit(black if A is weights else black @ U)
        expected = np.zeros((4, 5))
        for sample in pixels + 0.15 * np.ptp(pixels) * noise.astype(float):
            y = A @ sample.ravel()
            u = unit(y)
            dy = ((u @ v) * u - v) / (np.linalg.norm(u - v) * np.linalg.norm(y))
            expected += np.abs((A.T @ dy).reshape(3, 4, 5).mean(axis=0))
        assert_allclose(values, expected, rtol=2e-4)


@pytest.mark.parametrize("projected", [False, True])
def test_a_real_encoder_has_the_map_of_finite_differences(model, projected):
    torch.manual_seed(1)
    pixels, black = torch.randn(3, 32, 32), torch.randn(1, CONFIG["embed_dim"])
    U = torch.randn(CONFIG["embed_dim"], 2) if projected else None
    (values,) = smoothed_saliency(model, pixels, black, [U], np.zeros((1, 3, 32, 32), np.float32))
    exact = copy.deepcopy(model.model).double()

    def place(embedding):
        vector = unit(embedding.double().numpy())
        return unit(vector @ U.double().numpy()) if projected else vector

    def distance(pixels):
        with torch.no_grad():
            return np.linalg.norm(place(exact.encode_image(pixels[None])) - place(black))

    for row, column in [(3, 4), (16, 15), (30, 9)]:
        step = torch.zeros(3, 32, 32, dtype=torch.float64)
        step[:, row, column] = 1e-4
        slope = (distance(pixels + step) - distance(pixels - step)) / 2e-4
        # All three colours move together: the sum of their gradients, which the map averages.
        assert values[row, column] == pytest.approx(abs(slope) / 3, rel=1e-3, abs=1e-7)


def test_spaces_do_not_disturb_each_other(model):
    torch.manual_seed(0)
    pixels, black, U = torch.randn(3, 32, 32), torch.randn(1, 24), torch.randn(24, 2)
    maps = partial(smoothed_saliency, model, pixels, black)
    noise = smoothing_noise(pixels.shape, 0, "a")
    both = maps([None, U], noise)
    assert_array_equal(both[0], maps([None], noise)[0])
    assert_array_equal(both[1], maps([U], noise)[0])


def test_nothing_is_salient_where_there_is_no_distance():
    rng = np.random.default_rng(0)
    clip = linear_clip(rng.normal(size=(6, 12)).astype(np.float32))
    black = torch.from_numpy(rng.normal(size=(3, 2, 2)).astype(np.float32))
    spaces = [None, torch.eye(6)[:, :2]]
    reference, noise = clip.model.encode_image(black[None]), np.zeros((1, 3, 2, 2), np.float32)
    maps = smoothed_saliency(clip, black, reference, spaces, noise)
    assert_array_equal(maps, 0)
    assert_array_equal(scaled(maps[0]), 0)


def test_noise_is_that_of_the_seed_and_the_image():
    noise = smoothing_noise((3, 20, 20), 0, "a")
    assert noise.shape == (25, 3, 20, 20)
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert_array_equal(noise, smoothing_noise((3, 20, 20), 0, "a"))
    assert not np.array_equal(noise, smoothing_noise((3, 20, 20), 0, "b"))
    assert not np.array_equal(noise, smoothing_noise((3, 20, 20), 1, "a"))


def test_maps_are_clipped_and_scaled():
    values = np.arange(2, 203, dtype=np.float32).reshape(3, 67)  # the 99th percentile is 200
    low, high = scaled(values).flat[0], scaled(values).flat[198]
    assert (low, high) == (0, 1)
    assert_allclose(scaled(values).flat[:199], np.linspace(0, 1, 199), atol=1e-6)
    assert_array_equal(scaled(values).flat[198:], 1)
    assert_array_equal(scaled(np.full((2, 2), 3, np.float32)), 0)


def test_shares_by_hand():
    clip, indirect = np.array([[0.5, 0.5], [0, 1]]), np.array([[1, 0], [0.3, 1]])
    mask = np.array([[True, False], [False, False]])
    assert foreground_shares(indirect, clip, mask) == {
        "difference": pytest.approx(0.5 / 0.8),
        "indirect": pytest.approx(1 / 2.3),
        "clip": 0.25,
        "area": 0.25,
    }
    assert foreground_shares(clip, clip, mask)["difference"] is None


# A dataset's maps and shares

of_one_family = pytest.mark.parametrize("model", ["transformer"], indirect=True)


def test_what_is_stored(compute, tmp_path):
    maps, shares = compute(images=["image 4", "image 1"])
    assert maps.image_ids == ["image 4", "image 1"]
    assert (maps.notions, maps.dim) == (NOTIONS, 2)
    assert maps.images.shape == (2, 32, 32, 3)
    assert maps.clip.shape == maps.masks.shape == (2, 32, 32)
    assert maps.indirect.shape == maps.difference.shape == (2, 2, 32, 32)
    for values in (maps.clip, maps.indirect):
        assert (values.min(), values.max()) == (0, 1)
    assert not maps.masks[0].any()  # has none
    # The bright rectangle is where its mask is.
    assert maps.images[1][maps.masks[1]].mean() > 2 * maps.images[1][~maps.masks[1]].mean()
    assert shares.columns.tolist() == SHARES.names
    assert shares["notion"].tolist() == NOTIONS * 4
    assert "image 4" not in set(shares["image_id"])
    row = shares[(shares["image_id"] == "image 1") & (shares["notion"] == "shape")]
    expected = foreground_shares(maps.indirect[1, 1], maps.clip[1], maps.masks[1])
    assert row.iloc[0][list(expected)].to_dict() == expected
    with safe_open(tmp_path / "maps.safetensors", "numpy") as file:
        assert file.metadata()["architecture"] == "tiny"


@of_one_family
def test_maps_do_not_depend_on_what_else_is_computed(compute, manifest):
    everything, shares = compute(images=5)
    alone, _ = compute(images=["image 3"], manifest=manifest[2:4])
    position = everything.image_ids.index("image 3")
    assert_array_equal(alone.clip[0], everything.clip[position])
    assert_array_equal(alone.indirect[0], everything.indirect[position])
    fewer, of_fewer = compute(images=2, measured=2)
    assert fewer.image_ids == everything.image_ids[:2]
    pd.testing.assert_frame_equal(of_fewer, shares[:4])


@of_one_family
def test_maps_are_made_in_full_float32(compute, model, monkeypatch):
    encode, seen = model.model.encode_image, []

    def spied(pixels):
        seen.append(torch.backends.cudnn.allow_tf32)
        return encode(pixels)

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(model.model, "encode_image", spied)
    compute(images=1, measured=0)
    assert seen == [False, False], "of the black image and of one with its noise"
    assert torch.backends.cudnn.allow_tf32


def test_the_draw_goes_by_the_seed(compute):
    draws = {tuple(compute(measured=0, seed=seed)[0].image_ids) for seed in (0, 0, 1, 2)}
    assert 1 < len(draws) < 4


@of_one_family
def test_without_masks_there_are_no_shares(compute, manifest):
    maps, shares = compute(manifest=manifest.drop(columns="mask"))
    assert not maps.masks.any()
    assert shares.empty
    assert shares.columns.tolist() == SHARES.names


@of_one_family
def test_a_mask_is_cropped_as_its_image_is(compute):
    drawing = np.zeros((40, 80), np.uint8)
    drawing[10:30, 50:] = 1  # as class numbers, near to black
    image = encoded(np.repeat(255 * drawing[..., None], 3, axis=2))
    rows = pd.DataFrame({"image_id": ["a"], "image": [image], "mask": [encoded(drawing)]})
    maps, shares = compute(manifest=rows)
    # 40 x 80 becomes 32 x 64, of which columns 16 to 48 are in the middle.
    expected = np.zeros((32, 32), bool)
    expected[8:24, 24:] = True
    assert_array_equal(maps.masks[0], expected)
    assert_array_equal(maps.images[0, ..., 0] > 127, expected)
    assert shares["area"].tolist() == [expected.mean()] * 2


@of_one_family
def test_mistakes_are_named(compute, manifest):
    with pytest.raises(LanzdmlError, match=r"no image 'image 9'; ids are .* such as 'image 0'"):
        compute(images=["image 1", "image 9"])
    other = [encoded(np.ones((40, 59), bool))] * 5
    with pytest.raises(LanzdmlError, match=r"mask of image image . has 59 x 40 pixels, but .* 60"):
        compute(manifest=manifest.assign(mask=other))
    with pytest.raises(LanzdmlError, match=r"mask of image image . cannot be read"):
        compute(manifest=manifest.assign(mask=b"x"))
    with pytest.raises(LanzdmlError, match=r"^image image . cannot be read"):
        compute(manifest=manifest.assign(image=b"x"))


def test_only_what_has_a_u_has_maps(model, transforms, tmp_path):
    stacked, clay = tmp_path / "stacked.safetensors", tmp_path / "clay.safetensors"
    stack([(name, transforms["shape"], 1) for name in ("shape", "color")], stacked)
    texts = np.random.default_rng(0).normal(size=(6, CONFIG["embed_dim"]))
    save_transform(clay, CLAY(dim=2).fit(texts), **MADE_BY)
    for path in (stacked, clay):
        with pytest.raises(LanzdmlError, match=rf"{path.name} is no transform of InDiReCT for one"):
            read_projections({"shape": path}, model)


# Table and figure


def shares_of(values, notion="shape"):
    rows = [("a", notion, value, 0.5, 0.25, 0.125) for value in values]
    return pd.DataFrame(rows, columns=SHARES.names)


def test_summary_has_means_and_intervals():
    values = np.random.default_rng(0).normal(0.4, 0.1, 400)
    summary = summarise_shares(pd.concat([shares_of(values), shares_of([0.5], "car_color")]))
    assert summary["notion"].tolist() == ["shape", "car_color"]
    row = summary.iloc[0]
    assert row["difference"] == pytest.approx(100 * values.mean())
    assert (row["indirect"], row["clip"], row["area"], row["n_images"]) == (50, 25, 12.5, 400)
    # Of a mean of many: 1.96 standard errors
    error = 100 * values.std() / 20
    assert_allclose([row["low"], row["high"]], row["difference"] + 1.96 * error * np.array([-1, 1]),
                    atol=0.1 * error)  # fmt: skip
    assert summary.iloc[1][["low", "high"]].isna().all()
    nothing = summarise_shares(shares_of([None, None]))
    assert nothing["difference"].isna().all()


def test_table_as_text(tmp_path):
    maps = SimpleNamespace(dim=2, image_ids=["x", "y"])
    paths = [tmp_path / "saliency.md", tmp_path / "saliency.csv"]
    shares = pd.concat([shares_of([0.2, 0.2]), shares_of([0.5], "car_color")])
    write_saliency_table(shares, maps, "demo_cars", paths)
    text, table = paths[0].read_text(), pd.read_csv(paths[1])
    assert "of Demo Cars, r' = 2, in percent" in text
    assert "| Shape | 20.0 | 20.0 to 20.0 | 50.0 | 25.0 | 12.5 | 2 |" in text
    assert "| Car Color | 50.0 | — | 50.0 | 25.0 | 12.5 | 1 |" in text
    assert "- Positive difference: of all that" in text
    assert text.endswith("Images of the figure, from the top: x, y.\n")
    assert table["difference"].tolist() == [20, 50]
    assert set(table["dataset"]) == {"demo_cars"}
    maps.image_ids = ["a_b/*1*.png", "new\nline"]
    write_saliency_table(shares, maps, "demo_cars", paths)
    assert paths[0].read_text().splitlines()[-1] == (
        r"Images of the figure, from the top: a_b/\*1\*.png, new line."
    )
    write_saliency_table(shares[:0], maps, "mine", paths)
    assert paths[0].read_text().startswith("mine has no masks of the foreground")
    assert pd.read_csv(paths[1]).columns.tolist() == table.columns.tolist()


def drawn(n_images, notions, masked=True):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (n_images, 8, 8, 3), np.uint8)
    differences = rng.uniform(-0.35, 0.2, (n_images, len(notions), 8, 8))
    masks = np.zeros((n_images, 8, 8), bool)
    masks[:, 2:5, 2:6] = masked
    return (
        images,
        differences,
        draw_saliency(
            images, differences, masks, notions, dataset="demo_cars", model="demo-M", dim=2
        ),
    )


def test_figure_has_a_row_an_image_and_a_column_a_notion():
    images, differences, figure = drawn(2, ["car_model", "my_own"])
    *panels, bar = figure.axes
    assert [panel.get_title() for panel in panels] == ["Image", "Car Model", "my_own", "", "", ""]
    shown = [panel.images[0] for panel in panels]
    assert_array_equal(shown[3].get_array(), images[1])
    assert_array_equal(shown[5].get_array(), differences[1, 1])
    assert {image.get_clim() for image in shown[1:3] + shown[4:]} == {(-0.4, 0.4)}
    assert [len(panel.collections) for panel in panels] == [0, 1, 1] * 2  # the masks' outlines
    assert bar.get_xlabel() == "saliency, InDiReCT − CLIP"
    assert {"CLIP more", "InDiReCT more"} <= {text.get_text() for text in bar.texts}
    assert [label.get_text() for label in bar.get_xticklabels()] == ["−0.4", "0.0", "0.4"]


def test_figure_without_masks_has_no_outlines():
    *panels, _ = drawn(1, ["car_model"], masked=False)[2].axes
    assert not any(panel.collections for panel in panels)


@pytest.mark.parametrize(("n_images", "n_notions"), [(1, 1), (8, 5), (1, 5), (8, 1)])
def test_figure_has_room_for_its_labels(n_images, n_notions):
    figure = drawn(
        n_images, ["background_color", "production_country", "car_type", "x", "y" * 30][:n_notions]
    )[2]
    figure.draw_without_rendering()
    boxes = [panel.title.get_window_extent() for panel in figure.axes[: n_notions + 1]]
    boxes += [text.get_window_extent() for text in figure.axes[-1].texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    width, height = figure.get_size_inches() * figure.dpi
    assert all(0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height for box in boxes)
    assert figure.get_size_inches()[0] <= 6.875
    assert figure.get_size_inches()[1] <= 9


def test_the_scripts(manifest, transforms, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "workflow_scripts"))
    folder = publish(tmp_path / "saliency-clip.json")
    for path in transforms.values():
        fitted_to = {WEIGHTS: sha256(folder / WEIGHTS_FILE)}
        save_transform(path, load_transform(path), **fitted_to)
    manifest.to_parquet(tmp_path / "manifest.parquet")
    names = {"maps": "maps.safetensors", "shares": "shares.parquet"}
    files = SimpleNamespace(**{key: str(tmp_path / name) for key, name in names.items()})
    import_module("compute_saliency").main(
        SimpleNamespace(
            input=SimpleNamespace(
                manifest=str(tmp_path / "manifest.parquet"),
                transforms=[str(path) for path in transforms.values()],
            ),
            params=SimpleNamespace(
                model={"architecture": f"local-dir:{folder}", "pretrained": None},
                root=str(tmp_path), linked=[], notions=NOTIONS,
                drawn={"images": 2, "measured": 3, "seed": 0},
            ),
            output=files,
            resources=SimpleNamespace(device="cpu"),
        )
    )  # fmt: skip
    output = SimpleNamespace(
        figure=[str(tmp_path / f"saliency.{suffix}") for suffix in ("pdf", "png", "rst")],
        table=[str(tmp_path / f"saliency.{suffix}") for suffix in ("md", "csv")],
    )
    params = SimpleNamespace(dataset="mine", model="m", caption="What is drawn.")
    import_module("plot_saliency").main(SimpleNamespace(input=files, params=params, output=output))
    assert all(Path(path).stat().st_size for path in (*output.figure, *output.table))
    assert Path(output.figure[2]).read_text() == "What is drawn.\n"
    assert pd.read_csv(output.table[1])["n_images"].tolist() == [3, 3]
    assert read_maps(files.maps).notions == NOTIONS
