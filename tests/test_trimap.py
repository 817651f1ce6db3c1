"""TriMap: the same points for the same seed, and a picture that says what its colours are."""

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba

from lanzdml import CLIP, InDiReCT
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import WEIGHTS, write_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.figures.style import MUTED, NO_CLASS, class_colors
from lanzdml.figures.trimap.draw import NO_LABEL, NO_LABELS, draw_trimap
from lanzdml.figures.trimap.points import CLIP_SPACE, compute_trimap, trimap_points
from lanzdml.transforms.storage import save_transform

ROOT = Path(__file__).parents[1]
MANY = 600  # so many that torch shares its sums between threads

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def vectors(n, d=24):
    """Five groups of n vectors in all."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((5, d))
    return (centres[np.arange(n) % 5] + 0.3 * rng.standard_normal((n, d))).astype(np.float32)


def test_points_are_the_same_in_every_run_with_any_number_of_threads():
    script = f"""
        import hashlib, torch
        from lanzdml.figures.trimap.points import trimap_points
        from tests.test_trimap import vectors

        for threads in (1, 2):
            torch.set_num_threads(threads)
            points = trimap_points(vectors({MANY}, 128), 3)
            print(hashlib.sha256(points.tobytes()).hexdigest())
            assert torch.get_num_threads() == threads
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = hashlib.sha256(trimap_points(vectors(MANY, 128), 3).tobytes()).hexdigest()
    assert result.stdout.split() == [here, here]


def test_a_vector_of_zeros_is_a_point():
    given = vectors(40)
    given[3] = 0
    assert np.isfinite(trimap_points(given, 0)).all()


@pytest.mark.parametrize(
    "given",
    [
        np.random.default_rng(0).standard_normal((20, 1)),
        np.sign(np.random.default_rng(0).standard_normal((20, 1))),  # InDiReCT's, of one dimension
        np.ones((20, 4)),
        np.zeros((6, 1)),
        np.repeat(np.eye(2), 10, axis=0),
    ],
    ids=["one dimension", "two places", "all equal", "all zeros", "equal ones"],
)
def test_few_dimensions_and_equal_vectors_are_points(given):
    points = trimap_points(given, 0)
    assert points.shape == (len(given), 2)
    assert np.isfinite(points).all()


def test_one_dimension_is_drawn_as_it_lies():
    given = np.linspace(0, 1, 30)[:, None]
    points = trimap_points(given, 0)
    order = np.argsort(points[:, np.ptp(points, axis=0).argmax()])
    assert np.abs(np.corrcoef(order, range(30))[0, 1]) > 0.95


def test_points_that_are_none_are_one_line(monkeypatch):
    import torch
    from trimap import TorchTRIMAP

    monkeypatch.setattr(TorchTRIMAP, "fit_transform", lambda self, x: torch.full((20, 2), np.nan))
    with pytest.raises(LanzdmlError, match=r"^TriMap finds no points .*leave its picture out$"):
        trimap_points(vectors(20), 0)


def test_seeds_differ_and_groups_stay_together():
    points = trimap_points(vectors(200), 0)
    assert (points.shape, points.dtype) == ((200, 2), np.float32)
    assert not np.array_equal(points, trimap_points(vectors(200), 1))
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(axis=1) % 5 == np.arange(200) % 5).mean() > 0.95


@pytest.mark.parametrize("n", [6, 16, 20])
def test_few_images_have_fewer_neighbours(n):
    points = trimap_points(vectors(n), 0)
    assert points.shape == (n, 2)
    assert np.isfinite(points).all()


def test_too_few_images_are_one_line():
    with pytest.raises(LanzdmlError, match="TriMap needs at least 6 images, but there are 5"):
        trimap_points(vectors(5), 0)


@pytest.fixture
def files(tmp_path):
    """Embeddings of 30 images, and a transform for each of two notions."""
    ids = pd.DataFrame({"image_id": [f"i{i}" for i in range(30)]})
    manifest = ids.assign(path=ids["image_id"])
    write_manifest(tmp_path / "manifest.parquet", manifest, [], "mine")
    metadata = {FINGERPRINT: fingerprint(manifest), WEIGHTS: "w"}
    write_embeddings(tmp_path / "images.parquet", ids, 8 * vectors(30), metadata)
    transforms = {}
    for seed, notion in enumerate(["mood", "taste"]):
        transforms[notion] = tmp_path / f"{notion}.safetensors"
        method = InDiReCT(4, random_state=seed, max_iter=3).fit(vectors(9)[::-1])
        save_transform(transforms[notion], method, **{WEIGHTS: "w"})
    sources = tmp_path / "images.parquet", tmp_path / "manifest.parquet"
    return sources, transforms, tmp_path / "trimap" / "points.parquet"


def test_clips_space_is_there_once(files):
    sources, transforms, output = files
    compute_trimap(*sources, transforms, 0, output)
    points = pd.read_parquet(output)
    assert points.columns.tolist() == ["image_id", "space", "x", "y"]
    assert points["space"].unique().tolist() == ["(clip)", "mood", "taste"]
    for _, space in points.groupby("space"):
        assert space["image_id"].tolist() == [f"i{i}" for i in range(30)]
    unit = CLIP().fit(vectors(9)).transform(vectors(30))
    np.testing.assert_array_equal(
        points.loc[points["space"] == CLIP_SPACE, ["x", "y"]].to_numpy(), trimap_points(unit, 0)
    )
    first = output.read_bytes()
    compute_trimap(*sources, transforms, 0, output)
    assert output.read_bytes() == first


def test_embeddings_of_other_images_are_refused(files):
    sources, transforms, output = files
    other = pd.DataFrame({"image_id": ["i0"], "path": ["i0"]})
    write_manifest(sources[1], other, [], "mine")
    with pytest.raises(LanzdmlError, match=r"images\.parquet holds other images than .*manifest"):
        compute_trimap(*sources, transforms, 0, output)


# Every name that code uses beside those of notions.
NAMES = ["clip", "indirect", "images", "labels", "space", "x", "y", "notion", "image", "0", "index"]


def test_a_notion_can_be_called_as_methods_and_columns_are(files):
    sources, transforms, output = files
    compute_trimap(*sources, transforms, 0, output)
    expected = pd.read_parquet(output)
    called = {"mood": "clip", "taste": "indirect"}
    compute_trimap(*sources, {called[name]: path for name, path in transforms.items()}, 0, output)
    points = pd.read_parquet(output)
    assert points["space"].unique().tolist() == [CLIP_SPACE, "clip", "indirect"]
    pd.testing.assert_frame_equal(points.drop(columns="space"), expected.drop(columns="space"))
    with pytest.raises(LanzdmlError, match=r"notion \(clip\) .* rename it"):
        compute_trimap(*sources, {CLIP_SPACE: transforms["mood"]}, 0, output)


def test_notions_with_names_of_methods_and_columns_are_drawn():
    _, rows = drawn(**dict.fromkeys(NAMES, ["sad", "happy", None, "calm"] * 2))
    for number, (name, row) in enumerate(zip(NAMES, rows, strict=True), start=1):
        assert [ax.get_title() for ax in row[:2]] == ["CLIP", f"InDiReCT: {name}"]
        assert min(points_of(row[0])) == 0
        assert min(points_of(row[1])) == 100 * number


def drawn(**labels):
    """The figure of notions with these labels, and its axes as rows of three."""
    n = len(next(iter(labels.values())))
    manifest = pd.DataFrame({"image_id": [f"i{i}" for i in range(n)]} | labels, dtype="str")
    points = pd.concat(
        pd.DataFrame({
            "image_id": manifest["image_id"][::-1],
            "space": space,
            "x": np.arange(n)[::-1] + 100.0 * i,
            "y": np.zeros(n),
        })
        for i, space in enumerate([CLIP_SPACE, *labels])
    )  # fmt: skip
    figure = draw_trimap(points, manifest, list(labels), dataset="cars196", model="demo-M", dim=128)
    figure.draw_without_rendering()
    rows = [ax for ax in figure.axes if ax.get_subplotspec()]
    return figure, [rows[i : i + 3] for i in range(0, len(rows), 3)]


def points_of(ax):
    """Position on x: colour, of all points of a panel."""
    found = {}
    for collection in ax.collections:
        xs, colors = collection.get_offsets()[:, 0], collection.get_facecolors()
        found |= {
            float(x): tuple(color)
            for x, color in zip(xs, np.broadcast_to(colors, (len(xs), 4)), strict=True)
        }
    return found


def legend_of(ax):
    """Title, and colour and marker of each entry."""
    legend = ax.get_legend()
    return legend.get_title().get_text(), {
        handle.get_label(): (handle.get_color(), handle.get_marker())
        for handle in legend.legend_handles
    }


def test_a_row_a_notion_with_clip_and_indirect():
    figure, rows = drawn(car_color=["red", "blue"] * 4, mood=["sad", "happy", None, "calm"] * 2)
    assert figure.get_suptitle() == "Cars196, demo-M, r' = 128"
    titles = [[ax.get_title() for ax in row[:2]] for row in rows]
    assert titles == [["CLIP", "InDiReCT: Car Color"], ["CLIP", "InDiReCT: Mood"]]
    named = [ax for ax in figure.axes if ax.get_xlabel() or ax.get_ylabel()]
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in named] == [("TriMap 1", "TriMap 2")]
    assert all(not len(ax.get_xticks()) for row in rows for ax in row[:2])
    for shift, ax in ((0, rows[0][0]), (0, rows[1][0]), (100, rows[0][1]), (200, rows[1][1])):
        assert sorted(points_of(ax)) == [shift + i for i in range(8)]


def test_points_have_the_colours_of_the_legend():
    labels = ["sad", "happy", "calm", "sad", "sad", "calm"]
    _, [[clip, mood, key]] = drawn(mood=labels)
    title, entries = legend_of(key)
    assert title == "Mood"
    assert list(entries) == ["calm", "happy", "sad"]
    for ax, shift in ((clip, 0), (mood, 100)):
        found = points_of(ax)
        assert [found[shift + i] for i in range(6)] == [
            to_rgba(entries[name][0]) for name in labels
        ]


def test_images_without_a_label_are_grey_and_behind():
    _, [[clip, _, key]] = drawn(mood=["sad", None, "calm", None, "Sad"])
    _, entries = legend_of(key)
    assert list(entries) == ["calm", "Sad", "sad", NO_LABEL]
    behind, *_ = clip.collections
    assert sorted(behind.get_offsets()[:, 0]) == [1, 3]
    assert {tuple(color) for color in behind.get_facecolors()} == {to_rgba(NO_CLASS)}


def test_a_notion_without_labels_says_so():
    _, [[clip, _, key]] = drawn(mood=[None] * 4)
    assert set(points_of(clip).values()) == {to_rgba(MUTED)}
    assert legend_of(key) == ("Mood", {NO_LABELS: (MUTED, "o")})


def test_classes_named_after_colours_have_them_with_an_edge():
    labels = ["white", "Navy", "light blue", "mixed", "other"]
    _, [[clip, _, key]] = drawn(car_color=labels)
    _, entries = legend_of(key)
    assert {name: entries[name] for name in labels[:3]} == {
        "white": ("white", "o"), "Navy": ("navy", "o"), "light blue": ("lightblue", "o"),
    }  # fmt: skip
    assert [entries[name][1] for name in labels[3:]] == ["^", "^"]
    assert len({to_rgba(color) for color, _ in entries.values()}) == 5
    found = points_of(clip)
    assert [found[i] for i in range(5)] == [to_rgba(entries[name][0]) for name in labels]
    assert all(c.get_linewidth()[0] > 0 for c in clip.collections if c.get_label() != NO_LABEL)


@pytest.mark.parametrize("classes", [["0", "1"], ["none", "C1"], ["tan", "Chad", "Peru", "Mali"]])
def test_other_names_are_no_colours(classes):
    assert not set(class_colors(classes)) & {name.lower() for name in classes}


def test_many_classes_are_a_colour_code():
    names = [f"model {i:02d}" for i in range(98)]
    _, [[clip, _, key]] = drawn(car_model=[*names, None])
    title, entries = legend_of(key)
    assert title == "Car Model\n98 classes in alphabetical order"
    assert list(entries) == [NO_LABEL]
    (bar,) = key.child_axes
    ticks = [text.get_text() for text in bar.get_yticklabels()]
    assert (ticks[0], ticks[-1]) == ("1 model 00", "98 model 97")
    found = points_of(clip)
    assert [found[i] for i in range(98)] == [to_rgba(color) for color in class_colors(names)]


@pytest.mark.parametrize("n_notions", [1, 3, 6])
@pytest.mark.parametrize("n_classes", [4, 20, 98])
def test_everything_is_inside_the_figure(n_notions, n_classes):
    labels = [f"class {i:02d} with thirty characters" for i in range(n_classes)]
    notions = {f"a notion of the user's, number {i}": labels for i in range(n_notions)}
    figure, rows = drawn(**notions)
    renderer = FigureCanvasAgg(figure).get_renderer()
    for row in rows:
        boxes = [row[2].get_legend().get_window_extent(renderer)]
        boxes += [
            text.get_window_extent(renderer)
            for bar in row[2].child_axes
            for text in bar.get_yticklabels()
        ]
        panel = row[1].get_window_extent(renderer)
        assert panel.width > 100
        for box in boxes:
            assert panel.x1 < box.x0
            assert box.x1 <= figure.bbox.x1
            assert panel.y0 - 6 <= box.y0  # half a line
            assert box.y1 <= panel.y1 + 6
