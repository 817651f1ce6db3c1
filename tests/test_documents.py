"""What the documents show can be done: each of their code blocks is read, run or checked here.

Blocks are found by their fences, so a new one is checked, too: Python is run on small results,
YAML has to be a configuration or a part of one, and of commands programs, targets, options and
files have to be there. Some blocks are also done as they say with the whole workflow
(test_workflow.py, test_your_own.py and test_experiments.py).
"""

import ast
import contextlib
import importlib
import importlib.util
import json
import re
import shlex
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.cli import get_argument_parser

from lanzdml.collections.applying import apply_transform
from lanzdml.collections.gathering import gather_collection
from lanzdml.collections.writing import write_index
from lanzdml.commands.main import lanzdml
from lanzdml.config.config import parse_config
from lanzdml.config.file import read_values
from lanzdml.config.owner import RECORD
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings import write_embeddings
from lanzdml.embeddings.models import CONFIG_FILE, WEIGHTS_FILE
from lanzdml.embeddings.vectors.reading import Source
from lanzdml.methods import METHODS
from lanzdml.methods.base import Method
from lanzdml.methods.needs import PROMPTS
from lanzdml.metrics import METRICS
from lanzdml.transforms import save_transform
from lanzdml.transforms.contract import check_method

ROOT = Path(__file__).parents[1]
LEFT_OUT = {"results", "build", "dist", "node_modules"}
DOCUMENTS = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part in LEFT_OUT or part.startswith(".") for part in path.relative_to(ROOT).parts)
]
FENCE = re.compile(r"^( *)(```|~~~)(\S*)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)
# Contents of files, compared by the test of their document, and the layouts of collections.
DATA = "docs/datasets.md"
PUBLISHED = "docs/paper.md"
SHOWN = {
    "docs/your-own.md": ["csv", "text"],
    PUBLISHED: ["csv"],
    "docs/architecture.md": ["text"],
    DATA: [""] * 7,
}


def blocks():
    """(document, number in it, language, text) of each block."""
    for path in DOCUMENTS:
        name = path.relative_to(ROOT).as_posix()
        for number, match in enumerate(FENCE.finditer(path.read_text(encoding="utf-8"))):
            yield name, number, match[3], match[4]


def of(*languages):
    return [
        pytest.param(name, text, id=f"{name}-{number}")
        for name, number, language, text in blocks()
        if language in languages
    ]


def test_every_block_is_checked():
    """Those of another language would be by no test; and no fence is left open or indented."""
    shown = {}
    for name, _, language, _ in blocks():
        if language not in ("python", "yaml", "sh"):
            shown.setdefault(name, []).append(language)
    assert shown == SHOWN
    fences = sum(len(re.findall("```|~~~", path.read_text(encoding="utf-8"))) for path in DOCUMENTS)
    assert fences == 2 * len(list(blocks()))
    assert {name for name, *_ in blocks()} >= {"README.md", "docs/your-own.md", "docs/paper.md"}


def test_files_in_the_layouts_of_collections_are_those_that_are_read():
    readers = "".join(path.read_text() for path in ROOT.glob("lanzdml/datasets/*.py"))
    layouts = "".join(
        text for name, _, language, text in blocks() if (name, language) == (DATA, "")
    )
    names = set(re.findall(r"\b[a-z][\w-]*\.(?:csv|txt|mat|json)", layouts))
    assert len(names) >= 10
    assert {name for name in names if name not in readers} == set()


def vectors(n, r=160):
    """Of more components than the 128 that documents take."""
    return np.random.default_rng(n).normal(1, 1, (n, r)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that blocks name, small: as a run leaves them, or as a user places them."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "resources").symlink_to(ROOT / "resources")
    (paper,) = (
        text for name, *_, language, text in blocks() if (name, language) == (PUBLISHED, "csv")
    )
    (folder / "my_paper.csv").write_text(paper)
    for run, model, notion in (
        ("results", "demo_cars/demo-M", "car_color"),
        ("results/flowers", "my_flowers/my_clip", "brightness"),
    ):
        embedded = folder / run / "embeddings" / model
        ids = [f"image {number}" for number in range(12)]
        rows = pd.DataFrame({"image_id": ids, "path": ids, notion: ["a", "b", "c"] * 4})
        manifest = folder / run / "datasets" / Path(model).parent / "manifest.parquet"
        (embedded / "prompts").mkdir(parents=True)
        manifest.parent.mkdir(parents=True)
        (folder / run / RECORD).touch()
        write_manifest(manifest, rows, [notion], "made by this test")
        of_images = {FINGERPRINT: fingerprint(rows)}
        write_embeddings(embedded / "images.parquet", rows[["image_id"]], vectors(12), of_images)
        prompts = pd.DataFrame({"prompt": list("pqrstu"), "aspect": list("abcdef")})
        for wording in (notion, f"{notion}/wordings/bare"):
            write_embeddings(embedded / f"prompts/{wording}.parquet", prompts, vectors(6), {})
    for run in ("flowers/transforms/my_flowers/my_clip/brightness",
                "transforms/demo_cars/demo-M/car_color"):  # fmt: skip
        fit = folder / f"results/{run}/indirect/dim-128"
        fit.mkdir(parents=True)
        save_transform(fit / "seed-0.safetensors", METHODS["indirect"](128).fit(vectors(6)))
    for method in ("indirect", "prompt_posterior"):
        queries = folder / f"results/queries/paper/demo_cars/demo-M/car_color/{method}/dim-128"
        queries.mkdir(parents=True)
        scores = pd.DataFrame(
            {"method": method, "image_id": ids, "map_at_r": np.linspace(0, 1, 12)}
        )
        scores.to_parquet(queries / "seed-0.parquet")
    for table in (
        "photographs/labels.parquet", "flowers/labels.csv", "mine/labels.csv", "shop/labels.csv",
        "customers/labels.csv", "drawn/labels.csv",
    ):  # fmt: skip
        path = folder / "data" / table
        path.parent.mkdir(parents=True)
        labels = pd.DataFrame({"image": ["1.png"], "color": ["red"], "background": ["green"]})
        labels["role"] = "query"
        labels.to_parquet(path) if path.suffix == ".parquet" else labels.to_csv(path, index=False)
    (folder / "data/flowers/brightness.txt").write_text("a dark picture\na light picture\n")
    (folder / "models").mkdir()
    for suffix in ("json", "safetensors"):
        for name in ("mine", "my_clip"):
            demo = ROOT / f"resources/demo_clip/demo-S.{suffix}"
            (folder / f"models/{name}.{suffix}").symlink_to(demo)
    from_hub = folder / "models/CLIP-ViT-B-32-laion2B-s34B-b79K"
    from_hub.mkdir()
    model = json.loads((ROOT / "resources/demo_clip/demo-S.json").read_text())
    (from_hub / CONFIG_FILE).write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
    (from_hub / WEIGHTS_FILE).symlink_to(ROOT / "resources/demo_clip/demo-S.safetensors")
    (makes_vectors,), (makes_more, *_) = map(
        python_of, ("docs/your-vectors.md", "docs/collections.md")
    )
    (folder / "my_methods").mkdir()
    (method,) = (text for text in python_of("docs/your-own.md") if "(Method):" in text)
    (folder / "my_methods/prompt_span.py").write_text(method)
    with contextlib.chdir(folder):
        exec(makes_vectors, {})
        exec(makes_more, {})
        apply_to_collection(folder / "results/things/collections/more")
        (folder / "results/things" / RECORD).touch()
    return folder


def apply_to_collection(results):
    """What a run makes of the files that docs/collections.md makes."""
    fit = results / "fit.safetensors"
    results.mkdir(parents=True)
    save_transform(fit, METHODS["clip"]().fit(vectors(6, 32)))
    shards = [results / f"shards/{path.name}" for path in sorted(Path("data/more").iterdir())]
    for shard in shards:
        source = Source(Path("data/more", shard.name))
        apply_transform(fit, source, shard, protocol="paper", facts={})
    gather_collection(shards, results / "ids.parquet", results / "vectors.npy")
    write_index(results / "vectors.npy", results / "vectors.faiss", "cosine")


def python_of(document):
    """A document's blocks of Python."""
    return [
        text for name, _, language, text in blocks() if (name, language) == (document, "python")
    ]


def run(text, namespace, monkeypatch, name="block"):
    module = ModuleType(name)
    vars(module).update(namespace)
    monkeypatch.setitem(sys.modules, name, module)  # where pydantic looks for a class' names
    exec(compile(text, name, "exec"), vars(module))
    return vars(module)


class TestPython:
    def test_there_is_some(self):
        assert len(of("python")) >= 7

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize(("document", "text"), of("python"))
    def test_runs_as_it_stands(self, document, text, folder, monkeypatch, capsys):
        monkeypatch.chdir(folder)
        given = {}
        if document == "README.md" and "prompt_embeddings =" not in text:
            # "The default run's embeddings, with which this gives ...": shown below it.
            (read,) = (
                other
                for name, _, language, other in blocks()
                if name == document and language == "python" and "prompt_embeddings, _ =" in other
            )
            given = run(read, {}, monkeypatch)
        result = run(text, given, monkeypatch)
        printed = capsys.readouterr().out
        assert bool(printed) == ("print(" in text)
        if "compute_metrics(" in text:
            values = ast.literal_eval(printed)
            assert tuple(values) == METRICS
            assert all(0 <= value <= 1 for value in values.values())
        for value in result.values():
            if not (isinstance(value, type) and issubclass(value, Method)) or value is Method:
                continue
            if value.needs == (PROMPTS,):
                out = value().fit(vectors(6)).transform(vectors(9))
                assert out.shape[0] == 9
                assert np.isfinite(out).all()
                assert not [outcome for outcome in check_method(value) if outcome.fault]


DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
PAPER = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
MINIMAL = {
    "datasets": {"demo_cars": DEFAULT["datasets"]["demo_cars"]},
    "models": {"demo-M": DEFAULT["models"]["demo-M"]},
    "methods": ["clip", "indirect"],
    "dims": [16],
    "seeds": [0, 1],
}
NOTIONS = {"color": {"template": "something {aspect}", "aspects": ["red", "green"]}}
# Keys that another block of the same document adds: an experiment.
ADDED = {
    "docs/architecture.md": lambda config: config["experiments"].pop("spread"),
}


# Documents whose configuration is added to that of another one.
GOES_ON_FROM = {
    "docs/collections.md": next(
        yaml.safe_load(text)
        for name, _, language, text in blocks()
        if (name, language) == ("docs/your-vectors.md", "yaml")
    ),
}


def _alone(notion):
    """A notion without what it says of others, which may not be in a part."""
    return {key: value for key, value in notion.items() if key != "against"}


def completed(document, part):
    """A part of a configuration in one that has all else that it needs."""
    if "notions" in part:  # of a dataset
        cars = MINIMAL["datasets"]["demo_cars"]
        notions = {
            name: _alone(cars["notions"][name]) if notion == "..." else notion
            for name, notion in part["notions"].items()
        }
        part = {"datasets": {"demo_cars": cars | {"notions": notions}}}
    config = MINIMAL | GOES_ON_FROM.get(document, {}) | part
    config["datasets"] = {
        name: {"notions": PAPER["datasets"].get(name, {}).get("notions", NOTIONS)} | dataset
        for name, dataset in config["datasets"].items()
    }
    if "spread" in config.get("experiments", {}):
        ADDED[document](config)
    return config


class TestYaml:
    def test_there_is_some(self):
        assert len(of("yaml")) >= 10

    @pytest.mark.parametrize(("document", "text"), of("yaml", "yml"))
    def test_is_a_configuration_or_a_part_of_one(self, document, text, folder, monkeypatch):
        monkeypatch.chdir(folder)
        parse_config(completed(document, yaml.safe_load(text)))

    @pytest.mark.parametrize("name", [
        "config.yaml", *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("configs/*.yaml")),
    ])  # fmt: skip
    def test_what_the_repository_ships_is_one(self, name, monkeypatch):
        monkeypatch.chdir(ROOT)
        # What stands behind another says so.
        behind = re.findall(r"--configfile (\S+) " + re.escape(name), Path(name).read_text("utf-8"))
        parse_config(read_values([*behind, name]))


TARGETS = set(
    re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)
RULES = {
    rule
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]
    for rule in re.findall(
        r"^\s*(?:use rule \w+ as|rule) (\w+)(?::| with)", path.read_text(), re.MULTILINE
    )
}
# uv is a program without an entry point.
PROGRAMS = {"python", "uv"} | {script.name for script in entry_points(group="console_scripts")}
ELSEWHERE = {"git", "cd", "sinfo", "tmux", "export", "sbatch", "podman", "docker", "apptainer"}
IMAGES = {"lanzdml", "lanzdml.sif"}  # containers, which run snakemake
OURS = {path.name for path in ROOT.iterdir()} - {"results", "data", "models"}


def commands(text):
    """Each command's words, without comments."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield words[:end]
            words = words[end + 1 :]


def inline():
    """Commands within sentences, and options for Snakemake that stand there alone."""
    for path in DOCUMENTS:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for code in re.findall(r"`([^`\n]+)`", text):
            if code.startswith(("make ", ".venv/bin/", "python -m lanzdml", "--configfile")):
                yield pytest.param(path.relative_to(ROOT).as_posix(), code, id=code)


@pytest.fixture(scope="module")
def snakemake_options():
    return get_argument_parser()


class TestShell:
    def test_there_is_some(self):
        assert len(of("sh")) >= 8
        assert len(list(inline())) >= 10

    @pytest.mark.parametrize(("document", "text"), [*of("sh", "bash", "shell"), *inline()])
    def test_names_what_is_there(self, document, text, snakemake_options):
        for program, *words in commands(text):
            for word in words:
                if "/" in word and word.split("/")[0] in OURS:
                    assert (ROOT / word).exists(), word
            name = Path(program).name
            if program == "make":
                assert set(words) <= TARGETS
            elif program.startswith("--") and not words:
                assert program in snakemake_options._option_string_actions
            elif program.startswith("--"):
                snakemake_options.parse_args([program, *words])
            elif name == "snakemake":
                check_snakemake(snakemake_options.parse_args(words))
            elif name == "python" and words:
                check_python(words)
            elif program.startswith(".venv/bin/"):
                assert name in PROGRAMS
            elif words[:1] == ["run"] and (image := IMAGES.intersection(words)):
                check_snakemake(snakemake_options.parse_args(words[words.index(*image) + 1 :]))
            else:
                assert program in ELSEWHERE, f"{program} is not known to be anywhere"


def check_snakemake(options):
    for rule in options.set_resources or {}:
        assert rule in RULES
    for target in options.targets:
        assert target in RULES or target.startswith("results/")


def check_python(words):
    if words[0] == "-m":
        assert importlib.util.find_spec(words[1])
        if words[1] == "lanzdml" and words[2:]:
            command = lanzdml.commands[words[2]]
            command.make_context(words[2], words[3:])  # raises where an option is not there
        return
    if words[0] == "-c":
        for node in ast.walk(ast.parse(words[1])):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names)
