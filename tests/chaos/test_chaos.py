"""A run that is killed at twenty random moments, and resumed, ends as one that nobody disturbed."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file

from tests.test_workflow import ROOT, SMALL, plan, snakemake, working_folder

pytestmark = pytest.mark.slow
KILLS = 20
SEED = 7
# Seconds until a kill: from before the first job begins to after several have ended.
SHORTEST, LONGEST = 1.0, 15.0
# What times and machines are written in, also by its name; not results.
TIMES = (
    "report.html", "explorer.html", "record.json", "estimate.json", "metrics.parquet", "logs",
    "benchmarks", "kept",
)  # fmt: skip


def config():
    less = {"methods": ["random", "indirect", "pca", "oracle"], "seeds": [0, 1]}
    changed = yaml.safe_load(yaml.safe_dump(SMALL | less))
    changed["datasets"]["demo_cars"]["shards"] = 2
    changed["experiments"]["dimensions"]["methods"] = ["indirect"]
    changed["experiments"]["clip_size"]["methods"] = ["indirect"]
    changed["experiments"]["unseen"]["methods"] = ["indirect", "pca"]
    changed["experiments"]["wording"]["methods"] = ["indirect", "pca"]
    changed["experiments"]["protocols"]["methods"] = ["indirect", "pca"]
    return changed


def killed_run(folder, seconds):
    """Begin a run and kill all its processes; returns whether it had ended by itself."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2"]
    run = subprocess.Popen(
        [*map(str, command), "--directory", str(folder)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        run.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return False


def results(folder):
    """Every result file by its name, but those that hold times."""
    return {
        str(path.relative_to(folder)): path
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file() and not set(path.relative_to(folder / "results").parts) & set(TIMES)
    }


def content(path: Path):
    if "metrics" in path.parts:
        return pd.read_parquet(path).drop(columns="fit_seconds").to_json()
    if path.suffix == ".safetensors":
        return {name: array.tobytes() for name, array in load_file(path).items()}
    return path.read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The results of a run that nobody disturbed."""
    folder = working_folder(tmp_path_factory.mktemp("undisturbed"), config())
    snakemake(folder, "--cores", "2", forked_jobs=False)
    return folder


def assert_same(folder, undisturbed):
    assert plan(folder) == {}
    expected, found = results(undisturbed), results(folder)
    assert list(found) == list(expected), "nothing is missing, and nothing half-written is left"
    # Of what was made once there is nothing but results: no room is lost.
    kept = [path for path in (folder / "results/kept").rglob("*") if path.is_file()]
    assert kept
    assert all(path.stat().st_nlink > 1 and path.name[0] != "." for path in kept)
    differing = [name for name in expected if content(found[name]) != content(expected[name])]
    assert differing == []
    pd.testing.assert_frame_equal(
        *(
            pd.read_parquet(place / "results/metrics.parquet").drop(columns="fit_seconds")
            for place in (folder, undisturbed)
        ),
        check_exact=True,
    )


def test_a_run_that_is_killed_twenty_times_ends_as_any_other(undisturbed, tmp_path):
    folder = working_folder(tmp_path, config())
    moments, kills = random.Random(SEED), 0
    while kills < KILLS:
        if killed_run(folder, moments.uniform(SHORTEST, LONGEST)):
            # It has ended before the last kill: the next kills are of a run from the start.
            assert_same(folder, undisturbed)
            shutil.rmtree(folder / "results")
        else:
            kills += 1
            snakemake(folder, "--unlock")
    snakemake(folder, "--cores", "2", forked_jobs=False)
    assert_same(folder, undisturbed)


@pytest.fixture
def small_disk(tmp_path):
    """A folder whose results are on a disk of 4 MB, and how to give it another size."""
    results = tmp_path / "results"
    results.mkdir()

    def mount(*options):
        command = ["mount", *options, str(results)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    mounted = mount("-t", "tmpfs", "-o", "size=4m", "tmpfs")
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield tmp_path, lambda size: mount("-o", f"remount,size={size}")
    subprocess.run(["umount", str(results)], check=True)


def test_a_full_disk_is_said_and_more_space_is_enough(undisturbed, small_disk):
    folder, resize = small_disk
    working_folder(folder, config())
    # Full when the images' manifest is written, and again in the middle of the fits.
    for size in ("4m", "9m"):
        resize(size)
        code, output = snakemake(folder, "--cores", "2", check=False, forked_jobs=False)
        assert code != 0
        assert "Error: no space is left" in output
        assert "Traceback" not in output
    resize("200m")
    snakemake(folder, "--cores", "2", forked_jobs=False)
    assert_same(folder, undisturbed)
