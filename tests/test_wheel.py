"""The wheel in an environment of nothing but what it asks for: metrics, transforms, no torch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
MOST_BYTES = 600 * 2**20

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UV.exists(), reason="uv, which builds it, is not there"),
]


def run(*command, folder=ROOT):
    # Nothing of the environment that the tests run in.
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A new environment with the wheel and no extra."""
    folder = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--wheel", "-o", folder)
    (wheel,) = folder.glob("*.whl")
    assert wheel.stat().st_size < 2**20
    run(UV, "venv", "--python", sys.executable, folder / "venv")
    run(UV, "pip", "install", "--python", folder / "venv" / "bin" / "python", wheel)
    return folder / "venv"


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
    lanzdml = environment / "bin" / "lanzdml"
    labels = ("labels.csv", "--label", "kind")
    assert "map_at_r" in run(lanzdml, "score", "images.npy", *labels, folder=tmp_path)
    fit = ("fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace")
    run(lanzdml, *fit, folder=tmp_path)
    run(lanzdml, "transform", "t.safetensors", "images.npy", "-o", "out.parquet", folder=tmp_path)
    out = run(lanzdml, "compare", "out.parquet", "images.npy", *labels, folder=tmp_path)
    assert "precision_at_1" in out


def test_it_holds_the_files_that_it_reads(environment):
    code = (
        "from lanzdml.tables.published_values import published_files; "
        "assert not published_files(), 'they are in a checkout'; "
        "from lanzdml.datasets import DATASETS; "
        "assert all(p.is_file() for d in DATASETS.values() for p in d.resources)"
    )
    run(environment / "bin" / "python", "-c", code, folder=environment)
