"""The explorer's numbers: neighbours, ties, confusions and scores are those of the metrics."""

import base64
import json
import re
from collections import Counter
from copy import deepcopy
from dataclasses import asdict
from html import unescape

import numpy as np
import pandas as pd
import pytest
from tiny_explorer import DIM, SEED, Tiny, picture, vectors_by, write_page

from lanzdml import CLIP, RandomTransform, TextSubspace
from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.datasets.queries import Queries
from lanzdml.embeddings.storage import read_embeddings, write_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.explorer import page as page_module
from lanzdml.explorer.collect import N_NEIGHBOURS, collect
from lanzdml.explorer.neighbours import NONE, find
from lanzdml.explorer.sample import can_ask, draw, shares
from lanzdml.explorer.task import DatasetTask
from lanzdml.explorer.thumbnails import NO_ROOM, UNREADABLE, VECTORS_ONLY
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.scores import query_scores
from lanzdml.plan import Plan
from lanzdml.plan.explorer import explorer_tasks
from lanzdml.plan.given import Given
from lanzdml.transforms.storage import load_transform

KINDS = [f"class {i % 4}" for i in range(60)] + ["alone", None]
COLORS = [("red", "blue")[: 1 + i % 2] if i % 5 else ("green",) for i in range(62)]
PAPER = PROTOCOLS["paper"]


def data_of(path):
    """What a page holds."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="explorer-data">(.*?)</script>', text)
    return json.loads(found[1])


def numbers(packed):
    """An array of a page."""
    kind = {"Uint8Array": "u1", "Uint16Array": "<u2", "Uint32Array": "<u4", "Float32Array": "<f4"}
    return np.frombuffer(base64.b64decode(packed["data"]), kind[packed["type"]])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return Tiny(folder, {"kind": KINDS, "color": COLORS}, vectors_by(KINDS))


@pytest.fixture(scope="module")
def task(tiny):
    return tiny.task()


@pytest.fixture(scope="module")
def shown(task):
    return collect(task, can_ask(task), PAPER, SEED)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_neighbours_are_those_of_all_pairs(distance):
    labels = np.array([f"class {i % 5}" for i in range(300)], object)
    vectors = vectors_by(labels)
    rows = np.array([7, 250, 3, 8, 9, 299])
    found = find(vectors, labels, rows, 9, distance=distance)
    points = vectors.astype(np.float64)
    if distance == "cosine":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    for row, neighbours in zip(rows, found.neighbours, strict=True):
        far = ((points - points[row]) ** 2).sum(axis=1)
        far[row] = np.inf
        assert neighbours.tolist() == np.argsort(far)[:9].tolist()
    assert not found.tied.any()
    assert not found.beyond.any()


def test_what_ties_is_in_the_order_of_the_data_and_said():
    """Copies of few vectors: who is shown of them is no matter of rounding."""
    vectors = np.repeat(np.eye(3, DIM, dtype=np.float32) * [[1], [3], [7]], 10, axis=0)
    labels = np.array(["a", "b"] * 15, object)
    found = find(vectors, labels, np.arange(30), 4, distance="cosine")
    assert found.neighbours[0].tolist() == [1, 2, 3, 4]
    assert found.neighbours[2].tolist() == [0, 1, 3, 4]
    assert found.neighbours[15].tolist() == [10, 11, 12, 13]
    assert found.tied[:, 0].tolist() == [False] * 30
    assert found.tied[:, 1:].all()
    assert (found.beyond == 9 - 4).all()
    scores = query_scores(vectors, labels)["precision_at_1"]
    assert found.right == pytest.approx(scores)
    assert found.confusions[0, 0] == pytest.approx(15 * 4 / 9)
    whole = find(vectors, labels, np.arange(30), 50, distance="cosine")
    assert (whole.neighbours[:, 29:] == NONE).all()
    assert sorted(whole.neighbours[4, :29]) == [row for row in range(30) if row != 4]
    assert whole.beyond.tolist() == [0] * 30


@pytest.mark.parametrize("labels", [KINDS[:60], [frozenset(one) for one in COLORS]])
def test_the_first_neighbour_is_that_of_prec_at_1(labels):
    labels = np.array([*labels, None], object)[:-1]
    vectors = vectors_by([str(label) for label in labels], noise=2.0)
    vectors[5] = vectors[17] = vectors[40]
    rows = np.arange(len(labels))
    found = find(vectors, labels, rows, 5, distance="cosine")
    scores = query_scores(vectors, labels)["precision_at_1"]
    assert found.right == pytest.approx(np.nan_to_num(scores))
    assert sum(found.confusions.values()) == pytest.approx(len(rows))


def test_queries_find_the_gallery_only():
    labels = np.array([f"class {i % 3}" for i in range(40)], object)
    vectors = vectors_by(labels)
    queries = np.arange(40) % 4 == 1
    found = find(vectors, labels, np.flatnonzero(queries), 6, distance="cosine", queries=queries)
    assert not queries[found.neighbours].any()
    scores = query_scores(vectors, labels, queries=queries)["precision_at_1"]
    assert found.right == pytest.approx(scores[queries])


def test_what_is_shown_is_what_was_scored(tiny, shown):
    kind, color = shown.notions
    assert (kind.n_images, color.n_images) == (61, 62)
    assert (kind.several, color.several) == (False, True)
    clip, subspace, _, pca = kind.methods
    assert pca.reason == "there are <b>too few</b> prompts"
    assert pca.found is None
    for method, cls in ((clip, CLIP), (subspace, TextSubspace)):
        vectors = load_transform(tiny.transform(cls)).transform(tiny.vectors[:61])
        scores = query_scores(vectors, KINDS[:61])
        for name, values in method.of_queries.items():
            assert values == pytest.approx(scores[name], rel=1e-6, nan_ok=True)
            assert method.scores[name] == pytest.approx(np.nanmean(scores[name]))
        assert np.isnan(method.of_queries["map_at_r"][60]), "nothing else is of its class"
        assert method.elsewhere == 0
        right = sum(n for (one, other), n in method.found.confusions.items() if one == other)
        assert right / 60 == pytest.approx(method.scores["precision_at_1"])
    assert kind.possible.tolist() == [min(14, N_NEIGHBOURS)] * 60 + [0]
    assert kind.classes == ["alone", "class 0", "class 1", "class 2", "class 3"]
    assert [kind.classes[one[0]] for one in kind.labels[:5]] == ["class 0", "class 1", "class 2",
                                                                 "class 3", "class 0"]  # fmt: skip
    assert [[color.classes[i] for i in one] for one in color.labels[:3]] == [
        ["green"], ["blue", "red"], ["red"]
    ]  # fmt: skip


def test_points_lie_in_the_unit_square_and_those_of_the_same_vectors_are_the_same(shown):
    for notion in shown.notions:
        for method in notion.methods[:3]:
            assert method.points.shape == (len(notion.pictures), 2)
            assert method.points.min() >= 0
            assert method.points.max() <= 1
            assert np.ptp(method.points, axis=0).max() == pytest.approx(1)


def test_few_images_have_no_map(tmp_path):
    task = Tiny(tmp_path, {"kind": list("aabb")}, vectors_by(list("aabb"))).task((CLIP,))
    (method,) = collect(task, can_ask(task), PAPER, SEED).notions[0].methods
    assert method.points is None
    assert "at least 6 images" in method.no_points
    assert (method.found.neighbours[:, 3:] == NONE).all()


def test_a_sample_finds_neighbours_among_all(task, tiny):
    chosen = draw(can_ask(task), 10, SEED)
    few = collect(task, chosen, PAPER, SEED)
    whole = collect(task, can_ask(task), PAPER, SEED)
    assert few.n_queries == 10
    assert few.ids[:10].tolist() == [tiny.ids[row] for row in chosen]
    for notion, full in zip(few.notions, whole.notions, strict=True):
        for method, of_all in zip(notion.methods[:3], full.methods[:3], strict=True):
            for place, number in enumerate(notion.pictures):
                (other,) = np.flatnonzero(whole.ids[full.pictures] == few.ids[number])
                assert (
                    few.ids[method.found.neighbours[place]].tolist()
                    == whole.ids[of_all.found.neighbours[other]].tolist()
                )
            assert method.scores == of_all.scores, "over all queries"


def test_shares():
    assert shares([100, 100], 60) == [30, 30]
    assert shares([10, 1000, 500], 900) == [10, 445, 445]
    assert shares([5, 5], 100) == [5, 5]
    assert shares([3, 3, 3], 2) == [0, 1, 1] or sum(shares([3, 3, 3], 2)) == 2


def test_another_datasets_queries_are_told_from_the_gallery_of_the_same_ids(tmp_path):
    kinds = [f"class {i % 3}" for i in range(24)]
    gallery = Tiny(tmp_path / "gallery", {"kind": kinds}, vectors_by(kinds))
    own = [f"class {i % 3}" for i in range(9)]
    others = Tiny(tmp_path / "others", {"kind": own}, vectors_by(own, seed=0), name="others")
    files = str(others.embeddings), str(others.manifest), "kind"
    queries = Queries(others=files)
    task = gallery.task((CLIP,), queries, others.source, protocol="query_gallery")
    assert can_ask(task).tolist() == list(range(9))
    shown = collect(task, can_ask(task), PROTOCOLS["query_gallery"], SEED)
    (notion,) = shown.notions
    assert shown.is_other.tolist() == [True] * 9 + [False] * (len(shown.ids) - 9)
    assert (notion.methods[0].found.neighbours >= 9).all()
    assert notion.methods[0].elsewhere == 0
    assert (notion.n_queries, notion.n_images) == (9, 33)
    data = data_of(write_page(tmp_path, task, protocol="query_gallery"))
    assert data["split"] is True
    images = [*range(9), *numbers(data["datasets"][0]["rows"])[9:]]
    assert len(set(data["datasets"][0]["thumbnails"][:9])) == 9
    assert images[:9] == list(range(9))


def test_a_share_of_queries(tmp_path):
    tiny = Tiny(tmp_path, {"kind": KINDS, "color": COLORS}, vectors_by(KINDS))
    task = tiny.task((CLIP,), Queries(share=0.25, seed=1), protocol="query_gallery")
    assert len(can_ask(task)) == round(62 * 0.25)
    shown = collect(task, can_ask(task), PROTOCOLS["query_gallery"], SEED)
    for notion in shown.notions:
        assert notion.methods[0].elsewhere == 0
        assert not np.isin(notion.methods[0].found.neighbours, notion.pictures).any()


def test_scores_of_other_transforms_are_refused(tmp_path):
    tiny = Tiny(tmp_path, {"kind": KINDS}, vectors_by(KINDS, noise=2.0))
    task = tiny.task((RandomTransform,))
    tiny.score("kind", CLIP)
    (tmp_path / "random_transform.safetensors").write_bytes(
        (tmp_path / "clip.safetensors").read_bytes()
    )
    with pytest.raises(LanzdmlError, match=r"queries.parquet: \d+ of 60 images find another one"):
        collect(task, can_ask(task), PAPER, SEED)


def test_scores_of_other_queries_are_refused(tmp_path):
    task = Tiny(tmp_path, {"kind": KINDS}, vectors_by(KINDS)).task((CLIP,))
    path = task.notions[0].methods[0].queries
    pd.read_parquet(path).drop(index=7).to_parquet(path)
    with pytest.raises(LanzdmlError, match="scores other images than have one of their class"):
        collect(task, can_ask(task), PAPER, SEED)


def test_few_other_scores_are_told(tmp_path):
    tiny = Tiny(tmp_path, {"kind": KINDS}, vectors_by(KINDS))
    task = tiny.task((CLIP,))
    path = task.notions[0].methods[0].queries
    table = pd.read_parquet(path)
    table.loc[4, "precision_at_1"] = 1 - table.loc[4, "precision_at_1"]
    table.to_parquet(path)
    (dataset,) = data_of(write_page(tmp_path, task))["datasets"]
    assert dataset["notions"][0]["methods"][0]["elsewhere"] == 1


def test_finished_vectors_of_others(tmp_path):
    tiny = Tiny(tmp_path, {"kind": KINDS}, vectors_by(KINDS))
    rows, vectors, facts = read_embeddings(tiny.embeddings)
    theirs = tmp_path / "theirs.parquet"
    write_embeddings(theirs, rows, vectors[:, :5], facts | {"seed": str(SEED)})
    told = tiny.score("kind", type("Theirs", (), {"name": "theirs"}), transform=theirs)
    task = tiny.task((CLIP,))
    task.notions[0].methods.append(told)
    clip, mine = collect(task, can_ask(task), PAPER, SEED).notions[0].methods
    assert (clip.dim, mine.dim) == (DIM, 5)
    assert mine.elsewhere == 0
    assert data_of(write_page(tmp_path, task))["datasets"][0]["notions"][0]["methods"][1]["label"]


def test_the_page_holds_what_was_collected(tmp_path, task, shown):
    (dataset,) = data_of(write_page(tmp_path, task))["datasets"]
    assert dataset["n_images"] == dataset["n_queries"] == 62
    assert [len(dataset[name]) for name in ("ids", "thumbnails")] == [62, 62]
    assert all(isinstance(one, str) for one in dataset["thumbnails"])
    for told, notion in zip(dataset["notions"], shown.notions, strict=True):
        assert numbers(told["queries"]).tolist() == notion.pictures.tolist()
        for of_page, method in zip(told["methods"], notion.methods, strict=True):
            if method.found is None:
                assert of_page["reason"] == method.reason
                continue
            neighbours = numbers(of_page["neighbours"]).reshape(method.found.neighbours.shape)
            assert neighbours.tolist() == method.found.neighbours.tolist()
            scores = numbers(of_page["queries"]["map_at_r"])
            assert scores == pytest.approx(method.of_queries["map_at_r"], rel=1e-6, nan_ok=True)
            assert of_page["scores"]["map_at_r"] == pytest.approx(
                method.scores["map_at_r"], abs=1e-6
            )


def test_the_same_results_make_the_same_page(tmp_path, task):
    one, other = (
        re.sub(r"<time.*?</time>", "", write_page(tmp_path / name, task).read_text())
        for name in ("a", "b")
        if (tmp_path / name).mkdir() is None
    )
    assert one == other


def test_images_that_cannot_be_read_have_no_picture(tmp_path, capsys):
    kinds = KINDS[:12]
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    (tmp_path / "3.png").unlink()
    (tmp_path / "4.png").write_bytes(b"no image")
    (tmp_path / "5.png").unlink()
    (tmp_path / "5.png").symlink_to("/etc/hostname")
    paths = pd.Series([f"{number}.png" for number in range(12)], name="path")
    task = Tiny(tmp_path, {"kind": kinds}, vectors_by(kinds), images=paths).task((CLIP,))
    (dataset,) = data_of(write_page(tmp_path, task))["datasets"]
    assert [i for i, one in enumerate(dataset["thumbnails"]) if one == UNREADABLE] == [3, 4, 5]
    assert capsys.readouterr().out.count("Shown without a picture: ") == 3


def test_vectors_without_images(tmp_path):
    task = Tiny(tmp_path, {"kind": KINDS}, vectors_by(KINDS), images=False).task((CLIP,))
    (dataset,) = data_of(write_page(tmp_path, task))["datasets"]
    assert set(dataset["thumbnails"]) == {VECTORS_ONLY}


def test_a_page_has_a_size_that_pictures_fill_and_not_more(tmp_path, task, monkeypatch):
    whole = write_page(tmp_path, task)
    pictures = data_of(whole)["datasets"][0]["thumbnails"]
    least = whole.stat().st_size - sum(map(len, pictures)) + 4_000
    monkeypatch.setattr(page_module, "MOST_BYTES", least)
    page = write_page(tmp_path, task)
    assert page.stat().st_size <= least
    kinds = Counter(type(one) for one in data_of(page)["datasets"][0]["thumbnails"])
    assert kinds[str] > 5
    assert NO_ROOM in data_of(page)["datasets"][0]["thumbnails"]
    assert data_of(page)["datasets"][0]["thumbnails"][0] == pictures[0]
    monkeypatch.setattr(page_module, "MOST_BYTES", 50_000)
    with pytest.raises(LanzdmlError, match=r"lower explorer\.images, or name fewer notions"):
        write_page(tmp_path, task)


def test_the_policy_lets_nothing_be_loaded(tmp_path, task):
    text = unescape(write_page(tmp_path, task).read_text())
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


# The section of the configuration

CONFIG = {
    "datasets": {
        "demo_cars": {
            "root": "resources/demo_cars/test.parquet",
            "notions": {
                "car_model": {"template": "a {aspect}", "aspects": ["van", "suv"]},
                "car_color": {"template": "a {aspect}", "aspects": ["red", "blue"]},
                "mood": {"template": "a {aspect}", "aspects": ["red", "blue"], "scored": False},
            },
        }
    },
    "models": {
        name: {
            "architecture": f"resources/demo_clip/{name}.json",
            "pretrained": f"resources/demo_clip/{name}.safetensors",
        }
        for name in ("demo-S", "demo-M")
    },
    "experiments": {"main": {"models": ["demo-M"]}},
    "methods": ["pca", "oracle", "clip", "indirect"],
    "dims": [8, 4],
    "seeds": [2, 1],
}


def test_what_the_section_implies():
    assert parse_config(CONFIG).explorer is None
    section = parse_config(CONFIG | {"explorer": {}}).explorer
    assert section.datasets == ["demo_cars"]
    assert section.notions == ["car_model", "car_color"]
    assert section.methods == ["clip", "indirect", "oracle"]
    assert (section.model, section.images) == ("demo-M", 2000)
    assert parse_config(CONFIG | {"methods": ["pca"], "explorer": {}}).explorer.methods == ["pca"]


def test_combined_notions_are_shown_where_they_are_named():
    config = deepcopy(CONFIG)
    notions = config["datasets"]["demo_cars"]["notions"]
    notions["both"] = {"combine": ["car_model", "car_color"]}
    assert "both" not in parse_config(config | {"explorer": {}}).explorer.notions
    named = parse_config(config | {"explorer": {"notions": ["both"]}}).explorer
    assert (named.datasets, named.notions) == (["demo_cars"], ["both"])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"methods": ["clip", "lae"]}, "explorer.methods: 'lae' is not in methods; "),
        ({"methods": ["clip", "clip"]}, "explorer.methods: 'clip' is listed twice"),
        ({"datasets": ["cars"]}, "explorer.datasets: 'cars' is not in datasets; "),
        ({"notions": ["mood"]}, "explorer.notions: 'mood' is no scored notion of these datasets; "),
        ({"model": "demo-S"}, "explorer.model: 'demo-S' is not in the tables' models; "),
        ({"images": 0}, "explorer.images: "),
        ({"images": 10**6}, "explorer.images: "),
        ({"pages": 2}, "explorer.pages: unknown key"),
    ],
)
def test_mistakes_in_the_section(section, message):
    with pytest.raises(ConfigError) as error:
        parse_config(CONFIG | {"explorer": section})
    assert any(line.startswith(message) for line in error.value.lines), error.value.lines


def test_without_scored_notions_there_is_no_page():
    notions = {"mood": CONFIG["datasets"]["demo_cars"]["notions"]["mood"]}
    datasets = {"demo_cars": CONFIG["datasets"]["demo_cars"] | {"notions": notions}}
    config = parse_config(CONFIG | {"datasets": datasets, "explorer": {}})
    assert explorer_tasks(Plan(config), Given(config)) == []


def test_what_is_planned():
    """Of the first dim, seed and model, what the tables have."""
    config = parse_config(CONFIG | {"explorer": {}})
    (task,) = explorer_tasks(Plan(config), Given(config))
    assert [notion.notion for notion in task.notions] == ["car_model", "car_color"]
    methods = task.notions[0].methods
    assert [method.method for method in methods] == ["clip", "indirect", "oracle"]
    assert methods[1].transform == (
        "results/transforms/demo_cars/demo-M/car_model/indirect/dim-8/seed-2.safetensors"
    )
    assert {method.seed for method in methods} == {2}
    assert DatasetTask.of(asdict(task)) == task
    assert len(task.files) == len(set(task.files)) == 2 + 2 * 3 * 3
