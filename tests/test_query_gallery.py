"""Queries and a gallery: a share of the images, a column, two datasets; and in the workflow."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from lanzdml.config.config import parse_config
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.datasets.queries import GALLERY, QUERY, Queries, roles_in
from lanzdml.embeddings.storage import GIVEN, WEIGHTS, read_image_embeddings, write_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.figures.gallery.retrieval import Source, nearest, retrieve
from lanzdml.methods import METHODS
from lanzdml.metrics.images import ScoredImages, read_labelled
from lanzdml.metrics.scores import RANK_METRICS
from lanzdml.plan import Plan
from lanzdml.transforms.storage import load_transform
from tests.test_relevance import plain
from tests.test_workflow import plan, snakemake, stages_of, working_folder

COLORS = {"red": (220, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 220)}
ROLES = ["query", "gallery", "gallery", "query", "gallery", ""]
SHARE, SEED = 0.25, 3


def write_images(folder, n, seed, roles=None):
    """Images in plain colours with noise, and their table; the names are the same in any folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        name = list(COLORS)[rng.integers(len(COLORS))]
        pixels = rng.integers(-40, 40, (16, 16, 3)) + np.array(COLORS[name])
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i:02}.png")
        rows.append({"image": f"{i:02}.png", "color": name})
    table = pd.DataFrame(rows)
    if roles:
        table["role"] = [roles[i % len(roles)] for i in range(n)]
    table.to_csv(folder / "labels.csv", index=False)


def dataset(name, **queries):
    prompts = {"template": "a {aspect} picture", "aspects": [*COLORS]}
    return {"labels": f"data/{name}/labels.csv", "queries": queries, "notions": {"color": prompts}}


CONFIG = {
    "datasets": {
        "mine": dataset("mine", column="role"),
        "drawn": dataset("mine", share=SHARE, seed=SEED),
        "shop": dataset("shop", dataset="customers"),
        "customers": dataset("customers", share=0.5),
    },
    "models": {
        "demo": {
            "architecture": "resources/demo_clip/demo-S.json",
            "pretrained": "resources/demo_clip/demo-S.safetensors",
        }
    },
    "methods": ["random", "clip", "clay", "indirect"],
    "dims": [2],
    "seeds": [0, 1],
    "protocol": ["query_gallery", "paper"],
    "experiments": {
        "main": {},
        "protocols": {"dataset": "mine", "methods": ["clip", "indirect"], "protocols": ["paper"]},
    },
    "figures": {"gallery": {"dataset": "shop", "queries": ["03.png", "01.png"]}},
    "embeddings": {"device": "cpu"},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which queries were told from their gallery in each of the ways."""
    folder = working_folder(tmp_path_factory.mktemp("run"), CONFIG)
    write_images(folder / "data/mine", 24, 0, ROLES)
    write_images(folder / "data/shop", 20, 1)
    write_images(folder / "data/customers", 10, 2)
    snakemake(folder, "--cores", "2")
    return folder


def at(folder, path):
    return folder / "results" / path


def images_of(folder, name):
    manifest = at(folder, f"datasets/{name}/manifest.parquet")
    _, images = read_image_embeddings(
        at(folder, f"embeddings/{name}/demo/images.parquet"), manifest
    )
    return images, pd.read_parquet(manifest)


def scored_of(folder, name):
    """Embeddings, labels and which are queries, of what a dataset's runs are scored on."""
    images, manifest = images_of(folder, name)
    if name == "shop":
        queries, of_queries = images_of(folder, "customers")
        labels = pd.concat([of_queries["color"], manifest["color"]]).to_numpy()
        return np.concatenate([queries, images]), labels, np.arange(30) < 10
    if name == "mine":
        used = manifest["role"].notna().to_numpy()
        is_query = (manifest["role"] == "query").to_numpy()
        return images[used], manifest["color"][used].to_numpy(), is_query[used]
    share, seed = (SHARE, SEED) if name == "drawn" else (0.5, 0)
    roles = roles_in(
        at(folder, f"datasets/{name}/manifest.parquet"), Queries(share=share, seed=seed)
    )
    assert (roles == QUERY).sum() == share * len(images)
    return images, manifest["color"].to_numpy(), (roles == QUERY).to_numpy()


def rows_of(folder, **values):
    rows = pd.read_parquet(at(folder, "metrics.parquet"))
    for column, value in values.items():
        rows = rows[rows[column] == value]
    return rows


@pytest.mark.parametrize("name", CONFIG["datasets"])
def test_rows_are_those_of_a_plain_reference(finished, name):
    images, labels, queries = scored_of(finished, name)
    agree = labels[:, None] == labels
    found = rows_of(finished, dataset=name, protocol="query_gallery").set_index(["method", "seed"])
    assert set(found.index) == {(m, seed) for m in CONFIG["methods"] for seed in (0, 1)}
    unit = images / np.linalg.norm(images, axis=1, keepdims=True)
    for (method, seed), row in found.iterrows():
        by_seed = "every-seed" if METHODS[method].deterministic else f"seed-{seed}"
        dim = "dim-2" if METHODS[method].has_dim else "dim-full"
        path = at(finished, f"transforms/{name}/demo/color/{method}/{dim}/{by_seed}.safetensors")
        vectors = load_transform(path).transform(unit).astype(np.float64)
        expected = np.nanmean(plain(vectors, agree, queries), axis=1)
        np.testing.assert_allclose(row[[*RANK_METRICS]].astype(float), expected, atol=1e-6)


@pytest.mark.parametrize("name", CONFIG["datasets"])
def test_rows_have_the_images_and_the_chance_of_both(finished, name):
    _, labels, queries = scored_of(finished, name)
    split = rows_of(finished, dataset=name, protocol="query_gallery")
    alone = rows_of(finished, dataset=name, protocol="paper")
    assert set(split["n_images"]) == {len(labels)}
    right = (labels[queries][:, None] == labels[~queries]).sum(axis=1)
    chance = np.mean(right[right > 0] / (~queries).sum())
    np.testing.assert_allclose(split["chance_precision_at_1"], chance)
    assert len(set(split["labels_sha256"])) == len(set(alone["labels_sha256"])) == 1
    assert not {*split["labels_sha256"]} & {*alone["labels_sha256"]}


def test_only_queries_have_scores(finished):
    path = at(finished, "queries/query_gallery/mine/demo/color/clip/dim-full/every-seed.parquet")
    kept = pd.read_parquet(path).dropna(subset="map_at_r")
    roles = images_of(finished, "mine")[1].set_index("image_id")["role"]
    assert set(roles[kept["image_id"]]) == {"query"}


def test_statistics_and_classes_are_of_both_protocols(finished):
    for table in ("significance", "classes"):
        rows = pd.read_csv(at(finished, f"tables/{table}.csv"))
        assert set(rows["protocol"]) == {"query_gallery", "paper"}
    classes = pd.read_csv(at(finished, "tables/classes.csv"))
    compared = pd.read_csv(at(finished, "tables/significance.csv"))
    compared = compared[compared["part"] == "difference"]
    for name in CONFIG["datasets"]:
        _, labels, queries = scored_of(finished, name)
        able = labels[queries][np.isin(labels[queries], labels[~queries])]
        rows, of_classes = (
            table[(table["dataset"] == name) & (table["protocol"] == "query_gallery")]
            for table in (compared, classes)
        )
        assert set(rows["n"]) == {len(able)}
        of_clip = of_classes[of_classes["method"] == "clip"].set_index("class")["n_images"]
        assert of_clip.to_dict() == Counter(able)


def test_it_is_said_in_words(finished):
    table = at(finished, "tables/table2.md").read_text()
    assert "with demo, r' = 2, query and gallery, in percent" in table
    report = at(finished, "report.html").read_text()
    assert "drawn: 25 % of the images, drawn with seed 3" in report
    assert "shop: the images of customers" in report
    assert "only those of the gallery are their references" in report
    assert "mine: the images that column role calls so" in report
    caption = at(finished, "figures/gallery.rst").read_text()
    assert "of the gallery only" in caption
    assert at(finished, "figures/protocols.png").stat().st_size


def test_nothing_is_left_to_do_until_queries_change(finished):
    """Then scores are made anew, and no embedding and no fit."""
    assert plan(finished) == {}
    file = finished / "config.yaml"
    config = yaml.safe_load(file.read_text())
    try:
        config["datasets"]["drawn"]["queries"]["seed"] = 4
        config["datasets"]["mine"]["queries"] = {"share": 0.5}
        file.write_text(yaml.safe_dump(config))
        jobs = stages_of(plan(finished))
    finally:
        file.write_text(yaml.safe_dump(CONFIG))
    assert jobs["score"]
    assert not [name for name in jobs if name.startswith(("fit", "embed", "prepare"))]


def write_manifest_of(folder, name, **columns):
    """A manifest, and embeddings of its images."""
    folder.mkdir(exist_ok=True)
    path, images = folder / f"{name}.parquet", folder / f"{name} images.parquet"
    table = pd.DataFrame(columns)
    table["path"] = [f"{image_id}.png" for image_id in table["image_id"]]
    write_manifest(path, table, [c for c in columns if c != "image_id"], name)
    vectors = np.random.default_rng(len(name)).standard_normal((len(table), 6)).astype(np.float32)
    metadata = {FINGERPRINT: fingerprint(table), WEIGHTS: "w"}
    write_embeddings(images, table[["image_id"]], vectors, metadata)
    return path, images, vectors


class TestRoles:
    @pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
    def test_a_share_goes_by_ids_and_not_by_their_order(self, tmp_path, share):
        ids = [f"i{i}" for i in range(40)]
        one, *_ = write_manifest_of(tmp_path, "one", image_id=ids)
        turned, *_ = write_manifest_of(tmp_path, "turned", image_id=ids[::-1])
        roles = [roles_in(path, Queries(share=share, seed=5)) for path in (one, turned)]
        assert roles[0].to_dict() == roles[1].to_dict()
        assert (roles[0] == QUERY).sum() == round(40 * share)
        assert set(roles[0]) == {QUERY, GALLERY}
        others = roles_in(one, Queries(share=share, seed=6))
        assert others.to_dict() != roles[0].to_dict()

    @pytest.mark.parametrize("n", [1, 3])
    def test_a_share_of_none_or_all_is_refused(self, tmp_path, n):
        path, *_ = write_manifest_of(tmp_path, "few", image_id=[f"i{i}" for i in range(n)])
        with pytest.raises(LanzdmlError, match="leaves no queries, or nothing for them to find"):
            roles_in(path, Queries(share=0.1))

    def test_images_that_are_neither_are_left_out(self, tmp_path):
        path, images, vectors = write_manifest_of(
            tmp_path, "told", image_id=[*"abcde"], mood=["sad", "sad", "glad", "sad", None],
            role=["query", "gallery", None, "other", "gallery"],
        )  # fmt: skip
        found = read_labelled(images, path, "mood", Queries(column="role"))
        assert [*found.ids] == ["a", "b"]
        assert [*found.queries] == [True, False]
        np.testing.assert_array_equal(found.embeddings, vectors[:2])

    @pytest.mark.parametrize(
        ("roles", "said"),
        [
            (["query"] * 3, "no image has gallery in column 'role', which holds 'query'"),
            (["Query", "Gallery", None], "no image has gallery or query .* 'Gallery', 'Query'"),
            ([None] * 3, "no image has gallery or query in column 'role', which holds nothing"),
            (["query", "gallery", "Query"], "column 'role' holds 'Query'; write query, as images"),
        ],
    )
    def test_missing_roles_are_named(self, tmp_path, roles, said):
        path, *_ = write_manifest_of(tmp_path, "told", image_id=[*"abc"], role=roles)
        with pytest.raises(LanzdmlError, match=said):
            roles_in(path, Queries(column="role"))

    @pytest.mark.parametrize(("mood", "missing"), [(2, "queries"), (0, "gallery")])
    def test_labels_of_one_kind_only_are_refused(self, tmp_path, mood, missing):
        moods = [None] * 4
        moods[mood], moods[mood + 1] = "sad", "glad"
        path, images, _ = write_manifest_of(
            tmp_path, "told", image_id=[*"abcd"], mood=moods,
            role=["query", "query", "gallery", "gallery"],
        )  # fmt: skip
        with pytest.raises(LanzdmlError, match=f"a label for mood is of the {missing}"):
            read_labelled(images, path, "mood", Queries(column="role"))


class TestTwoDatasets:
    @pytest.fixture
    def two(self, tmp_path):
        """A gallery and queries to it, with the same ids."""
        ids = [f"i{i}" for i in range(12)]
        shop = write_manifest_of(tmp_path, "shop", image_id=ids, mood=["sad", "glad", "wild"] * 4)
        asked = write_manifest_of(tmp_path, "asked", image_id=ids[:5], feel=[*"abc", None, "sad"])
        return shop, asked

    def test_queries_come_first_and_keep_their_own_labels(self, two):
        (shop, images, of_shop), (asked, others, of_asked) = two
        queries = Queries(others=(str(others), str(asked), "feel"))
        found = read_labelled(images, shop, "mood", queries)
        assert [*found.queries] == [True] * 4 + [False] * 12
        assert [*found.labels[:4]] == ["a", "b", "c", "sad"]
        assert [*found.ids[:5]] == ["i0", "i1", "i2", "i4", "i0"]
        np.testing.assert_array_equal(
            found.embeddings, np.concatenate([of_asked[[0, 1, 2, 4]], of_shop])
        )
        scored = ScoredImages(str(images), str(shop), "mood", queries)
        assert scored.facts["n_images"] == 16
        alone = ScoredImages(str(images), str(shop), "mood")
        assert scored.facts["labels_sha256"] != alone.facts["labels_sha256"]

    def test_other_weights_are_refused(self, two):
        (shop, images, _), (asked, others, vectors) = two
        table = pd.read_parquet(asked)
        metadata = {FINGERPRINT: fingerprint(table), WEIGHTS: "x"}
        write_embeddings(others, table[["image_id"]], vectors, metadata)
        with pytest.raises(LanzdmlError, match="was made with other weights than"):
            read_labelled(images, shop, "mood", Queries(others=(str(others), str(asked), "feel")))

    def test_given_vectors_of_another_size_are_refused(self, two):
        (shop, images, _), (asked, others, vectors) = two
        table = pd.read_parquet(asked)
        metadata = {FINGERPRINT: fingerprint(table), WEIGHTS: f"{GIVEN}:x"}
        write_embeddings(others, table[["image_id"]], vectors[:, :2], metadata)
        with pytest.raises(LanzdmlError, match=r"has vectors of 2 dimensions, and .* of one model"):
            read_labelled(images, shop, "mood", Queries(others=(str(others), str(asked), "feel")))


class TestGallery:
    def test_neighbours_are_among_some_rows(self):
        vectors = np.random.default_rng(0).standard_normal((30, 4))
        among = np.random.default_rng(1).random(30) < 0.5
        queries = np.flatnonzero(~among)[:3]
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for query, rows in zip(queries, nearest(vectors, queries, 5, among), strict=True):
            references = np.flatnonzero(among)
            expected = references[np.argsort(-(unit[references] @ unit[query]))][:5]
            np.testing.assert_array_equal(rows, expected)

    def source(self, folder, name, manifest, images):
        for image_id in pd.read_parquet(manifest)["image_id"]:
            (folder / name).mkdir(exist_ok=True)
            color = (int(image_id[1:]), len(name), 0)
            Image.new("RGB", (4, 4), color).save(folder / name / f"{image_id}.png")
        return Source(images, manifest, folder / name, {"mood": "mood"})

    def write(self, folder, name, n, **columns):
        ids = [f"i{i}" for i in range(n)]
        moods = [("sad", "glad")[i % 2] for i in range(n)]
        manifest, images, vectors = write_manifest_of(
            folder, name, image_id=ids, mood=moods, **columns
        )
        return self.source(folder, name, manifest, images), vectors

    def test_queries_of_one_dataset(self, tmp_path):
        roles = ["query"] * 4 + ["gallery"] * 5 + [None]
        source, vectors = self.write(tmp_path, "one", 10, role=roles)
        split = Queries(column="role")
        found = retrieve([source], {}, 9, 0, split)
        assert {each.query.image_id for each in found} == {"i0", "i1", "i2", "i3"}
        among = np.arange(10)[:, None] >= 4
        for each in found:
            row = int(each.query.image_id[1:])
            rows = nearest(vectors, [row], 7, (among & (np.arange(10) < 9)[:, None])[:, 0])[0]
            assert [shown.image_id for shown in each.clip] == [f"i{i}" for i in rows]
            assert each.possible == {"mood": 3 if row % 2 == 0 else 2}
        with pytest.raises(LanzdmlError, match=r"queries: 'i5' is not among the queries .* 'i0'"):
            retrieve([source], {}, ["i1", "i5"], 0, split)

    def test_queries_of_another_dataset(self, tmp_path):
        shop, _ = self.write(tmp_path, "shop", 8)
        asked, _ = self.write(tmp_path, "asked", 3)
        (found,) = retrieve([shop, asked], {}, ["i2"], 0)
        assert found.query.image.getpixel((0, 0)) == (2, len("asked"), 0)
        assert len(found.clip) == 7
        for shown in found.clip:
            assert shown.image.getpixel((0, 0)) == (int(shown.image_id[1:]), len("shop"), 0)
        assert found.possible == {"mood": 4}


def test_the_whole_path_is_planned_for_a_dataset_alone(tmp_path):
    """By the default share, where nothing is said."""
    config = {**CONFIG, "protocol": "query_gallery", "experiments": {"main": {}}, "figures": {}}
    config["datasets"] = {"mine": {k: v for k, v in dataset("mine").items() if k != "queries"}}
    write_images(tmp_path / "data/mine", 12, 0)
    jobs = stages_of(plan(working_folder(tmp_path, config)))
    assert jobs["score"] == 2


def test_a_dataset_that_only_asks_another_is_not_ranked_itself(finished, monkeypatch):
    """Unless it says which of its own images are queries; in other protocols it is as any."""
    monkeypatch.chdir(finished)
    customers = CONFIG["datasets"]["customers"] | {"queries": None}
    datasets = CONFIG["datasets"] | {"customers": customers}
    for given, expected in ((CONFIG["datasets"], True), (datasets, False)):
        planned = Plan(parse_config(CONFIG | {"datasets": given}))
        ranked = {(run.protocol, run.fit.dataset) for run in planned.main_runs}
        assert (("query_gallery", "customers") in ranked) == expected
        assert {("paper", "customers"), ("query_gallery", "shop")} <= ranked
        assert ("customers", "demo") in planned.embedded
