"""Retrieval: the nearest images, and a picture of them that marks what is right."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from lanzdml import CLIP, InDiReCT
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import WEIGHTS, write_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.figures.gallery.draw import NO_LABEL, NO_MARK, RIGHT_MARK, WRONG_MARK, draw_gallery
from lanzdml.figures.gallery.retrieval import (
    N_NEIGHBOURS,
    Retrieval,
    Shown,
    Source,
    choose_queries,
    nearest,
)
from lanzdml.figures.gallery.retrieval import (
    retrieve as retrieval_of,
)
from lanzdml.figures.style import TEXT_WIDTH, write_figure
from lanzdml.transforms.storage import load_transform, save_transform

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(("n", "d"), [(9, 3), (60, 33), (60, 128)])
def test_nearest_is_brute_force_with_ties_in_the_order_of_rows(n, d):
    rng = np.random.default_rng(n)
    vectors = rng.standard_normal((n, d)).astype(np.float32)
    vectors[rng.integers(n, size=n // 2)] = vectors[0]
    vectors[n // 3] = 4 * vectors[1]  # of another length, as near as its equal
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    queries = [0, 1, n // 3, n - 1]
    for k in (1, 5, n + 3):
        found = nearest(vectors, queries, k)
        assert found.shape == (len(queries), min(k, n - 1))
        for query, rows in zip(queries, found, strict=True):
            others = [row for row in range(n) if row != query]
            others.sort(key=lambda row: (-round(float(exact[row] @ exact[query]), 6), row))
            assert rows.tolist() == others[:k]


def test_nearest_in_a_narrow_cone():
    rng = np.random.default_rng(0)
    around = 1e-4 * rng.normal(size=(200, 32))
    vectors = (np.ones(32) + around).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    distances = ((unit[:, None] - unit[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(
        nearest(vectors, range(200), 5), np.argsort(distances, axis=1)[:, :5]
    )


def test_a_vector_of_zeros_is_as_near_as_one_at_a_right_angle():
    vectors = [[1.0, 0], [-1, 0], [0, 0], [0, 2], [1, 1]]
    assert nearest(vectors, [0, 2], 9).tolist() == [[4, 2, 3, 1], [0, 1, 3, 4]]


LABELS = pd.DataFrame({
    "image_id": list("abcdef"),
    "mood": ["sad", "sad", None, "happy", "sad", None],
    "taste": ["sour", None, "sweet", "sour", "sweet", None],
    "unscored": [None] * 6,
})  # fmt: skip


def test_queries_are_drawn_among_images_with_all_labels():
    draws = {tuple(choose_queries(LABELS, 2, seed)) for seed in range(30)}
    assert {row for rows in draws for row in rows} == {0, 3, 4}
    assert len(draws) == 6
    assert choose_queries(LABELS, 2, 7) == choose_queries(LABELS, 2, 7)
    assert sorted(choose_queries(LABELS, 9, 0)) == [0, 3, 4]
    assert len(choose_queries(LABELS[["image_id", "unscored"]], 6, 0)) == 6


def test_queries_can_be_named():
    assert choose_queries(LABELS, ["f", "b"], 0) == [5, 1]
    with pytest.raises(LanzdmlError, match=r"^figures.gallery.queries: there is no image 'x'"):
        choose_queries(LABELS, ["f", "x"], 0)


def encoded(color, size=(6, 4)):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def retrieve(images, manifest, root, transforms, queries, seed, columns):
    source = Source(images, manifest, root, columns)
    return retrieval_of([source], transforms, queries, seed)


COLUMNS = {"mood": "mood", "taste": "taste", "free": "free"}


@pytest.fixture(params=["image", "path"])
def files(request, tmp_path):
    """Twelve images, each of its own grey; three notions, one of them without labels."""
    ids = [f"i{i}" for i in range(12)]
    vectors = np.random.default_rng(0).standard_normal((12, 8)).astype(np.float32)
    manifest = pd.DataFrame({
        "image_id": ids,
        "mood": ["sad", "happy", None, "sad"] * 3,
        "taste": ["sour"] * 11 + [None],
    })  # fmt: skip
    contents = [encoded((i,) * 3) for i in range(12)]
    if request.param == "path":
        for image_id, content in zip(ids, contents, strict=True):
            (tmp_path / f"{image_id}.png").write_bytes(content)
        contents = [f"{image_id}.png" for image_id in ids]
    manifest[request.param] = contents
    write_manifest(tmp_path / "manifest.parquet", manifest, ["mood", "taste"], "mine")
    metadata = {FINGERPRINT: fingerprint(manifest), WEIGHTS: "w"}
    write_embeddings(tmp_path / "images.parquet", manifest[["image_id"]], vectors, metadata)
    transforms = {}
    for notion, method in {
        "mood": InDiReCT(2, max_iter=3),
        "taste": CLIP(),
        "free": CLIP(),
    }.items():
        transforms[notion] = tmp_path / f"{notion}.safetensors"
        save_transform(transforms[notion], method.fit(vectors[:5]), **{WEIGHTS: "w"})
    images, manifest_file = tmp_path / "images.parquet", tmp_path / "manifest.parquet"
    return vectors, manifest, (images, manifest_file, tmp_path, transforms)


def test_what_is_shown_is_what_is_nearest(files):
    vectors, manifest, paths = files
    (first, second) = retrieve(*paths, ["i7", "i2"], 0, COLUMNS)
    for retrieval, row in ((first, 7), (second, 2)):
        assert retrieval.query.image_id == f"i{row}"
        assert list(retrieval.indirect) == ["mood", "taste", "free"]
        rows = nearest(vectors, [row], N_NEIGHBOURS)[0]
        assert [shown.image_id for shown in retrieval.clip] == [f"i{i}" for i in rows]
        mood = load_transform(paths[3]["mood"]).transform(vectors)
        rows = nearest(mood, [row], N_NEIGHBOURS)[0]
        assert [shown.image_id for shown in retrieval.indirect["mood"]] == [f"i{i}" for i in rows]
        for shown in (retrieval.query, *retrieval.clip, *retrieval.indirect["mood"]):
            number = int(shown.image_id[1:])
            assert shown.image.getpixel((0, 0)) == (number,) * 3
            labels = manifest.loc[number, ["mood", "taste"]].dropna().to_dict()
            assert shown.labels == labels


@pytest.mark.parametrize("files", ["image"], indirect=True)
def test_labels_can_be_those_of_another_notion(files):
    *_, paths = files
    (found,) = retrieve(*paths, ["i7"], 0, COLUMNS | {"free": "mood"})
    assert found.query.labels == {"mood": "sad", "taste": "sour", "free": "sad"}


@pytest.mark.parametrize("files", ["image"], indirect=True)
def test_notions_can_be_called_as_methods_and_spaces_are(files):
    *_, (*paths, transforms) = files
    called = dict(zip(["clip", "indirect", "labels"], transforms.items(), strict=True))
    given = {name: path for name, (_, path) in called.items()}
    columns = {name: notion for name, (notion, _) in called.items()}
    (found,) = retrieve(*paths, given, ["i7"], 0, columns)
    (expected,) = retrieve(*paths, transforms, ["i7"], 0, COLUMNS)
    for name, (notion, _) in called.items():
        ids = [[shown.image_id for shown in rows]
               for rows in (found.indirect[name], expected.indirect[notion])]  # fmt: skip
        assert ids[0] == ids[1]
    assert found.query.labels == {"clip": "sad", "indirect": "sour"}


@pytest.mark.parametrize("files", ["path"], indirect=True)
def test_only_what_is_shown_is_read(files, tmp_path):
    *_, paths = files
    (found,) = retrieve(*paths, ["i7"], 0, COLUMNS)
    needed = {"i7"} | {shown.image_id for row in found.indirect.values() for shown in row}
    assert len(needed) < 12
    for i in range(12):
        if f"i{i}" not in needed:
            (tmp_path / f"i{i}.png").unlink()
    assert retrieve(*paths, ["i7"], 0, COLUMNS)[0].query.labels == found.query.labels


@pytest.mark.parametrize("files", ["path"], indirect=True)
def test_an_image_that_cannot_be_read_is_named(files, tmp_path):
    *_, paths = files
    (tmp_path / "i7.png").write_bytes(b"no image")
    with pytest.raises(LanzdmlError, match=r"image i7 \(.*i7\.png\) cannot be read"):
        retrieve(*paths, ["i7"], 0, COLUMNS)


def test_files_of_other_images_are_refused(files):
    vectors, manifest, paths = files
    write_embeddings(paths[0], manifest[["image_id"]][::-1], vectors, {})
    with pytest.raises(LanzdmlError, match="other images"):
        retrieve(*paths, 1, 0, COLUMNS)


def shown(number, size=(30, 20), **labels):
    return Shown(f"i{number}", Image.new("RGB", size), labels)


def retrieval(**moods):
    """A query that is sad and has no taste; its neighbours by CLIP and by mood have these moods."""
    neighbours = {
        space: [shown(i, mood=mood) if mood else shown(i) for i, mood in enumerate(found)]
        for space, found in moods.items()
    }
    indirect = {"mood": neighbours["mood"], "taste": neighbours["clip"]}
    return Retrieval(shown(9, mood="sad"), neighbours["clip"], indirect, {"mood": 3})


EXAMPLE = retrieval(clip=["happy", None, "sad"], mood=["sad", "sad", "gloomy"])


def texts_of(figure):
    (ax,) = figure.axes
    return [text.get_text() for text in ax.texts]


def test_marks_agree_with_the_labels():
    assert [EXAMPLE.is_right(found, "mood") for found in EXAMPLE.clip] == [False, None, True]
    assert EXAMPLE.is_right(EXAMPLE.clip[0], "taste") is None
    figure = draw_gallery([EXAMPLE], dataset="demo_cars", model="demo-M", dim=128)
    texts = texts_of(figure)
    marks = (RIGHT_MARK, WRONG_MARK, NO_MARK)
    below = [text for text in texts if text.startswith(marks) and "label" not in text]
    # a mark a notion, and the query has no taste
    by_clip = [WRONG_MARK, NO_MARK, NO_MARK, NO_MARK, RIGHT_MARK, NO_MARK]
    assert below == [*by_clip, RIGHT_MARK, RIGHT_MARK, f"{WRONG_MARK} gloomy"]
    assert texts[0] == "Demo Cars, demo-M, r' = 128"
    assert "Mood: sad\ntaste: no label" in texts
    names = [text for text in texts if text.startswith(("CLIP", "InDiReCT"))]
    assert names[:3] == ["CLIP", "InDiReCT\nMood", "CLIP 1 of 3"]
    assert names[3] == "InDiReCT\ntaste"
    assert "2 of 3" in texts
    assert texts.count(NO_LABEL) == 1


def test_every_image_has_its_place():
    figure = draw_gallery([EXAMPLE, EXAMPLE], dataset="mine", model="m", dim=128)
    (ax,) = figure.axes
    assert len(ax.images) == 2 * (1 + 3 * 3)
    frames = [patch for patch in ax.patches if not patch.get_fill()]
    for image, frame in zip(ax.images, frames, strict=True):
        left, right, bottom, top = image.get_extent()
        assert (right - left) / (bottom - top) == pytest.approx(30 / 20)
        box = frame.get_bbox()
        assert box.width == pytest.approx(box.height)
        assert box.x0 == pytest.approx(left)
        assert (top + bottom) / 2 == pytest.approx((box.y0 + box.y1) / 2)


@pytest.mark.parametrize("n_notions", [1, 3, 5])
@pytest.mark.parametrize("n_queries", [1, 4])
def test_long_names_and_odd_shapes_fit(n_notions, n_queries):
    notions = [f"a notion of thirty characters {i}" for i in range(n_notions)]

    def one(number):
        size = [(300, 30), (30, 300), (1, 1)][number % 3]
        labels = dict.fromkeys(notions, f"label {number} of thirty characters")
        return shown(number, size, **labels)

    found = [one(i) for i in range(N_NEIGHBOURS)]
    block = Retrieval(
        one(0), found, dict.fromkeys(notions, found), dict.fromkeys(notions, N_NEIGHBOURS)
    )
    figure = draw_gallery([block] * n_queries, dataset="mine", model="m", dim=128)
    (ax,) = figure.axes
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [
        text.get_window_extent(renderer).transformed(ax.transData.inverted()) for text in ax.texts
    ]
    frames = [patch.get_bbox() for patch in ax.patches if not patch.get_fill()]
    assert all(frame.count_overlaps(frames) == 1 for frame in frames)  # itself
    height = figure.get_figheight()
    for i, box in enumerate(boxes):
        assert min(box.x0, box.x1) >= 0
        assert max(box.x0, box.x1) <= TEXT_WIDTH
        assert max(box.y0, box.y1) <= height
        assert not box.count_overlaps(frames), ax.texts[i].get_text()
        others = boxes[:i] + boxes[i + 1 :]
        assert not box.count_overlaps(others), ax.texts[i].get_text()


def test_a_notion_without_labels_has_no_marks(tmp_path):
    found = [shown(i) for i in range(3)]
    figure = draw_gallery(
        [Retrieval(shown(9), found, {"mood": found}, {})], dataset="d", model="m", dim=128
    )
    texts = texts_of(figure)
    assert not {RIGHT_MARK, WRONG_MARK, NO_MARK} & set(texts)
    assert NO_LABEL in texts
    for name in ("a.png", "b.png"):
        write_figure(figure, [tmp_path / name])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
