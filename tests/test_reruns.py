"""What changes is made anew, whatever changes with it; and then nothing is left to do."""

import csv
import io
import os
from shutil import copytree

import pytest
import yaml

from tests.test_workflow import ROOT, copy_code, edit
from tests.workflow_runs import run_workflow

COLORS = "resources/prompts/css21_colors.txt"
CONFIG = {
    "datasets": {
        "cars196": {
            "root": "data/cars",
            "notions": {
                "car_type": {"template": "a {aspect}", "aspects": ["sedan", "van", "coupe"]},
                "car_color": {
                    "template": "a {aspect} car", "aspects": COLORS,
                    "ensemble": ["a {aspect} car", "{aspect}"],
                },
            },
        },
        "mine": {
            "labels": "data/mine.csv",
            "notions": {
                "fruit": {"template": "a {aspect}", "aspects": "labels"},
                "taste": {"prompts": ["a sweet fruit", "a sour fruit", "a bitter one"]},
            },
        },
    },
    "models": {
        "demo": {"architecture": "data/demo.json", "pretrained": "data/demo.safetensors"},
    },
    "methods": ["clip", "indirect", "oracle"],
    "dims": [2],
    "seeds": [1, 2],
    "experiments": {
        "dimensions": {
            "dataset": "mine", "notions": ["fruit"], "methods": ["indirect"], "dims": [2, 3],
            "seeds": 1,
        },
        "protocols": {
            "dataset": "cars196", "methods": ["clip"], "protocols": ["query_gallery"], "seeds": 1,
        },
        "prompt_count": {
            "dataset": "cars196", "notions": ["car_color"], "methods": ["indirect"], "counts": [5],
        },
    },
    "figures": {
        "saliency": {"dataset": "mine", "notions": ["fruit"], "images": 2, "measured": 1},
        "gallery": {"dataset": "mine", "notions": ["fruit"], "queries": 2},
    },
    "published": ["data/paper.csv"],
    "embeddings": {"device": "cpu"},
}  # fmt: skip
FILES = {
    "data/cars/car_ims/000001.jpg": "an image",
    "data/cars/cars_annos.mat": "annotation",
    "data/mine.csv": "image,fruit,taste\na.png,fig,sweet\nb.png,lime,sour\nc.png,fig,bitter\n",
    "data/demo.safetensors": "weights " * 1000,
    "data/paper.csv": (
        "paper,dataset,notion,model,method,metric,value,unit,protocol\n"
        "Theirs,mine,fruit,CLIP-B,clip,map,43.0,percent,leave_one_out\n"
    ),
}


def setting(*keys, value):
    """An edit of the configuration."""

    def change(config, folder, code):
        *above, last = keys
        for key in above:
            config = config[key]
        config[last] = value

    return change


def text(path, old, new, of="folder"):
    """An edit of a file; one that has nothing to be replaced is new or gets more.

    It comes with a date before that of all results, as a file that is moved here does.
    """

    def change(config, folder, code):
        file = (code if of == "code" else folder) / path
        content = file.read_text() if file.exists() else ""
        assert old in content
        file.unlink(missing_ok=True)
        file.write_text(content.replace(old, new) if old else content + new)
        os.utime(file, (1, 1))

    return change


CARS, MINE = ("datasets", "cars196"), ("datasets", "mine")
CAR_COLOR, FRUIT = (*CARS, "notions", "car_color"), (*MINE, "notions", "fruit")
EDITS = {
    "template": setting(*CAR_COLOR, "template", value="a {aspect} vehicle"),
    "aspects": setting(*CARS, "notions", "car_type", "aspects", value=["sedan", "van", "truck"]),
    "prompts": setting(*MINE, "notions", "taste", "prompts", value=["a pie", "a cake", "bread"]),
    "labels": setting(*CAR_COLOR, "labels", value="car_type"),
    "variants": setting(*CAR_COLOR, "variants", value={"bare": {"template": "{aspect}"}}),
    "on_unreadable": setting(*CARS, "on_unreadable", value="skip"),
    "root": setting(*CARS, "root", value="data/other"),
    "annotation": text("data/cars/cars_annos.mat", "annotation", "correction"),
    "optional file": text("data/cars/car_color.csv", "", "image,car_color\n"),
    "table": text("data/mine.csv", "fig,sweet", "kiwi,sweet"),
    "weights": text("data/demo.safetensors", "", "trained longer"),
    "method's code": text(
        "lanzdml/methods/indirect.py", "return normalise(", "return -normalise(", "code"
    ),
    "files.py": text("lanzdml/files.py", '"[0-9a-f]{32}"', '"[0-9a-f]{31}"', "code"),
    "metrics' code": text(
        "lanzdml/metrics/clusters.py", '"max_iter": 25', '"max_iter": 26', "code"
    ),
    "CLIP's code": text(
        "lanzdml/embeddings/other_packages.py", "LENGTH = 400", "LENGTH = 401", "code"
    ),
    "figure's style": text("lanzdml/figures/style.py", '"#222222"', '"#111111"', "code"),
    "fewer methods": setting("methods", value=["clip", "indirect"]),
    "more methods": setting("methods", value=["clip", "indirect", "oracle", "pca"]),
    "dims": setting("dims", value=[4]),
    "seeds": setting("seeds", value=[1, 2, 3]),
    "protocol": setting("protocol", value=["paper", "released"]),
    "metrics": setting("metrics", value=["ari"]),
    "kmeans_repeats": setting("kmeans_repeats", value=3),
    "kmeans_batch_size": setting("kmeans_batch_size", value=40),
    "rank_shards": setting(*MINE, "rank_shards", value=2),
    "queries": setting(*CARS, "queries", value={"share": 0.2}),
    "protocols": setting(
        "experiments", "protocols", "protocols", value=["query_gallery", "released"]
    ),
    "counts": setting("experiments", "prompt_count", "counts", value=[5, 9]),
    "ablated dims": setting("experiments", "dimensions", "dims", value=[2, 3, 5]),
    "saliency": setting("figures", "saliency", "measured", value=2),
    "gallery": setting("figures", "gallery", "queries", value=1),
    "scored": setting(*CARS, "notions", "car_type", "scored", value=False),
    "combination": setting(
        *CARS, "notions", "both", value={"combine": ["car_type", "car_color"]}
    ),
    "shards": setting(*MINE, "shards", value=2),
    "published value": text("data/paper.csv", "43.0", "44.0"),
    "published files": setting("published", value=[]),
}  # fmt: skip


def run_all(runs):
    """What each run with jobs that stand in printed: pairs of a folder and its arguments."""
    done = [run_workflow(*each, stand_in=True) for each in runs]
    for code, printed in done:
        assert code == 0, printed
    return [printed for _, printed in done]


def run(folder, code):
    return folder, ["--snakefile", code / "Snakefile", "--cores", "1", "--touch"]


def summary(folder, code):
    return folder, ["--snakefile", code / "Snakefile", "--cores", "1", "--summary"]


def left_to_do(printed):
    """Files that a run would make, of what ``--summary`` printed; no shards, which are gone."""
    _, header, table = printed.partition("output_file\t")
    rows = csv.DictReader(io.StringIO(header + table), delimiter="\t")
    return {row["output_file"] for row in rows if row["plan"] == "update pending"}


def contents(folder):
    """All results but the estimate, which tells what was left to do when a run began."""
    files = {str(path.relative_to(folder)): path for path in (folder / "results").rglob("*")}
    del files["results/estimate.json"]
    return {name: path.read_text() for name, path in files.items() if path.is_file()}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder in which all was run, and its code."""
    folder, code = (tmp_path_factory.mktemp(name) for name in ("base", "code"))
    write_inputs(folder)
    copy_code(code)
    write_config(folder, CONFIG)
    run_all([run(folder, code)])
    return folder, code


def write_inputs(folder):
    for name, content in FILES.items():
        for path in {name, name.replace("data/cars", "data/other")}:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
    (folder / "data/demo.json").write_bytes((ROOT / "resources/demo_clip/demo-S.json").read_bytes())
    (folder / "resources").symlink_to(ROOT / "resources")


def write_config(folder, config):
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def edited(base, place, names):
    """Copies of the base's folder and code, with some edits."""
    here, code = (copytree(path, place / path.name, symlinks=True) for path in base)
    config = yaml.safe_load(yaml.safe_dump(CONFIG))
    for name in names:
        EDITS[name](config, here, code)
    write_config(here, config)
    return here, code


def check(base, tmp_path, cases):
    """Check that after each case's edits, and a run, all is as a run from nothing leaves it."""
    runs, folders = [], {}
    for number, names in enumerate(cases):
        here, code = edited(base, tmp_path / str(number), names)
        fresh = tmp_path / f"{number} from nothing"
        copytree(here, fresh, symlinks=True, ignore=lambda *_: {"results", ".snakemake"})
        runs += [run(here, code), summary(here, code), run(fresh, code)]
        folders[names] = here, fresh
    printed = run_all(runs)
    for number, (names, (here, fresh)) in enumerate(folders.items()):
        ours, expected = contents(here), contents(fresh)
        old = {path for path in expected if path not in ours or ours[path] != expected[path]}
        assert not old, f"{names}: {sorted(old)[:5]} are old"
        assert not left_to_do(printed[3 * number + 1]), names
        assert expected, names


@pytest.mark.slow
def test_each_edit_changes_something(base, tmp_path):
    runs = [summary(*edited(base, tmp_path / name, [name])) for name in EDITS]
    unnoticed = [
        name for name, printed in zip(EDITS, run_all(runs), strict=True) if not left_to_do(printed)
    ]
    assert not unnoticed


def test_new_entries_of_registries_change_nothing(base, tmp_path):
    code = copytree(base[1], tmp_path / "code", symlinks=True)
    methods, datasets = (code / f"lanzdml/{name}/__init__.py" for name in ("methods", "datasets"))
    edit(methods, "METHODS = Methods(", 'METHODS = Methods(\n    mine="indirect:InDiReCT",')
    edit(datasets, "] = {", '] = {\n    "more": Dataset("lanzdml.datasets.more", ("mood",), 9),')
    (printed,) = run_all([summary(base[0], code)])
    assert not left_to_do(printed)


def test_another_class_of_a_method_is_fitted_anew(base, tmp_path):
    code = copytree(base[1], tmp_path / "code", symlinks=True)
    edit(code / "lanzdml/methods/__init__.py", '"indirect:InDiReCT"', '"indirect:Optimised"')
    (printed,) = run_all([summary(base[0], code)])
    fits = {path for path in left_to_do(printed) if "/transforms/" in path}
    assert fits
    assert all("/indirect/" in path for path in fits)


# Each of these went unnoticed once: what runs because of the first hid the second.
@pytest.mark.parametrize(
    "pair", [("on_unreadable", "template"), ("files.py", "method's code")], ids=" and ".join
)
def test_two_edits_at_once(base, tmp_path, pair):
    check(base, tmp_path, [pair])


@pytest.mark.slow
@pytest.mark.parametrize("first", EDITS)
def test_all_pairs_of_edits(base, tmp_path, first):
    names = list(EDITS)
    check(base, tmp_path, [(first,), *((first, name) for name in names[names.index(first) + 1 :])])
