"""What methods, experiments, tables and pictures make of labels of several values."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from lanzdml import LDA, ClassMeans, FewShotPosterior, Oracle
from lanzdml.datasets.manifest import write_manifest
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.errors import CannotFitError
from lanzdml.experiments import EXPERIMENTS
from lanzdml.figures.gallery.draw import draw_gallery
from lanzdml.figures.gallery.retrieval import Retrieval, Shown, retrieve
from lanzdml.figures.trimap.draw import draw_trimap
from lanzdml.figures.trimap.points import CLIP_SPACE
from lanzdml.methods import METHODS
from lanzdml.methods.base import normalise
from lanzdml.methods.effective_rank import class_directions
from lanzdml.methods.elsewhere import VARIABLE, welcome
from lanzdml.methods.needs import PROMPTS, SEVERAL_VALUES
from lanzdml.metrics import compute_metrics
from lanzdml.metrics.chance import chance_of
from lanzdml.tables.classes import class_scores
from lanzdml.transforms.fitting import FitTask, fit_transforms
from lanzdml.transforms.storage import read_metadata, save_transform
from tests.measured import measure, write_world

N, R = 80, 12
VALUES = ("red", "green", "blue", "white")
RNG = np.random.default_rng(0)
HAS = RNG.random((N, len(VALUES))) < 0.35
HAS[np.arange(N), np.arange(N) % len(VALUES)] = True
SETS = [tuple(sorted(value for value, has in zip(VALUES, row, strict=True) if has)) for row in HAS]
SHAPES = [f"shape {n % 5}" for n in range(N)]
IMAGES_OF = (HAS @ np.eye(4, R) + 0.3 * RNG.standard_normal((N, R))).astype(np.float32)


# Methods


def test_class_means_are_of_all_images_with_a_value():
    unit = normalise(IMAGES_OF)
    means = np.stack([unit[column].mean(axis=0) for column in HAS[:, np.argsort(VALUES)].T])
    made = ClassMeans(dim=3).fit(IMAGES_OF, [set(values) for values in SETS])
    np.testing.assert_allclose(made.mean_, means.mean(axis=0), atol=1e-6)
    centred = means - means.mean(axis=0)
    np.testing.assert_allclose(centred @ made.directions_.T @ made.directions_, centred, atol=1e-6)
    directions = means / np.linalg.norm(means, axis=1, keepdims=True)
    found = class_directions(unit, np.array([frozenset(values) for values in SETS], object))
    np.testing.assert_allclose(found, directions, atol=1e-6)


@pytest.mark.filterwarnings("ignore:oracle was stopped")
@pytest.mark.parametrize("cls", [ClassMeans, Oracle])
def test_sets_of_one_value_are_labels(cls):
    labels = [values[0] for values in SETS]
    settings = {} if cls is ClassMeans else {"max_iter": 20}
    of_labels = cls(dim=3, **settings).fit(IMAGES_OF, labels).transform(IMAGES_OF)
    of_sets = cls(dim=3, **settings).fit(IMAGES_OF, [{label} for label in labels])
    assert of_sets.transform(IMAGES_OF).tobytes() == of_labels.tobytes()


@pytest.mark.filterwarnings("ignore:oracle was stopped")
def test_the_order_of_values_is_theirs_and_no_sets():
    """Sets of numbers and of texts in the same order give the same fit, whatever their hashes."""
    numbers = [{sorted(VALUES).index(value) for value in values} for values in SETS]
    fits = [
        Oracle(dim=3, max_iter=20).fit(IMAGES_OF, labels).U_
        for labels in (
            [set(values) for values in SETS],
            [[*values][::-1] for values in SETS],
            numbers,
        )
    ]
    assert fits[0].tobytes() == fits[1].tobytes() == fits[2].tobytes()


def test_what_is_defined_for_one_label_an_image_says_so():
    sets = [set(values) for values in SETS]
    with pytest.raises(CannotFitError, match=SEVERAL_VALUES):
        LDA(dim=3).fit(IMAGES_OF, sets)
    with pytest.raises(CannotFitError, match=SEVERAL_VALUES):
        FewShotPosterior().fit(np.eye(4, R), images=IMAGES_OF, labels=sets)


SORTING = """
import numpy as np
from lanzdml.methods.base import Method
from lanzdml.methods.needs import IMAGES, LABELS

class Sorting(Method):
    '''Makes classes of labels as numpy does, in which sets are no classes.'''

    needs = (IMAGES, LABELS)
    has_dim = False
    learned = ("codes_",)

    def __init__(self, *, random_state=0):
        self.random_state = random_state

    def fit(self, X, y=None):
        self.codes_ = np.float32(np.unique(y, return_inverse=True)[1])
        return self._fit_vectors(X, "image_embeddings", lambda unit: None)

    def _transform(self, images):
        return images
"""


def world(folder):
    """Images of several values of the notion shade, and of one shape."""
    texts = {
        "shade": dict(zip(VALUES, np.eye(4, R) + 0.2, strict=True)),
        "shape": {f"shape {n}": np.eye(5, R)[n] + 0.3 for n in range(5)},
    }
    shades = [None if n == 3 else values for n, values in enumerate(SETS)]
    write_world(folder, {"shade": shades, "shape": SHAPES}, IMAGES_OF, texts)


@pytest.mark.parametrize(("method", "status"), [
    ("oracle", "ok"), ("class_means", "ok"), ("lda", "not_fitted"),
    ("few_shot_posterior", "not_fitted"), ("sorting", "not_fitted"),
])  # fmt: skip
def test_a_fit_to_several_values_is_made_or_has_a_reason(tmp_path, monkeypatch, method, status):
    monkeypatch.setenv(VARIABLE, "{}")
    if method == "sorting":
        (tmp_path / "theirs.py").write_text(SORTING)
        assert welcome(f"{tmp_path / 'theirs.py'}:Sorting") == method
    world(tmp_path)
    reads = PROMPTS in METHODS[method].needs
    task = FitTask(
        output=str(tmp_path / "t.safetensors"), method=method,
        dim=3 if METHODS[method].has_dim else None, seed=0, version="1",
        prompts=str(tmp_path / "shade.parquet") if reads else None, images=str(tmp_path / "images.parquet"),
        manifest=str(tmp_path / "manifest.parquet"), labels="shade",
    )  # fmt: skip
    fit_transforms([task], kept=tmp_path / "kept")
    metadata = read_metadata(tmp_path / "t.safetensors")
    assert metadata["status"] == status
    assert metadata["reason"] in ("", SEVERAL_VALUES) or "logit scale" in metadata["reason"]


# Experiments


def test_specificity_is_scored_on_shared_values(tmp_path):
    world(tmp_path)
    summary, rows = measure(tmp_path, "specificity", ["clip", "text_subspace"])
    row = rows[(rows["method"] == "clip") & (rows["notion"] == "shape")].set_index("scored_on")
    some = np.arange(N) != 3
    labels = [set(values) for values, used in zip(SETS, some, strict=True) if used]
    expected = compute_metrics(IMAGES_OF[some], labels)
    for metric in ("map_at_r", "precision_at_1"):
        assert row.loc["shade", metric] == pytest.approx(expected[metric], abs=1e-6)
        assert row.loc["shade", f"{metric}_chance"] == pytest.approx(chance_of(labels)[metric])
    assert row.loc["shade", "n_classes"] == 4
    section = EXPERIMENTS["specificity"]
    assert len(section.tables(summary)) == 1
    section.draw(summary)


@pytest.mark.parametrize(("experiment", "settings"), [
    ("unseen", {"splits": 2}), ("label_worth", {"labels": [1, 2], "draws": 2}),
])  # fmt: skip
def test_what_halves_or_draws_classes_says_why_it_cannot(tmp_path, experiment, settings):
    world(tmp_path)
    given = {"to_labels": ["lda"]} if experiment == "label_worth" else {}
    methods = ["clip", "text_subspace"]
    summary, rows = measure(tmp_path, experiment, methods, **given, **settings)
    section = EXPERIMENTS[experiment]
    of_several = rows[rows["notion"] == "shade"]
    assert of_several["reason"].str.startswith("its images have several values, so that").all()
    assert of_several["map_at_r"].isna().all()
    assert rows.loc[rows["notion"] == "shape", "map_at_r"].notna().any(), "others are measured"
    notes = [note for table in section.tables(summary) for note in table.notes]
    assert sum("its images have several values" in note for note in notes) == 1
    assert not any("nan" in note for note in notes)
    section.draw(summary)
    section.sentences(summary)


def test_wordings_and_sizes_are_measured_as_ever(tmp_path):
    world(tmp_path)
    _, rows = measure(
        tmp_path, "wording", ["clip", "text_subspace"], ["shade"], wordings=["own"], angles=[5],
        draws=1, influence=["text_subspace"],
    )  # fmt: skip
    labels = [set(values) for number, values in enumerate(SETS) if number != 3]
    worded = rows[rows["case"] == "worded"]
    assert set(worded["n_queries"]) == {N - 1}
    assert worded["map_at_r_chance"].iloc[0] == pytest.approx(chance_of(labels)["map_at_r"])
    assert set(rows["names"].dropna()) == {*VALUES}
    _, rows = measure(tmp_path, "dim_choice", ["text_subspace"], ["shade"], dims=[1, 2])
    assert set(rows["n_classes"]) == {4}
    assert rows["map_at_r"].notna().all()


# Tables


def test_a_query_counts_for_each_of_its_classes(tmp_path):
    from tests.test_classes import write_run

    ids = [f"image {n}" for n in range(4)]
    manifest = pd.DataFrame({"image_id": ids, "path": ids})
    manifest["car_color"] = [("blue", "red"), ("red",), ("blue",), None]
    write_manifest(tmp_path / "manifest.parquet", manifest, ["car_color"], "demo_cars")
    runs = [
        write_run(tmp_path, method, scores)
        for method, scores in (("clip", [0.2, 0.4, 0.6]), ("indirect", [0.4, 0.8, 0.6]))
    ]
    metrics, queries = zip(*runs, strict=True)
    labels = {("paper", "demo_cars", "car_color"): (tmp_path / "manifest.parquet", "car_color")}
    rows = class_scores(metrics, queries, labels).set_index(["method", "class"])
    assert rows["n_images"].to_dict() == dict.fromkeys(rows.index, 2)
    assert rows.loc["clip", "map_at_r"].to_dict() == pytest.approx({"blue": 40, "red": 30})
    assert rows.loc["indirect", "map_at_r_minus_clip"].to_dict() == pytest.approx(
        {"blue": 10, "red": 30}
    )


# Pictures


def test_a_neighbour_is_right_that_shares_a_value(tmp_path):
    world(tmp_path)
    save_transform(
        tmp_path / "clip.safetensors", METHODS["clip"]().fit(IMAGES_OF), **{WEIGHTS: "w"}
    )
    table = pd.read_parquet(tmp_path / "manifest.parquet")
    for path in table["path"]:
        Image.new("RGB", (4, 4)).save(tmp_path / path)
    (found,) = retrieve(
        tmp_path / "images.parquet", tmp_path / "manifest.parquet", tmp_path,
        {"shade": tmp_path / "clip.safetensors"}, ["0.png"], 0, {"shade": "shade"},
    )  # fmt: skip
    assert found.possible["shade"] == 7
    for shown in found.clip:
        other = SETS[int(shown.image_id.removesuffix(".png"))]
        expected = None if shown.image_id == "3.png" else bool({*SETS[0]} & {*other})
        assert found.is_right(shown, "shade") == expected


def test_the_gallery_shows_values_in_order():
    image = Image.new("RGB", (4, 4))
    query = Shown("q", image, {"mood": frozenset(["sad", "calm"])})
    near = [
        Shown("a", image, {"mood": frozenset(["sad", "new"])}),
        Shown("b", image, {"mood": "new"}),
    ]
    figure = draw_gallery(
        [Retrieval(query, near, {"mood": near}, {"mood": 1})], dataset="d", model="m", dim=2
    )
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "Mood: calm, sad" in texts or "mood: calm, sad" in texts
    assert "1 of 1" in texts
    assert "✔ the query's label, or one of several" in texts
    assert "✘ new" in texts


def test_a_map_has_a_ring_for_each_value():
    moods = [frozenset(["sad", "calm"]), frozenset(["calm"]), None]
    manifest = pd.DataFrame({"image_id": ["a", "b", "c"], "state": moods})
    points = pd.concat(
        pd.DataFrame({"image_id": manifest["image_id"], "space": space, "x": range(3), "y": 0.0})
        for space in (CLIP_SPACE, "state")
    )
    figure = draw_trimap(points, manifest, ["state"], dataset="d", model="m", dim=2)
    figure.draw_without_rendering()
    clip, _, key = [ax for ax in figure.axes if ax.get_subplotspec()]
    _, dots = clip.collections
    entries = {h.get_label(): to_rgba(h.get_color()) for h in key.get_legend().legend_handles}
    assert list(entries) == ["calm", "sad", "no label"]
    assert key.get_legend().get_title().get_text() == "state\na ring for each of several"
    found = sorted(
        (float(x), float(size), tuple(color))
        for (x, _), size, color in zip(
            dots.get_offsets(), dots.get_sizes(), dots.get_facecolors(), strict=True
        )
    )
    assert [(x, color) for x, _, color in found] == [
        (0, entries["sad"]), (0, entries["calm"]), (1, entries["calm"])
    ]  # fmt: skip
    assert found[0][1] == pytest.approx(found[1][1] / 4)
    assert found[1][1] == found[2][1]
