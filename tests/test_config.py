"""The configuration: the default is valid, and each mistake gives one clear line."""

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from lanzdml.config.command_line import check_files, configuration_files
from lanzdml.config.config import json_schema, parse_config
from lanzdml.config.file import parse_given, read_values
from lanzdml.config.messages import ConfigError
from lanzdml.embeddings.checkpoints import taken_for_weights
from lanzdml.embeddings.models import CONFIG_FILE, WEIGHTS_FILE
from tests.tiny_clip import cache_repository

ROOT = Path(__file__).parents[1]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture
def full(monkeypatch):
    """The default configuration."""
    monkeypatch.chdir(ROOT)
    return copy.deepcopy(DEFAULT)


@pytest.fixture
def config(full):
    """The default without its ablations and figures, which name its datasets and models."""
    del full["experiments"], full["figures"]
    full["models"] = {"demo-M": full["models"]["demo-M"]}
    return full


def lines_of(config):
    with pytest.raises(ConfigError) as caught:
        parse_config(config)
    return caught.value.lines


def change(config, path, value):
    *parents, last = path
    for key in parents:
        config = config[key]
    config[last] = value


NOTION = ("datasets", "demo_cars", "notions", "car_color")
MODEL = ("models", "demo-M")

WRONG = [
    (("published",), ["none.csv"], "published: there is no none.csv"),
    (("published",), ["README.md"], "README.md: should be a file .csv or .tsv, or a folder of"),
    (("published",), "none.csv", "published: should be a valid list"),
    (
        (*MODEL, "architecture"),
        "laion/CLIP",
        "there is no readable file 'laion/CLIP'; a repository of the hub is written "
        "hf-hub:laion/CLIP",
    ),
    (("results",), ".", "results: should be a folder for nothing else, such as results/mine, not"),
    (("results",), "/", "results: should be a folder for nothing else, such as results/mine, not"),
    (("results",), "~/a", "results: should be a folder for nothing else, such as results/mine, no"),
    (("results",), "", "results: "),
    (("datasets",), [], "datasets: should be a valid dictionary, not []"),
    (("figures",), {"galery": {}}, "figures.galery: unknown key; did you mean 'gallery'?"),
    (("results",), "a\n", "results: should have no line breaks, not 'a\\n'"),
    (("results",), "s3://a", "results: should be a folder and no address: results lie on a disk"),
    (("results",), "res{a}", "results: should have no braces, not 'res{a}'"),
    ((*MODEL, "pretrained"), "{a}", "pretrained: should have no braces, not '{a}'"),
    (
        ("protocol",),
        "papr",
        "protocol: should be paper or released or query_gallery, or a list of them, not 'papr'",
    ),
    (
        ("protocol",),
        [],
        "protocol: should be paper or released or query_gallery, or a list of them, not []",
    ),
    (("protocol",), ["paper", "paper"], "protocol: 'paper' is listed twice"),
    (("metrics",), ["ari", "recall"], "metrics[1]: should be 'map_at_r', 'precision_at_1', "),
    (("metrics",), ["ari", "ari"], "metrics: 'ari' is listed twice"),
    (("kmeans_repeats",), 0, "kmeans_repeats: should be greater than or equal to 1, not 0"),
    (("kmeans_batch_size",), 0, "kmeans_batch_size: should be greater than or equal to 1, not 0"),
    (
        ("datasets", "demo_cars", "rank_shards"),
        0,
        "demo_cars.rank_shards: should be greater than or equal to 1, not 0",
    ),
    (("sedes",), [1], "sedes: unknown key; did you mean 'seeds'?"),
    (("embeddings", "devise"), "cpu", "embeddings.devise: unknown key; did you mean 'device'?"),
    (("datasets", "demo_cars", "rot"), "x", "datasets.demo_cars.rot: unknown key; did you mean"),
    (
        ("datasets", "demo_cars", "download"),
        "yes",
        "download: should be a valid boolean, not 'yes'",
    ),
    (("datasets", "demo_cars", "download"), True, "demo_cars has no stable public address; docs/"),
    ((*NOTION, "templat"), "x", "car_color.templat: unknown key; did you mean 'template'?"),
    ((*MODEL, "weights"), "x", "models.demo-M.weights: unknown key; allowed: architecture"),
    (("seeds",), "0", "seeds: should be a valid list, not '0'"),
    (("seeds",), [0, "1"], "seeds[1]: should be a valid integer, not '1'"),
    (("seeds",), [0, True], "seeds[1]: should be a valid integer, not true"),
    (("seeds",), [-1], "seeds[0]: should be greater than or equal to 0, not -1"),
    (("seeds",), [3, 3], "seeds: 3 is listed twice"),
    (("seeds",), [], "seeds: should have at least one entry"),
    (("dims",), [0], "dims[0]: should be greater than or equal to 1, not 0"),
    (("dims",), [16, 1024], "dims[1]: 1024 is larger than the 512 dimensions of models.demo-M"),
    (("methods",), ["indirct"], "there is no method 'indirct'; did you mean 'indirect'?"),
    (("methods",), ["clip", "clip"], "methods: 'clip' is listed twice"),
    (("datasets",), {}, "datasets: should have at least one entry"),
    (("datasets", "demo_car"), DEFAULT["datasets"]["demo_cars"], "did you mean 'demo_cars'?"),
    (("datasets", "../up"), DEFAULT["datasets"]["demo_cars"], "a name may hold letters"),
    ((*NOTION, "template"), "a red car", "must hold {aspect} once"),
    ((*NOTION, "template"), "{aspect} {aspect}", "must hold {aspect} once"),
    ((*NOTION, "aspects"), "nowhere.txt", "car_color.aspects: there is no file nowhere.txt"),
    ((*NOTION, "aspects"), 5, "aspects: should be a list of strings or the path of a file, not 5"),
    (
        (*NOTION, "aspects"),
        ["red", False],
        "aspects: should be a list of strings (entry 2 needs quotes, as it is false in YAML) or "
        "the path of a file, not ['red', False]",
    ),
    ((*NOTION, "template"), "a {aspect} {car", "must hold {aspect} once"),
    (
        (*NOTION, "template"),
        None,
        "needs template and aspects, or else prompts, or else combine; it has aspects",
    ),
    ((*NOTION, "prompts"), ["a"], "or else combine; it has template and aspects and prompts"),
    (
        (*NOTION,),
        {},
        "car_color: needs template and aspects, or else prompts, or else combine; it has none",
    ),
    ((*NOTION,), {"prompts": 5}, "prompts: should be a list of strings or the path of a file"),
    ((*NOTION,), {"prompts": "no.txt"}, "car_color.prompts: there is no file no.txt"),
    ((*NOTION,), {"prompts": [" "]}, "car_color.prompts: the list: prompt number 1 is empty"),
    (
        (*NOTION, "labels"),
        "car_colr",
        "car_color.labels: demo_cars has no notion 'car_colr'; did you mean 'car_color'?",
    ),
    (
        (*NOTION, "labels"),
        5,
        "car_color.labels: should be text, and is 5 in YAML; put it in quotes",
    ),
    ((*NOTION, "template"), False, "template: should be text, and is false in YAML; put it in quo"),
    ((*NOTION, "labels"), ["a"], "car_color.labels: should be a valid string, not ['a']"),
    ((*NOTION, "scored"), "no", "car_color.scored: should be a valid boolean, not 'no'"),
    ((*NOTION, "sampled_classes"), "yes", "sampled_classes: should be a valid boolean, not 'yes'"),
    (
        (*NOTION,),
        {"prompts": ["a", "b"], "scored": False, "sampled_classes": True},
        "car_color.sampled_classes: the notion is not scored, so there is no interval; leave",
    ),
    (("datasets", "demo_cars", "root"), None, "datasets.demo_cars.root: is missing"),
    (("datasets", "demo_cars", "labels"), "x.csv", "labels: demo_cars is registered; choose"),
    (("embeddings",), None, "embeddings: should be a section with the keys device, batch_size"),
    (
        ("datasets", "demo_cars", "notions", "car_modl"),
        DEFAULT["datasets"]["demo_cars"]["notions"]["car_model"],
        "has no notion 'car_modl'; did you mean 'car_model'?",
    ),
    ((*MODEL, "pretrained"), "mine.pt", "only safetensors are loaded, not mine.pt"),
    ((*MODEL, "pretrained"), "openai", "needs the path of a safetensors checkpoint"),
    ((*NOTION, "aspects"), [], "car_color.aspects: the list holds no aspects"),
    ((*NOTION, "aspects"), ["red", " "], "aspect number 2 is empty"),
    ((*MODEL, "architecture"), "ViT-Q", "there is no open_clip model 'ViT-Q'"),
    (
        (*MODEL, "architecture"),
        "config.yaml/x.json",
        "there is no readable file 'config.yaml/x.json'",
    ),
    ((*MODEL, "pretrained"), "gone.safetensors", "there is no file gone.safetensors"),
    (("embeddings", "device"), "gpu", "embeddings.device: should be 'auto', 'cpu' or 'cuda'"),
    (("embeddings", "batch_size"), 0, "embeddings.batch_size: should be greater"),
]


def test_default_is_valid(full):
    parsed = parse_config(full)
    assert parsed.main_models == ["demo-M"]
    assert list(parsed.datasets["demo_cars"].notions) == [
        "car_model",
        "car_color",
        "background_color",
        "any_color",
        "car_model_and_color",
    ]
    assert parsed.embeddings.batch_size == 64


@pytest.mark.parametrize(("path", "value", "expected"), WRONG, ids=lambda item: str(item)[:40])
def test_each_mistake_gives_one_line(config, path, value, expected):
    change(config, path, value)
    lines = lines_of(config)
    assert any(expected in line for line in lines), lines
    assert len(lines) == 1, lines
    assert "\n" not in lines[0]


DIMENSIONS = ("experiments", "dimensions")
SIZE = ("experiments", "clip_size")
COUNT = ("experiments", "prompt_count")
PROTOCOLS = ("experiments", "protocols")
WRONG_EXPERIMENTS = [
    (("experiments", "dimension"), {}, "experiments.dimension: unknown key; did you mean 'dim"),
    (("experiments", "main", "models"), ["demo-X"], "main.models: 'demo-X' is not in models; did"),
    (("experiments", "main", "models"), [], "experiments.main.models: "),
    ((*DIMENSIONS, "dataset"), "cars", "dimensions.dataset: 'cars' is not in datasets; did you"),
    ((*DIMENSIONS, "model"), "demo-m", "dimensions.model: 'demo-m' is not in models; did you mean"),
    ((*DIMENSIONS, "dims"), [2, 513], "dimensions.dims[1]: 513 is larger than the 512 dimensions"),
    ((*DIMENSIONS, "dims"), [2, 2], "experiments.dimensions.dims: 2 is listed twice"),
    ((*DIMENSIONS, "dims"), [], "experiments.dimensions.dims: "),
    ((*DIMENSIONS, "seeds"), 6, "experiments.dimensions.seeds: 6 is more than the 5 seeds there"),
    ((*SIZE, "seeds"), 0, "experiments.clip_size.seeds: should be greater than or equal to 1"),
    ((*DIMENSIONS, "methods"), ["lea"], "methods: 'lea' is not in methods; did you mean 'lae'?"),
    ((*DIMENSIONS, "notions"), ["car_modl"], "notions: 'car_modl' is no scored notion of demo_"),
    (
        ("experiments", "wording"),
        {"methods": ["clip"], "turned": ["ae"]},
        "wording.turned: 'ae' is not in experiments.wording.methods; add it there, too",
    ),
    ((*SIZE, "models"), ["demo-S", "M"], "experiments.clip_size.models: 'M' is not in models"),
    ((*SIZE, "models"), ["indirect"], "clip_size.models: 'indirect' is not in models; allowed: de"),
    ((*SIZE, "models"), ["demo-S"] * 2, "experiments.clip_size.models: 'demo-S' is listed twice"),
    (
        (*COUNT, "counts"),
        [10, 171],
        "prompt_count.counts: 171 is not less than the 171 prompts of ",
    ),
    (
        (*COUNT, "counts"),
        [0],
        "experiments.prompt_count.counts[0]: should be greater than or equal",
    ),
    ((*COUNT, "methods"), ["oracle"], "oracle learns from images, not from prompts"),
    ((*PROTOCOLS, "protocols"), ["paper"], "protocols.protocols: paper is the first protocol of"),
    ((*PROTOCOLS, "protocols"), ["papr"], "experiments.protocols.protocols[0]: "),
    (
        (*PROTOCOLS, "protocols"),
        ["released"] * 2,
        "protocols.protocols: 'released' is listed twice",
    ),
    ((*PROTOCOLS, "protocols"), [], "experiments.protocols.protocols: "),
    ((*PROTOCOLS, "methods"), ["lea"], "protocols.methods: 'lea' is not in methods; did you mean"),
    (("figures", "trimap", "model"), "demo-X", "figures.trimap.model: 'demo-X' is not in models"),
    (("figures", "trimap", "dim"), 2, "figures.trimap.dim: unknown key"),
    (("figures", "saliency", "images"), 0, "saliency.images: should be a number from 1 to 20, or"),
    (
        ("figures", "saliency", "images"),
        True,
        "should be a number from 1 to 20, or a list of so many",
    ),
    (("figures", "gallery", "queries"), [5], "gallery.queries: should be a number from 1 to 20,"),
    (("figures", "gallery", "queries"), ["a"] * 2, "figures.gallery.queries: 'a' is listed twice"),
    (("figures", "gallery", "queries"), [f"{i}" for i in range(21)], "or a list of so many image"),
    (("figures", "gallery", "queries"), [], "gallery.queries: should be a number from 1 to 20, or"),
    (("figures", "gallery", "queries"), 21, "gallery.queries: should be a number from 1 to 20, or"),
    (("figures", "gallery", "notions"), ["x"], "gallery.notions: 'x' is no notion of demo_cars;"),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG_EXPERIMENTS, ids=lambda item: str(item)[:40]
)
def test_each_mistake_in_an_experiment_gives_one_line(full, path, value, expected):
    change(full, path, value)
    (line,) = lines_of(full)
    assert expected in line


def test_prompts_that_are_not_there_are_not_counted(full):
    del full["datasets"]["demo_cars"]["notions"]["car_model"]["aspects"]
    (line,) = lines_of(full)
    assert "car_model: needs template and aspects, or else prompts, or else combine; it has" in line


def test_figures_need_indirect(full):
    full["methods"] = ["clip", "oracle"]
    full["experiments"] = {}
    assert lines_of(full) == [
        f"figures.{name}: shows what InDiReCT learned; list indirect in methods"
        for name in ("trimap", "saliency", "gallery")
    ]


def test_models_of_a_figure_are_as_large_as_the_first_dim(full, tmp_path):
    small = json.loads(Path(full["models"]["demo-S"]["architecture"]).read_text())
    (tmp_path / "small.json").write_text(json.dumps(small | {"embed_dim": 64}))
    full["models"]["demo-S"]["architecture"] = str(tmp_path / "small.json")
    assert lines_of(full) == ["dims[0]: 128 is larger than the 64 dimensions of models.demo-S"]
    del full["experiments"]["clip_size"]
    assert parse_config(full).main_models == ["demo-M"]


def test_figures_show_notions_without_labels_and_ablations_do_not(full):
    full["datasets"]["demo_cars"]["notions"]["mood"] = PROMPTS | {"scored": False}
    full["figures"]["gallery"]["notions"] = ["mood", "car_model"]
    assert parse_config(full).figures.gallery.notions == ["mood", "car_model"]
    full["experiments"]["dimensions"]["notions"] = ["mood"]
    (line,) = lines_of(full)
    assert "experiments.dimensions.notions: 'mood' is no scored notion of demo_cars" in line


PAIR = ("datasets", "demo_cars", "notions", "pair")
PARTS = ["car_model", "car_color"]
WRONG_PAIRS = [
    ((*PAIR, "combine"), ["car_model", "car_colr"], "pair.combine: 'car_colr' is no notion of the "
     "dataset; did you mean 'car_color'? allowed: car_model, car_color, "),
    ((*PAIR, "combine"), ["car_model", "pair"], "pair.combine: pair cannot be a part of itself"),
    ((*PAIR, "combine"), ["car_model", "both"], "pair.combine: both combines others itself; list"),
    ((*PAIR, "combine"), [*PARTS, "car_model"], "pair.combine: 'car_model' is listed twice"),
    ((*PAIR, "combine"), ["car_model"], "pair.combine: should have at least 2 entries"),
    ((*PAIR, "combine"), [], "pair.combine: should have at least 2 entries"),
    ((*PAIR, "combine"), "car_model", "pair.combine: should be a valid list, not 'car_model'"),
    ((*PAIR, "combine"), ["car_model", "mood"], "pair.combine: mood has no labels; say scored: "),
    ((*PAIR, "prompts"), ["a", "b"], "pair.prompts: is that of the parts in a notion that"),
    ((*PAIR, "template"), "a {aspect}", "pair.template: is that of the parts"),
    ((*PAIR, "labels"), "car_color", "pair.labels: is that of the parts"),
    ((*PAIR, "by"), "stack", "pair.by: should be 'stacked' or 'union', not 'stack'"),
    ((*PAIR, "weights"), [1, 2, 3], "pair.weights: should be as many as in combine (2), not 3"),
    ((*PAIR, "weights"), [1, 0], "pair.weights[1]: should be greater than 0, not 0"),
    ((*PAIR, "weights"), [1, float("inf")], "weights[1]: should be a finite number, not inf"),
    (PAIR, {"combine": PARTS, "by": "union", "weights": [1, 2]}, "weights: are for by: stacked"),
    ((*NOTION, "by"), "union", "car_color.by: is for a notion with combine"),
    ((*NOTION, "weights"), [1], "car_color.weights: is for a notion with combine"),
    ((*PAIR, "against"), ["background_color"], "pair.against: a stack is what methods learned for"),
    (("experiments", "prompt_count", "notions"), ["pair"], "prompt_count.notions: pair is stacked"),
    (("figures", "saliency", "notions"), ["pair"], "figures.saliency.notions: pair is stacked of"),
]  # fmt: skip


@pytest.fixture
def combining(full):
    """The default with two combined notions, one of them before its parts, and an unscored one."""
    notions = full["datasets"]["demo_cars"]["notions"]
    mood = {"prompts": ["a merry car", "a sad car"], "scored": False}
    both = {"combine": ["car_color", "background_color"], "by": "union"}
    full["datasets"]["demo_cars"]["notions"] = (
        {"pair": {"combine": PARTS}} | notions | {"both": both, "mood": mood}
    )
    return full


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG_PAIRS, ids=lambda item: str(item)[:40]
)
def test_each_mistake_in_a_combination_gives_one_line(combining, path, value, expected):
    change(combining, path, value)
    (line,) = lines_of(combining)
    assert expected in line


def test_what_a_combination_implies_is_written_out(combining):
    notions = parse_config(combining).datasets["demo_cars"].notions
    assert (notions["pair"].by, notions["pair"].weights) == ("stacked", [1, 1])
    assert (notions["both"].by, notions["both"].weights) == ("union", None)
    assert (notions["car_color"].by, notions["car_color"].weights) == (None, None)


def test_ablations_and_pictures_have_combinations_where_these_are_listed(combining):
    parsed = parse_config(combining)
    assert parsed.experiments.dimensions.notions == ["car_model", "car_color", "background_color"]
    assert "pair" not in parsed.figures.gallery.notions
    combining["experiments"]["dimensions"]["notions"] = ["pair"]
    combining["experiments"]["prompt_count"]["notions"] = ["both"]
    combining["figures"]["gallery"]["notions"] = ["both", "pair"]
    combining["figures"]["saliency"]["notions"] = ["both"]
    parsed = parse_config(combining)
    assert parsed.experiments.dimensions.notions == ["pair"]
    assert parsed.figures.gallery.notions == ["both", "pair"]


def test_parts_need_no_scores_but_labels(combining):
    notions = combining["datasets"]["demo_cars"]["notions"]
    notions["car_color"]["scored"] = False
    notions["pair"] = {"combine": ["car_color", "mood"], "scored": False}
    notions["car_model"]["scored"] = notions["background_color"]["scored"] = False
    notions["any_color"]["scored"] = False
    del combining["experiments"]["clip_size"]["notions"]
    for name in ("prompt_count", "dimensions", "specificity", "protocols"):
        del combining["experiments"][name]
    (line,) = lines_of(combining)
    assert line.startswith("experiments.clip_size.notions: is needed, as all scored notions of ")


PROMPTS = {"prompts": ["a merry face", "a sad face"]}
OWN = ("datasets", "mine")
WRONG_OF_OWN = [
    ((*OWN, "labels"), "no.csv", "datasets.mine.labels: there is no file no.csv"),
    ((*OWN, "labels"), "config.yaml", "labels: config.yaml is no .csv, .tsv or .parquet file"),
    ((*OWN, "labels"), "{a}.csv", "mine.labels: should have no braces, not '{a}.csv'"),
    ((*OWN, "root"), "{a}", "datasets.mine.root: should have no braces, not '{a}'"),
    ((*OWN, "labels"), 5, "datasets.mine.labels: should be text, and is 5 in YAML"),
    ((*OWN, "labels"), None, "there is no dataset 'mine'; allowed: demo_cars, "),
    ((*OWN, "labels"), None, "; or, for images of your own, give labels: the path of a table, "),
    ((*OWN, "notions", "modd"), PROMPTS, "mine.csv has no column 'modd' of names or integers; did "
     "you mean 'mood'? allowed: mood; if the notion has no labels, say scored: false"),
    ((*OWN, "notions", "x"), {"template": "{aspect}", "aspects": "labels", "scored": False},
     "mine.csv has no column 'x' of names or integers; allowed: mood; aspects: labels needs them"),
    ((*OWN, "notions", "path"), PROMPTS | {"scored": False}, "no notion can be called path"),
]  # fmt: skip


@pytest.fixture
def own(config, tmp_path, monkeypatch):
    """A configuration with a dataset of the user's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    (tmp_path / "config.yaml").touch()
    (tmp_path / "mine.csv").write_text("image,mood\na.png,merry\n")
    config["datasets"]["mine"] = {"labels": "mine.csv", "notions": {"mood": dict(PROMPTS)}}
    return config


def test_own_data_needs_labels_only_for_what_is_scored(own):
    change(own, (*OWN, "notions", "style"), PROMPTS | {"scored": False})
    change(own, (*NOTION[:3], "age"), PROMPTS | {"scored": False})
    parsed = parse_config(own).datasets
    assert [notion.scored for notion in parsed["mine"].notions.values()] == [True, False]
    assert not parsed["demo_cars"].notions["age"].scored


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG_OF_OWN, ids=lambda item: str(item)[:40]
)
def test_each_mistake_with_own_data_gives_one_line(own, path, value, expected):
    change(own, path, value)
    (line,) = lines_of(own)
    assert expected in line


def test_a_column_without_labels_is_named_once(own, tmp_path):
    (tmp_path / "mine.csv").write_text("image,mood\na.png,\nb.png, \n")
    assert lines_of(own) == [
        "datasets.mine.notions.mood: mine.csv has no label in column 'mood'; if that is right, say "
        "scored: false"
    ]


def test_a_table_that_cannot_be_read_is_named_once(own, tmp_path):
    (tmp_path / "mine.csv").write_text("image,mood,style\na.png,merry\n")
    change(own, (*OWN, "notions", "style"), PROMPTS)
    (line,) = lines_of(own)
    assert line.startswith("datasets.mine.labels: mine.csv, line 2: the number of cells is 2")


QUERIES = "datasets.mine.queries"
WRONG_QUERIES = [
    ({"share": 0}, f"{QUERIES}.share: should be greater than 0"),
    ({"share": 1}, f"{QUERIES}.share: should be less than 1"),
    ({"seed": -1}, f"{QUERIES}.seed: should be greater than or equal to 0"),
    ({"role": "role"}, f"{QUERIES}.role: unknown key"),
    ({"share": 0.5, "column": "role"}, f"{QUERIES}: give one of share, column and dataset, not "),
    ({"column": "role", "seed": 3}, f"{QUERIES}.seed: is for a share; leave it out"),
    ({"column": "rol"}, f"{QUERIES}.column: mine has no column 'rol'; did you mean 'role'?"),
    ({"dataset": "mine"}, f"{QUERIES}.dataset: is mine itself; a share or a column splits one"),
    ({"dataset": "min"}, f"{QUERIES}.dataset: there is no dataset 'min'; did you mean 'mine'?"),
    ({"dataset": "demo_cars"}, f"{QUERIES}.dataset: demo_cars has no scored notion 'mood', as "),
]


@pytest.fixture
def split(own, tmp_path):
    """The same with queries and a gallery."""
    (tmp_path / "mine.csv").write_text("image,mood,role\na.png,merry,query\n")
    return own | {"protocol": ["paper", "query_gallery"]}


@pytest.mark.parametrize(("queries", "expected"), WRONG_QUERIES)
def test_each_mistake_with_queries_gives_one_line(split, queries, expected):
    change(split, (*OWN, "queries"), queries)
    (line,) = lines_of(split)
    assert expected in line


def test_queries_of_another_dataset_combine_the_same(split, tmp_path):
    """Labels are joined in the order of the parts: those of another order never agree."""
    (tmp_path / "mine.csv").write_text("image,mood,style\na.png,merry,old\n")
    (tmp_path / "asked.csv").write_text("image,mood,style\na.png,merry,old\n")
    parts = {"mood": dict(PROMPTS), "style": dict(PROMPTS)}
    for name, combine in (("mine", ["mood", "style"]), ("asked", ["style", "mood"])):
        of_both = parts | {"both": {"combine": combine}}
        split["datasets"][name] = {"labels": f"{name}.csv", "notions": of_both}
    change(split, (*OWN, "queries"), {"dataset": "asked"})
    (line,) = lines_of(split)
    assert line == f"{QUERIES}.dataset: both combines other notions in asked"


@pytest.mark.parametrize("queries", [{}, {"share": 0.5, "seed": 3}, {"column": "role"}])
def test_queries_are_said_in_one_way(split, queries):
    change(split, (*OWN, "queries"), queries)
    assert parse_config(split).datasets["mine"].queries is not None


def test_queries_that_nothing_is_scored_by_are_refused(split):
    change(split, (*OWN, "queries"), {"column": "role"})
    split["protocol"] = "paper"
    (line,) = lines_of(split)
    assert "are for protocol: query_gallery, which nothing here is scored by" in line
    of_demo = {"dataset": "demo_cars", "protocols": ["query_gallery"]}
    split["experiments"] = {"protocols": of_demo}
    parse_config(split)


def test_what_is_drawn_from_images_needs_a_protocol_without_queries(split):
    split |= {"protocol": "query_gallery", "experiments": {"unseen": {}}}
    (line,) = lines_of(split)
    assert line == (
        "experiments.unseen: each image has to rank all others; list paper in protocol, too"
    )


def test_a_gallery_needs_images_of_its_queries(split, tmp_path):
    (tmp_path / "asked.csv").write_text("image_id,mood\na,merry\n")
    of_asked = {"labels": "asked.csv", "notions": {"mood": dict(PROMPTS)}}
    np.save(tmp_path / "asked.npy", np.ones((1, 512), np.float32))
    vectors = {"demo-M": {"file": "asked.npy"}}
    split["datasets"]["asked"] = of_asked | {"vectors": vectors}
    split |= {"protocol": "query_gallery", "figures": {"gallery": {"dataset": "mine"}}}
    change(split, (*OWN, "queries"), {"dataset": "asked"})
    (line,) = lines_of(split)
    assert "its queries are those of asked, which has no images to show" in line


@pytest.mark.parametrize("key", ["datasets", "models", "methods", "dims", "seeds"])
def test_missing_key_is_named(config, key):
    del config[key]
    assert lines_of(config) == [f"{key}: is missing"]


def test_embeddings_section_may_be_left_out(config):
    del config["embeddings"]
    assert parse_config(config).embeddings.device == "auto"


@pytest.fixture
def birds(config):
    """A dataset that can be downloaded."""
    paper = yaml.safe_load((ROOT / "configs" / "paper.yaml").read_text())
    config["datasets"] = {"cub200": paper["datasets"]["cub200"] | {"download": True}}
    return config


def test_a_download_goes_into_a_folder(birds):
    assert parse_config(birds).datasets["cub200"].download
    for root in ("data/CUB_200_2011.tgz", "config.yaml"):
        change(birds, ("datasets", "cub200", "root"), root)
        assert lines_of(birds) == [
            "datasets.cub200.root: with download it is the folder that CUB_200_2011.tgz goes into, "
            f"not {root!r}"
        ]


def test_the_protocol_is_a_name_or_a_list(config):
    assert parse_config(config).protocols == ["paper"]
    for value, expected in (("released", ["released"]), (["released", "paper"],) * 2):
        assert parse_config(config | {"protocol": value}).protocols == expected


def test_metrics_beyond_the_seven_are_in_the_order_of_tables(config):
    assert parse_config(config).more_metrics == []
    asked = parse_config(config | {"metrics": ["ari", "mrr", "recall_at_20", "recall_at_5"]})
    assert asked.more_metrics == ["recall_at_5", "recall_at_20", "ari"]


def test_labels_that_released_would_ignore_are_refused(config):
    birds = {"prompts": ["a wren", "a gull"], "labels": "bird_species_case_matched"}
    datasets = {"cub200": {"root": "somewhere", "notions": {"bird_species": birds}}}
    config |= {"datasets": datasets, "experiments": {}, "figures": {}}
    parse_config(config)
    (line,) = lines_of(config | {"protocol": ["paper", "released"]})
    assert "bird_species.labels: the released protocol takes those of bird_species_case" in line
    datasets["cub200"]["notions"] = {"birds": birds}
    parse_config(config | {"protocol": "released"})


def test_released_needs_the_notion_that_it_mixes_up(config):
    paper = yaml.safe_load((ROOT / "configs" / "paper.yaml").read_text())
    clothes = paper["datasets"]["deepfashion"]
    del clothes["notions"]["clothing_category"], clothes["notions"]["fit"]
    config |= {"datasets": {"deepfashion": clothes}, "protocol": ["paper", "released"]}
    expected = [
        f"datasets.deepfashion.notions.{notion}: the released protocol needs the prompts of "
        "clothing_category, too: list datasets.deepfashion.notions.clothing_category"
        for notion in ("texture", "fabric")
    ]
    assert lines_of(config) == expected
    clothes["notions"]["texture"]["scored"] = False
    assert lines_of(config) == expected[1:], "what is not scored mixes nothing up"


def test_all_mistakes_are_listed_at_once(config):
    change(config, ("seeds",), [1, 1])
    change(config, ("methods",), ["nothing"])
    assert len(lines_of(config)) == 2


def test_open_clip_names_are_known_without_importing_it(config):
    change(config, (*MODEL, "architecture"), "ViT-B-32-quickgelu")
    change(config, (*MODEL, "pretrained"), "openai")
    assert parse_config(config).models["demo-M"].pretrained == "openai"


@pytest.fixture
def folder(tmp_path):
    """A model as open_clip publishes it, as far as a configuration is checked."""
    (tmp_path / CONFIG_FILE).write_text(
        '{"model_cfg": {"embed_dim": 512, "vision_cfg": {}, "text_cfg": {}}}'
    )
    (tmp_path / WEIGHTS_FILE).touch()
    return tmp_path


def test_models_come_with_their_weights_or_name_them(config, folder):
    models = config["models"]
    models["name and tag"] = {"architecture": "ViT-B-32-quickgelu", "pretrained": "openai"}
    models["name and file"] = models["demo-M"] | {"architecture": "ViT-B-32"}
    models["hub"] = {"architecture": "hf-hub:org/name"}
    models["folder"] = {"architecture": f"local-dir:{folder}"}
    config["models"] = {name.replace(" ", "-"): model for name, model in models.items()}
    assert parse_config(config).models["hub"].pretrained is None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"architecture": "ViT-B-32"}, "pretrained: ViT-B-32 needs one of open_clip's tags or"),
        ({"architecture": "resources/demo_clip/demo-S.json"}, "needs the path of a safetensors"),
        (
            {"architecture": "hf-hub:org/name", "pretrained": "openai"},
            "pretrained: hf-hub:org/name comes with its weights: leave pretrained out",
        ),
        (
            {"architecture": "ViT-B-32", "pretrained": "hf-hub:org/name"},
            "pretrained: hf-hub:org/name is an architecture that comes with its weights",
        ),
        ({"architecture": "hf-hub:"}, "architecture: hf-hub: names no repository"),
        ({"architecture": "hf-hub:a/b/c"}, "architecture: hf-hub:a/b/c names no repository"),
        ({"architecture": "local-dir:gone"}, "architecture: there is no folder gone"),
        ({"architecture": "local-dir:docs"}, f"there is no readable file 'docs/{CONFIG_FILE}'"),
        (
            {"architecture": "ViT-B/32", "pretrained": "openai"},
            "architecture: there is no readable file 'ViT-B/32'; did you mean 'ViT-B-32' "
            "('ViT-B-32-quickgelu' for OpenAI's own weights)?",
        ),
        ({"architecture": "vit-b-32", "pretrained": "openai"}, "did you mean 'ViT-B-32' ("),
        ({"architecture": "RN50X4", "pretrained": "openai"}, "did you mean 'RN50x4' ("),
        (
            {"architecture": "openai/clip-vit-base-patch32"},
            "clip-vit-base-patch32'; open_clip has these weights: architecture "
            "ViT-B-32-quickgelu, pretrained openai",
        ),
        (
            {"architecture": "hf-hub:openai/clip-vit-large-patch14-336"},
            "is in the format of transformers, which is not read; open_clip has these weights: "
            "architecture ViT-L-14-336-quickgelu, pretrained openai",
        ),
        (
            {"architecture": "org/ViT-B-32", "pretrained": "openai"},
            "'org/ViT-B-32'; a repository of the hub is written hf-hub:org/ViT-B-32; did you mean",
        ),
        ({"architecture": "docs"}, "there is no open_clip model 'docs'"),
        ({"architecture": "./docs"}, "a model's folder is written local-dir:./docs"),
        (
            {"architecture": "ViT-B-32", "pretrained": "mine.PT"},
            "pretrained: only safetensors are loaded, not mine.PT, a pickle of torch, which can",
        ),
        (
            {"architecture": "ViT-B-32", "pretrained": "mine.onnx"},
            "not mine.onnx, an ONNX model, which is not read: take the weights that it was made of",
        ),
        ({"architecture": "ViT-B-32", "pretrained": "a/mine"}, "are loaded, not a/mine"),
    ],
)
def test_a_model_that_is_named_wrongly_is_one_line(config, model, expected):
    config["models"] = {"m": model}
    (line,) = lines_of(config)
    assert line.startswith("models.m.")
    assert expected in line
    assert "?;" not in line


def test_a_folder_is_checked_before_any_job(config, folder):
    config["models"] = {"m": {"architecture": f"local-dir:{folder}"}}
    config["dims"] = [16, 513]
    assert lines_of(config) == ["dims[1]: 513 is larger than the 512 dimensions of models.m"]
    (folder / WEIGHTS_FILE).unlink()
    (line,) = lines_of(config)
    assert f"{folder} holds no {WEIGHTS_FILE}: only models" in line
    (folder / CONFIG_FILE).write_text('{"embed_dim": 512, "vision_cfg": {}, "text_cfg": {}}')
    (line,) = lines_of(config)
    assert "is no open_clip model config" in line


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 605143316\n"
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (POINTER, " is a pointer of Git LFS and not the file itself: run `git lfs pull`"),
        (PAGE, " is a web page and not the file itself"),
        (b"PK\x03\x04\0\0\x08\x08archive/data.pkl", " is a pickle of torch, which can run code: "),
        (
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
            " is a pickle of torch, which can run code: ",
        ),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:", " is an ONNX model, which is not read: "),
    ],
)
def test_weights_that_are_something_else_are_told_before_any_job(
    config, folder, content, expected, tmp_path
):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    config["models"]["demo-M"]["pretrained"] = str(path)
    assert lines_of(config)[0].startswith(f"models.demo-M.pretrained: {path}{expected}")
    (folder / WEIGHTS_FILE).write_bytes(content)
    config["models"] = {"m": {"architecture": f"local-dir:{folder}"}}
    (line,) = lines_of(config)
    assert line.startswith(f"models.m.architecture: {folder / WEIGHTS_FILE}{expected}")


@pytest.mark.parametrize("name", [CONFIG_FILE, "tokenizer.json", "merges.txt"])
def test_other_files_of_a_model_that_are_pointers_are_told(config, folder, name):
    (folder / name).write_bytes(POINTER)
    config["models"] = {"m": {"architecture": f"local-dir:{folder}"}}
    (line,) = lines_of(config)
    assert line.startswith(f"models.m.architecture: {folder / name} is a pointer of Git LFS")


def test_a_model_config_that_is_a_web_page_is_told(config, tmp_path):
    path = tmp_path / "mine.json"
    path.write_bytes(PAGE)
    config["models"]["demo-M"]["architecture"] = str(path)
    assert f"architecture: {path} is a web page and not the file itself" in lines_of(config)[0]


def test_a_folder_in_the_format_of_transformers_is_told(config, folder):
    (folder / CONFIG_FILE).rename(folder / "config.json")
    config["models"] = {"m": {"architecture": f"local-dir:{folder}"}}
    (line,) = lines_of(config)
    assert line.endswith("; its config.json is in the format of transformers, which is not read")


def test_weights_of_any_header_length_are_weights(tmp_path):
    """Among others of a length whose bytes look as a pickle's or an ONNX model's first ones."""
    path = tmp_path / "w.safetensors"
    for length in (0x0280, 0x120708, 0x04034B50):
        path.write_bytes(length.to_bytes(8, "little") + b'{"a":')
        assert taken_for_weights(path) is None


def test_dims_are_checked_where_the_hub_is_cached(config, folder, tmp_path_factory, monkeypatch):
    cache = tmp_path_factory.mktemp("cache")
    cache_repository(cache, "org/name", folder)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    config["models"] = {"m": {"architecture": "hf-hub:org/name"}}
    config["dims"] = [513]
    assert lines_of(config) == ["dims[0]: 513 is larger than the 512 dimensions of models.m"]
    config["models"] = {"m": {"architecture": "hf-hub:org/gone"}}
    assert parse_config(config).dims == [513]


BAD_FILES = {
    "nothing": (b"", "mine.yaml holds no keys; docs/configuration.md explains them"),
    "a list": (b"- seeds", "mine.yaml holds no keys; docs/configuration.md explains them"),
    "UTF-16": ("seeds: [0]".encode("utf-16"), "mine.yaml, line 1: is not in UTF-8; save it in"),
    "Latin-1": (b"seeds: [0]\n# \xfc", "mine.yaml, line 2: is not in UTF-8; save it in UTF-8"),
    "an open bracket": (
        b"seeds: [0]\ndims: [4\nmethods: [clip]\n",
        "mine.yaml, line 3: while parsing a flow sequence from line 2 on, expected ',' or ']', but",
    ),
    "a tab": (
        b"embeddings:\n\tdevice: cpu",
        "mine.yaml, line 2: while scanning for the next token, found character '\\t' that cannot "
        "start any token; indent with blanks",
    ),
    "a key twice": (
        b"seeds: [0]\ndims: [4]\nseeds: [1]\n", "mine.yaml, line 3: the key 'seeds' is there tw",
    ),
    "a key in braces": (b"datasets:\n  {a}: 1\n", "mine.yaml, line 2: a key in brackets or braces"),
    "a key that is no text": (
        b"datasets:\n  no: 1\n",
        "mine.yaml, line 2: the key no is no text in YAML; put it in quotes",
    ),
    "a number for a key": (b"a: 1\n4: 1", "mine.yaml, line 2: the key 4 is no text in YAML; put"),
    "a date": (b"a:\n  2001-09-19", "mine.yaml, line 2: 2001-09-19 is a date in YAML; put it in q"),
    "no date": (b"seeds: 2001-99-99\n", "mine.yaml, line 1: 2001-99-99 is a date in YAML; put it"),
    "an octal number": (b"dims: [010]", "mine.yaml, line 1: 010 is 8 in YAML; write that, or text"),
    "a sexagesimal one": (b"a: 12:30:00", "mine.yaml, line 1: 12:30:00 is 45000 in YAML; write th"),
    "a fraction of 60": (b"a: 1:30.5", "mine.yaml, line 1: 1:30.5 is 90.5 in YAML; write that, or"),
    "a sign of none": (b"a: 1\nb: \x00", "mine.yaml, line 2: U+0000 is no character of text"),
    "no number": (b"a: !!int b", "mine.yaml is no YAML: invalid literal for int()"),
    "an object": (b"a: !!python/name:os.system", "mine.yaml, line 1: could not determine a constr"),
    "two of them": (
        b"a: 1\n---\nb: 1",
        "mine.yaml, line 2: expected a single document in the stream from line 1 on, but found an",
    ),
    "brackets without end": (b"[" * 5000, "mine.yaml: has too many brackets in brackets"),
    "a pointer": (
        b"version https://git-lfs.github.com/spec/v1\n", "mine.yaml is a pointer of Git LFS and no",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_configuration_is_one_line(tmp_path, monkeypatch, name):
    content, expected = BAD_FILES[name]
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_bytes(content)
    assert_read_says(["mine.yaml"], expected)
    Path("good.yaml").write_text("seeds: [0]")
    assert_read_says(["good.yaml", "mine.yaml"], expected)


def assert_read_says(files, expected):
    with pytest.raises(ConfigError) as raised:
        read_values(files)
    (line,) = raised.value.lines
    assert line.startswith(expected)
    assert len(line.splitlines()) == 1


def test_what_is_no_file_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_read_says(["a.yaml"], "there is no file a.yaml; --configfile names another one")
    Path("a.yaml").mkdir()
    assert_read_says(["a.yaml"], "a.yaml is a folder; a configuration is a file")
    os.mkfifo("b.yaml")
    assert_read_says(["b.yaml"], "b.yaml is a pipe or a device, which is read only once; a config")


def test_numbers_are_read_where_they_cannot_be_mistaken(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "seeds: [0, 10, -5, 0x10, 1_000]\nweights: [0.5, 1.5e+3]\nd: {<<: {a: 1}, b: 2}"
    )
    assert read_values([path]) == {
        "seeds": [0, 10, -5, 16, 1000], "weights": [0.5, 1500.0], "d": {"a": 1, "b": 2},
    }  # fmt: skip


def test_json_is_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("mine.json")
    path.write_text(json.dumps(DEFAULT, indent="\t"), encoding="utf-8-sig")
    assert read_values([path]) == DEFAULT
    path.write_text('{"seeds": [0],\n"dims": [4')
    assert_read_says([path], "mine.json, line 2: is no JSON: Expecting ',' delimiter")
    path.write_text('{"seeds": [0], "seeds": [1]}')
    assert_read_says([path], "mine.json: the key 'seeds' is there twice")
    path.with_suffix(".yaml").write_text("{seeds: [0]}")  # YAML that begins as JSON does
    assert read_values([path.with_suffix(".yaml")]) == {"seeds": [0]}


def test_later_values_count_and_sections_are_merged(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("seeds: [0, 1]\nembeddings: &e {device: cpu, workers: 1}\nother: *e")
    second.write_text("embeddings: {workers: 2}")
    given = parse_given(["seeds=[7]", "embeddings={batch_size: 3}", "embeddings={batch_size: 4}"])
    assert given == {"seeds": [7], "embeddings": {"batch_size": 4}}
    assert read_values([first, second], given) == {
        "seeds": [7], "embeddings": {"device": "cpu", "workers": 2, "batch_size": 4},
        "other": {"device": "cpu", "workers": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("seeds=[0", "--config seeds: while parsing a flow sequence, expected ',' or ']'"),
        ("dims=[010]", "--config dims: 010 is 8 in YAML; write that, or text in quotes"),
    ],
)
def test_a_value_of_the_command_line_that_is_no_yaml_is_one_line(argument, expected):
    with pytest.raises(ConfigError) as raised:
        parse_given([argument])
    (line,) = raised.value.lines
    assert line.startswith(expected)


def test_a_configuration_can_be_checked_without_snakemake(tmp_path):
    def check(*files):
        command = [sys.executable, "-m", "lanzdml.config", *files]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert check("config.yaml") == (0, "config.yaml: nothing is wrong with it\n")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("seeds: [010]")
    told = f"Error: {wrong}, line 1: 010 is 8 in YAML; write that, or text in quotes\n"
    assert check(wrong) == (1, told)


def test_schema_file_is_in_step():
    committed = json.loads((ROOT / "resources" / "config.schema.json").read_text())
    assert committed == json_schema(), (
        "run: python -m lanzdml.config > resources/config.schema.json"
    )


EXPERIMENT = '''
"""Is it so?"""

from lanzdml.experiments.experiment import AblationOfModel
from lanzdml.figures.words import Words


class NewExperiment(AblationOfModel):
    """Something new."""

    words = Words("New", "New.", "New.", "Ablations")
    one_fit = "new ones are of one"
'''
READ = """
import sys, yaml
from lanzdml.config.config import ConfigError, json_schema, parse_config
from lanzdml.figures.catalogue import all_words

config = yaml.safe_load(open("config.yaml"))
config["experiments"]["new"] = {"dataset": "demo_cars"}
new = parse_config(config).experiments.new
assert (new.model, new.seeds, new.notions[0]) == ("demo-M", 5, "car_model")
assert json_schema()["$defs"]["ExperimentsConfig"]["properties"]["new"]
assert all_words()["new"].title == "New"
config["experiments"]["new"] = {"dataset": "demo_cars", "notions": ["car_model_and_color"]}
try:
    parse_config(config)
except ConfigError as error:
    print(error)
"""


def test_a_new_experiment_is_one_file_and_one_line(tmp_path):
    for name in ("config.yaml", "resources"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "lanzdml", tmp_path / "lanzdml")
    folder = tmp_path / "lanzdml" / "experiments"
    (folder / "new.py").write_text(EXPERIMENT)
    registry = folder / "__init__.py"
    last = '    main="main:MainExperiment",\n'
    text = registry.read_text()
    assert last in text
    registry.write_text(text.replace(last, last + '    new="new:NewExperiment",\n'))
    read = subprocess.run(
        [sys.executable, "-c", READ], cwd=tmp_path, capture_output=True, text=True
    )
    assert read.stdout == (
        "experiments.new.notions: car_model_and_color is stacked of several fits, and new ones are "
        "of one; combine by: union is one fit\n"
    ), read.stderr


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("-n --configfile a.yaml b.yaml --cores 1 all", ["a.yaml", "b.yaml"]),
        ("all --configfile=a.yaml -n", ["a.yaml"]),
        ("--configfiles a.yaml --config x=1", ["a.yaml"]),
        ("--configfile=a.yaml all", ["a.yaml"]),
        ("--configf a.yaml", ["a.yaml"]),
        ("--config a.yaml --configure a.yaml", []),
        ("all --cores 1 -- b.yaml", []),
    ],
)
def test_the_command_line_names_files(arguments, files):
    assert configuration_files(arguments.split()) == files


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("typo.yaml", "there is no file typo.yaml; --configfile names another one"),
        ("folder", "folder is a folder; a configuration is a file"),
        ("broken.yaml", "broken.yaml, line 2: mapping values are not allowed here"),
        ("list.yaml", "list.yaml holds no keys; docs/configuration.md explains them"),
        ("utf-16.yaml", "utf-16.yaml, line 1: is not in UTF-8; save it in UTF-8"),
        (
            "good.yaml results/a.md",
            "results/a.md is no file of a configuration, for which --config",
        ),
        ("good.yaml folder", "folder is no file of a configuration"),
    ],
)
def test_files_are_looked_at_before_snakemake_does(given, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.yaml").write_text("seeds: [0]\n")
    (tmp_path / "broken.yaml").write_text("a: b\n  c: [1,\n")
    (tmp_path / "list.yaml").write_text("- a\n")
    (tmp_path / "utf-16.yaml").write_text("a: b\n", encoding="utf-16")
    with pytest.raises(SystemExit, match=f"^Error: {said}"):
        check_files(["--cores", "1", "--configfile", *given.split()])
    check_files(["--configfile", "good.yaml"])
