"""Datasets that torchvision reads: exact manifests, and one clear line for each mistake."""

import copy
import functools
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from pandas.testing import assert_frame_equal
from PIL import Image

from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.datasets import files_read, find_dataset, images_listed
from lanzdml.datasets.classes import labels_of
from lanzdml.datasets.from_torchvision import CLASSES, WHERE, _no_way_out
from lanzdml.datasets.manifest import read_manifest, write_manifest
from lanzdml.errors import LanzdmlError
from lanzdml.plan.given import Given
from tests.test_paper import SMALL_MODEL
from tests.test_workflow import plan, snakemake, working_folder
from tests.torchvision_datasets import ARRAYS, BUILDERS, SECTIONS, build, section, write

ROOT = Path(__file__).parents[1]
OF_FILES = ["FGVCAircraft", "OxfordIIITPet", "Flowers102", "Food101", "DTD"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """No test asks the network."""

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


def read(name, root, **other):
    return find_dataset("mine", torchvision=SECTIONS[name] | other).read_manifest(root)


def error_of(name, root, **other):
    with pytest.raises(LanzdmlError) as caught:
        read(name, root, **other)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_class_can_be_built():
    assert set(BUILDERS) | set(ARRAYS) == set(CLASSES) == set(SECTIONS)


@pytest.mark.parametrize("name", BUILDERS)
def test_manifests_are_exact(name, tmp_path, monkeypatch):
    expected = build(name, tmp_path / "data", monkeypatch)
    manifest = read(name, tmp_path / "data")
    assert_frame_equal(manifest, expected, check_dtype=False)
    notions = find_dataset("mine", torchvision=SECTIONS[name]).notions
    write_manifest(tmp_path / "m.parquet", manifest, notions, "mine")
    assert_frame_equal(read_manifest(tmp_path / "m.parquet"), expected, check_dtype=False)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_pictures_without_loss(name, tmp_path, monkeypatch):
    expected = build(name, tmp_path, monkeypatch)
    manifest = read(name, tmp_path)
    assert manifest["image_id"].tolist() == [str(at) for at in range(len(expected))]
    for image, levels in zip(manifest["image"], expected, strict=True):
        with Image.open(io.BytesIO(image)) as picture:
            assert picture.format == "PNG"
            np.testing.assert_array_equal(np.asarray(picture), levels)
    labels = [manifest[notion].tolist() for notion in SECTIONS[name]["notions"]]
    assert labels == [*ARRAYS[name]]
    assert_frame_equal(read(name, tmp_path), manifest)


def test_the_order_of_a_folder_on_the_disk_does_not_matter(tmp_path, monkeypatch):
    expected = build("SUN397", tmp_path, monkeypatch)
    rglob = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda *given: sorted(rglob(*given), reverse=True))
    assert_frame_equal(read("SUN397", tmp_path), expected, check_dtype=False)


@pytest.mark.parametrize("name", BUILDERS)
def test_what_a_manifest_is_made_of_is_known_before(name, tmp_path, monkeypatch):
    build(name, tmp_path, monkeypatch)
    dataset = find_dataset("mine", torchvision=SECTIONS[name])
    files = [*files_read(dataset, tmp_path), *images_listed(dataset, tmp_path)]
    opened = {path for path in tmp_path.rglob("*.*") if path.is_file()}
    beside = {path for path in opened if path.suffix not in (".jpg", ".ppm")}
    assert beside <= set(files)
    if not beside:
        assert opened == set(files)


# Mistakes


def test_nothing_there(tmp_path):
    assert error_of("Food101", tmp_path / "none") == (
        f"there is no folder {tmp_path}/none; torchvision looks for food-101/meta/*.json: place it "
        f"there, or say download: true ({WHERE})"
    )
    assert "download" not in error_of("ImageFolder", tmp_path / "none")


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "ImageFolder"])
def test_an_empty_folder(name, tmp_path):
    tmp_path.joinpath("readme").touch()
    message = error_of(name, tmp_path)
    assert f" is not in {tmp_path}, or not as it was published; torchvision looks for " in message
    assert message.endswith(f", or say download: true ({WHERE})")


@pytest.mark.parametrize("name", OF_FILES)
def test_a_missing_image(name, tmp_path, monkeypatch):
    first = build(name, tmp_path, monkeypatch)["path"].iloc[0]
    (tmp_path / first).unlink()
    message = error_of(name, tmp_path)
    assert " images are not in " in message
    assert f"the first is {first}; unpack them again" in message


def test_a_name_in_another_encoding(tmp_path):
    (tmp_path / "red").mkdir()
    with open(os.fsencode(tmp_path) + b"/red/\xe9.jpg", "wb"):
        pass
    assert error_of("ImageFolder", tmp_path) == (
        f"{tmp_path}/red/\\udce9.jpg: its name is in another encoding than UTF-8: rename it"
    )


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("FGVCAircraft", "fgvc-aircraft-2013b/data/families.txt"),
        ("OxfordIIITPet", "oxford-iiit-pet/annotations/test.txt"),
        ("DTD", "dtd/dtd/labels/test1.txt"),
        ("Food101", "food-101/meta/test.json"),
        ("SUN397", "SUN397/ClassName.txt"),
    ],
)
@pytest.mark.parametrize("content", [None, b"\xff\xfe a", b"a\nb\n", b"[" * 100_000])
def test_a_file_that_is_missing_or_other_than_expected(content, name, file, tmp_path, monkeypatch):
    build(name, tmp_path, monkeypatch)
    (tmp_path / file).unlink()
    if content:
        (tmp_path / file).write_bytes(content)
    message = error_of(name, tmp_path)
    assert f"torchvision's {name}" in message
    assert str(tmp_path) in message
    assert len(message) < 500


def test_arguments_that_torchvision_does_not_take(tmp_path, monkeypatch):
    build("DTD", tmp_path, monkeypatch)
    other = section("DTD", {"texture": {}}, spilt="test")
    assert error_of("DTD", tmp_path, **other) == (
        "torchvision's DTD has no argument 'spilt'; did you mean 'split'? allowed: split, partition"
    )
    other = section("DTD", {"texture": {}}, split="tset")
    message = error_of("DTD", tmp_path, **other)
    assert message.startswith(f"torchvision's DTD (split: tset) cannot be read from {tmp_path}: ")
    assert "'tset' for argument split" in message


def test_notions_of_other_images_are_refused(tmp_path, monkeypatch):
    build("DTD", tmp_path, monkeypatch)
    write(tmp_path / "dtd/dtd/labels/val1.txt", "banded/banded_0002.jpg")
    notions = {"texture": {"arguments": {"split": "test"}}, "v": {"arguments": {"split": "val"}}}
    assert error_of("DTD", tmp_path, **section("DTD", notions)) == (
        "torchvision's DTD has other images for v (split: val) than for texture; give both the "
        "same split"
    )


def test_a_class_that_changes_its_attributes_is_told(tmp_path, monkeypatch):
    from torchvision.datasets import DTD

    class Other(DTD):
        @functools.wraps(DTD.__init__)
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            self._paths = self.__dict__.pop("_image_files")

    Other.__name__ = "DTD"  # by which it finds its folder
    build("DTD", tmp_path, monkeypatch)
    monkeypatch.setattr("torchvision.datasets.DTD", Other)
    assert "keeps the images of DTD in another way than is known" in error_of("DTD", tmp_path)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("class,texture\nbanded,a\n", "lacks class polka-dotted of DTD; add a row, with an empty"),
        ("number,texture\n1,a\n", "lacks number 0 of DTD"),
        ("name,texture\nbanded,a\n", "has no column class or number, but name, texture"),
        ("class,pattern\nbanded,a\n", "has no column texture, but class, pattern"),
        ("class,texture\nbanded,a\nbanded,b\n", "line 3: class 'banded' is there already"),
        ("class,texture\n,a\n", "line 2: class is empty"),
        ("", "has no column class or number, but none"),
    ],
)
def test_tables_of_classes_that_cannot_be_used(table, message, tmp_path, monkeypatch):
    build("DTD", tmp_path / "data", monkeypatch)
    (tmp_path / "classes.csv").write_text(table)
    notions = {"texture": {"classes": str(tmp_path / "classes.csv")}}
    told = error_of("DTD", tmp_path / "data", **section("DTD", notions, split="test"))
    assert str(tmp_path / "classes.csv") in told
    assert message in told


def test_a_class_without_a_label_has_none(tmp_path, monkeypatch):
    build("DTD", tmp_path / "data", monkeypatch)
    (tmp_path / "classes.tsv").write_text("class\ttexture\nbanded\tlines\npolka-dotted\t\n")
    notions = {"texture": {"classes": str(tmp_path / "classes.tsv")}}
    other = section("DTD", notions, split="test")
    labels = read("DTD", tmp_path / "data", **other)["texture"]
    assert labels.dropna().tolist() == ["lines"]
    assert len(labels) == 2


def test_classes_that_would_be_one_are_refused():
    with pytest.raises(LanzdmlError, match="two classes are called 'a b'"):
        labels_of("Own", [0, 1], ["a_b", "a b"], "kind", None)


# Downloads


def job_of(tmp_path, name):
    return SimpleNamespace(
        wildcards=SimpleNamespace(dataset="mine"),
        params=SimpleNamespace(root=str(tmp_path / "data"), linked=[], torchvision=SECTIONS[name]),
        output=[str(tmp_path / "results/download.json")],
    )


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "workflow_scripts"))
    return import_module("download_dataset").main


def test_what_is_there_is_not_downloaded(script, tmp_path, monkeypatch, capsys):
    build("FGVCAircraft", tmp_path / "data", monkeypatch)
    script(job_of(tmp_path, "FGVCAircraft"))
    record = json.loads((tmp_path / "results/download.json").read_text())
    assert record == {"folder": str(tmp_path / "data"), "dataset": "FGVCAircraft"}
    assert capsys.readouterr().out.startswith("mine: nothing to download, ")


@pytest.mark.parametrize("name", OF_FILES)
def test_without_a_network_it_is_said_what_to_do(name, script, tmp_path):
    with pytest.raises(LanzdmlError) as caught:
        script(job_of(tmp_path, name))
    message = str(caught.value)
    assert "cannot be downloaded: " in message
    assert "Name or service not known" in message
    assert message.endswith(f"try again, or place it in {tmp_path}/data yourself ({WHERE})")
    assert not (tmp_path / "results").exists()


def test_torchvision_downloads_what_is_not_there(script, tmp_path, monkeypatch):
    """Its own code unpacks; only the fetching of its archive is another."""
    from torchvision import __version__
    from torchvision.datasets import utils

    build("FGVCAircraft", tmp_path / "original", monkeypatch)

    def fetch(url, root, filename=None, md5=None):
        with tarfile.open(os.path.join(root, filename), "w:gz") as archive:
            archive.add(tmp_path / "original/fgvc-aircraft-2013b", "fgvc-aircraft-2013b")

    monkeypatch.setattr(utils, "download_url", fetch)
    script(job_of(tmp_path, "FGVCAircraft"))
    record = json.loads((tmp_path / "results/download.json").read_text())
    assert record["torchvision"] == __version__
    expected = read("FGVCAircraft", tmp_path / "original")
    assert_frame_equal(read("FGVCAircraft", tmp_path / "data"), expected)


def test_how_tars_are_unpacked_is_as_before_afterwards():
    before = tarfile.TarFile.extraction_filter
    with _no_way_out():
        assert tarfile.TarFile.extraction_filter is tarfile.data_filter
    assert tarfile.TarFile.extraction_filter is before


# In a configuration

FIELD = yaml.safe_load((ROOT / "configs/field.yaml").read_text())
OF_TORCHVISION = [name for name, of in FIELD["datasets"].items() if "torchvision" in of]


def field(*names, **changes):
    """Some datasets of the configuration, with a small model and little to fit."""
    datasets = copy.deepcopy({name: FIELD["datasets"][name] for name in names})
    less = {"models": SMALL_MODEL, "methods": ["random_transform"], "seeds": [0]}
    less |= {"results": "results", "protocol": "paper", "embeddings": {"device": "cpu"}}
    return {"dims": [8], "datasets": datasets} | less | changes


@pytest.fixture
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("name", OF_TORCHVISION)
def test_what_is_tested_is_what_the_configuration_says(name, at_root):
    config = parse_config(field(name)).datasets[name]
    told = config.torchvision.resolved
    expected = json.loads(json.dumps(SECTIONS[told["dataset"]]).replace(f"{ROOT}/", ""))
    assert told == expected
    assert set(config.notions) == set(told["notions"])


def test_tables_of_classes_are_what_a_manifest_is_made_of(tmp_path, at_root):
    table = tmp_path / "classes.csv"
    table.write_text((ROOT / "resources/classes/flowers102.csv").read_text())
    config = field("flowers102")
    notion = config["datasets"]["flowers102"]["torchvision"]["notions"]["flower"]
    notion["classes"] = str(table)
    given = Given(parse_config(config))
    assert given.dataset_files("flowers102") == [table]
    before = given.dataset_contents("flowers102")
    table.write_text(table.read_text().replace("rose", "tulip"))
    assert given.dataset_contents("flowers102") != before


@pytest.mark.parametrize("name", OF_TORCHVISION)
def test_a_plan_imports_no_torchvision(name, at_root):
    code = (
        "import sys, yaml\n"
        "from lanzdml.config.config import parse_config\n"
        "from lanzdml.plan.given import Given\n"
        "given = Given(parse_config(yaml.safe_load(sys.stdin)))\n"
        f"given.dataset_contents({name!r}), given.dataset({name!r}).n_images\n"
        "assert not {'torch', 'torchvision'} & {*sys.modules}\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], input=yaml.safe_dump(field(name)), text=True, check=True
    )


WRONG = [
    (
        {"dataset": "Food11"},
        "torchvision.dataset: 'Food11' is none of the classes that are read; d",
    ),
    (
        {"dataset": "MNIST"},
        "torchvision.dataset: 'MNIST' is none of the classes that are read; all",
    ),
    ({"dataset": "os.system"}, "torchvision.dataset: 'os.system' is none of the classes"),
    (
        {"arguments": {"root": "/"}},
        "torchvision.arguments.root: is not said here: root and downloa",
    ),
    ({"arguments": {"loader": "x"}}, "torchvision.arguments.loader: is not said here"),
    ({"arguments": {"split": 0.5}}, "arguments.split: should be a text, a whole number, true or f"),
    ({"arguments": {"a b": 1}}, "torchvision.arguments"),
    ({"notions": {}}, "torchvision.notions: should have at least one entry"),
    (
        {"notions": {"food": {"class": "x"}}},
        "notions.food.class: unknown key; did you mean 'classe",
    ),
    ({"notions": {"food": {"classes": "no.csv"}}}, "notions.food.classes: there is no file no.csv"),
    ({"notions": {"dish": {}}}, "notions.food: datasets.food101.torchvision.notions has no 'food'"),
]


@pytest.mark.parametrize(("change", "line"), WRONG)
def test_mistakes_are_one_line(change, line, at_root):
    config = field("food101")
    config["datasets"]["food101"]["torchvision"] |= change
    with pytest.raises(ConfigError) as caught:
        parse_config(config)
    (told,) = caught.value.lines
    assert line in told


def test_mistakes_beside_the_section(at_root):
    def lines_of(name="food101", **change):
        config = field("food101")
        section = config["datasets"].pop("food101") | change
        config["datasets"][name] = {key: of for key, of in section.items() if of is not None}
        with pytest.raises(ConfigError) as caught:
            parse_config(config)
        return caught.value.lines

    assert lines_of(root=None) == ["datasets.food101.root: is missing"]
    assert "has both labels and torchvision" in lines_of(labels="resources/README.md")[-1]
    assert "torchvision: cub200 is registered" in lines_of("cub200")[0]
    of_folders = {"dataset": "ImageFolder", "notions": {"food": {}}}
    (line,) = lines_of(torchvision=of_folders, download=True)
    assert "download: food101 has no stable public address" in line
    (line,) = lines_of(root="x.tgz", download=True)
    assert "it is the folder that torchvision's Food101 goes into, not 'x.tgz'" in line


def test_a_table_in_the_dataset_is_no_link_elsewhere(tmp_path, at_root):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/classes.csv").symlink_to(ROOT / "resources/classes/cifar100.csv")
    config = field("food101")
    config["datasets"]["food101"]["root"] = str(tmp_path / "data")
    notions = {"food": {"classes": str(tmp_path / "data/classes.csv")}}
    config["datasets"]["food101"]["torchvision"]["notions"] = notions
    with pytest.raises(ConfigError) as caught:
        parse_config(config)
    assert "torchvision.notions.food.classes: " in str(caught.value)
    assert "outside of" in str(caught.value)


# The workflow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which images of a collection are embedded and scored."""
    config = field("oxford_pets")
    folder = working_folder(tmp_path_factory.mktemp("field"), config)
    expected = BUILDERS["OxfordIIITPet"](folder / "data/oxford_pets")
    snakemake(folder, "--cores", "2", "results/metrics.parquet")
    return folder, config, expected


def test_a_run_makes_the_manifest_and_scores_every_notion(finished):
    folder, _, expected = finished
    manifest = read_manifest(folder / "results/datasets/oxford_pets/manifest.parquet")
    assert_frame_equal(manifest[[*expected]], expected, check_dtype=False)
    rows = pd.read_parquet(folder / "results/metrics.parquet")
    labelled = expected.drop(columns=["image_id", "path"]).notna().sum()
    assert dict(zip(rows["notion"], rows["n_images"], strict=True)) == labelled.to_dict()


def test_what_changes_is_read_anew_and_nothing_else(finished):
    folder, config, _ = finished
    rows = "results/metrics.parquet"
    assert not plan(folder, target=rows)
    data = folder / "data/oxford_pets/oxford-iiit-pet"
    listed = data / "annotations/test.txt"
    before = listed.read_text()
    try:
        listed.write_text(before + "american_bulldog_7 2 2 1\n")
        assert plan(folder, target=rows)["prepare_dataset"] == 1
        listed.write_text(before)
        other = copy.deepcopy(config)
        other["datasets"]["oxford_pets"]["torchvision"]["arguments"] = {"split": "trainval"}
        working_folder(folder, other)
        assert plan(folder, target=rows)["prepare_dataset"] == 1
    finally:
        listed.write_text(before)
        working_folder(folder, config)


def test_datasets_that_are_not_there_are_one_line_each(tmp_path):
    folder = working_folder(tmp_path, field("food101", "dtd"))
    code, output = snakemake(folder, "--cores", "2", "--keep-going", check=False)
    assert code
    assert {line for line in output.splitlines() if line.startswith("Error: ")} == {
        f"Error: there is no folder data/{name}; torchvision looks for {files}: place it there, or "
        f"say download: true ({WHERE})"
        for name, files in (("food101", "food-101/meta/*.json"), ("dtd", "dtd/dtd/labels/*.txt"))
    }


def test_what_is_downloaded_is_an_input_by_its_record(tmp_path):
    config = field("fgvc_aircraft")
    config["datasets"]["fgvc_aircraft"]["download"] = True
    folder = working_folder(tmp_path, config)
    BUILDERS["FGVCAircraft"](folder / "data/fgvc_aircraft")
    manifest = "results/datasets/fgvc_aircraft/manifest.parquet"
    snakemake(folder, "--cores", "1", manifest)
    assert (folder / "results/datasets/fgvc_aircraft/download.json").exists()
    assert not plan(folder, target=manifest)
