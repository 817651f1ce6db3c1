"""Wheel and sdist, and the wheel in environments of nothing but what it asks for: no torch."""

import json
import sys
import tomllib
import zipfile
from email import message_from_string

import numpy as np
import pandas as pd
import pytest
from packages import ROOT, UV, check_release, run, uv

from lanzdml.commands.main import lanzdml

MOST_BYTES = 600 * 2**20
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UV.exists(), reason="uv, which builds it, is not there"),
]


def done(*command, folder=ROOT):
    ended = run(command, folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """(wheel, sdist); the wheel is made of the sdist."""
    folder = tmp_path_factory.mktemp("distributions")
    uv("build", "-o", folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def installed(folder, what):
    uv("venv", "--python", sys.executable, folder)
    uv("pip", "install", "--python", folder / "bin" / "python", what)
    return folder


@pytest.fixture(scope="module")
def environment(distributions, tmp_path_factory):
    """A new environment with the wheel and no extra."""
    return installed(tmp_path_factory.mktemp("wheel") / "venv", distributions[0])


def test_both_hold_what_the_repository_does(distributions):
    assert list(check_release.of_distributions(ROOT, *distributions)) == []
    assert distributions[0].stat().st_size < 2**20


def test_a_wheel_of_the_repository_is_that_of_the_sdist(distributions, tmp_path):
    uv("build", "--wheel", "-o", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.read_bytes() == distributions[0].read_bytes()


def test_its_metadata_are_the_projects(distributions):
    with zipfile.ZipFile(distributions[0]) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = message_from_string(archive.read(name).decode())
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata.get_all("Classifier") == PROJECT["classifiers"]
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert needed == PROJECT["dependencies"]
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_small_and_brings_no_torch_no_snakemake(environment):
    packages = environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    size = sum(path.lstat().st_size for path in packages.rglob("*") if path.is_file())
    assert size < MOST_BYTES
    for package in ("torch", "snakemake", "pydantic", "matplotlib", "PIL"):
        assert not (packages / package).exists()


def test_its_command_scores_compares_fits_and_transforms(environment, tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    np.save(tmp_path / "images.npy", vectors)
    np.save(tmp_path / "prompts.npy", vectors[:6])
    pd.DataFrame({"kind": ["a", "b", "c"] * 20}).to_csv(tmp_path / "labels.csv", index=False)
    command = environment / "bin" / "lanzdml"
    labels = ("labels.csv", "--label", "kind")
    assert "map_at_r" in done(command, "score", "images.npy", *labels, folder=tmp_path)
    fit = ("fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace")
    done(command, *fit, folder=tmp_path)
    done(command, "transform", "t.safetensors", "images.npy", "-o", "out.parquet", folder=tmp_path)
    out = done(command, "compare", "out.parquet", "images.npy", *labels, folder=tmp_path)
    assert "precision_at_1" in out
    assert "27 of 27 promises" in done(command, "check-method", "text_subspace", folder=tmp_path)


def test_each_command_says_what_it_does(environment, tmp_path):
    for name in lanzdml.commands:
        assert done(environment / "bin/lanzdml", name, "--help", folder=tmp_path)


def test_methods_that_need_no_torch_do_without(environment, tmp_path):
    code = """
import numpy as np
from lanzdml.methods import METHODS, PAPER_METHODS
from lanzdml.methods.needs import PROMPTS
vectors = np.random.default_rng(0).normal(size=(9, 20))
for name in METHODS:
    if METHODS[name].needs == (PROMPTS,):
        method = METHODS[name]()
        try:
            method.set_params(**{"dim": 4} if method.has_dim else {})
            method.fit(vectors).transform(vectors)
        except ModuleNotFoundError as error:
            print(name, error.name)
"""
    out = done(environment / "bin/python", "-c", code, folder=tmp_path)
    assert out.splitlines() == ["indirect torch", "lae torch", "ae torch", "indirect_svd torch"]


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        (("lanzdml", "check-method", "indirect"), "torch", "fit"),
        (("lanzdml", "models"), "open_clip", "clip"),
        (("python", "-m", "lanzdml.config"), "pydantic", "workflow"),
    ],
)
def test_what_lacks_is_a_line(environment, command, package, extra, tmp_path):
    ended = run((environment / "bin" / command[0], *command[1:]), tmp_path)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"Error: this needs {package}, which is not installed")
    assert f"pip install 'lanzdml[{extra}]'" in line


def test_with_its_extra_it_checks_a_configuration(distributions, tmp_path):
    what = f"lanzdml[workflow] @ {distributions[0].as_uri()}"
    python = installed(tmp_path / "venv", what) / "bin/python"
    schema = json.loads(done(python, "-m", "lanzdml.config", folder=tmp_path))
    assert schema == json.loads((ROOT / "resources/config.schema.json").read_text())
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    ended = run((python, "-m", "lanzdml.config", "config.yaml"), tmp_path)
    assert ended.returncode == 1
    assert "there is no file resources/prompts/css21_colors.txt" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_holds_the_files_that_it_reads(environment):
    code = (
        "from lanzdml.tables.published_values import published_files; "
        "assert not published_files(), 'they are in a checkout'; "
        "from lanzdml.datasets import DATASETS; "
        "assert all(p.is_file() for d in DATASETS.values() for p in d.resources)"
    )
    done(environment / "bin" / "python", "-c", code, folder=environment)
