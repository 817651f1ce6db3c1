"""Runs whose queries are ranked in shards, also one that is killed in the middle of these."""

import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.chaos.test_chaos import content
from tests.test_workflow import ROOT, SMALL, snakemake, working_folder

pytestmark = pytest.mark.slow
SCORED = ("metrics", "queries", "clusterings", "draws")


def config(shards):
    """Few runs of several kinds: of one value and several, of a gallery, by Euclidean distance."""
    changed = yaml.safe_load(yaml.safe_dump(SMALL))
    notions = changed["datasets"]["demo_cars"]["notions"]
    del notions["car_model"]
    notions["any_color"] = {"template": "{aspect}", "aspects": notions["car_color"]["aspects"]}
    changed["datasets"]["demo_cars"] |= {"rank_shards": shards, "queries": {"share": 0.3}}
    changed |= {"methods": ["clip", "pca"], "dims": [17], "seeds": [0], "figures": {}}
    changed["experiments"] = {"main": {"models": ["demo-S"]}}
    changed["protocol"] = ["query_gallery", "released"]
    return changed | {"metrics": ["recall_at_5", "ari", "silhouette"]}


@pytest.fixture(scope="module")
def in_one_job(tmp_path_factory):
    folder = working_folder(tmp_path_factory.mktemp("one"), config(1))
    snakemake(folder, "--cores", "2")
    return folder


def scored_files(folder):
    """What scores are in; the last of metrics is the table of all, without seconds of fits."""
    files = {
        str(path.relative_to(folder)): content(path)
        for stage in SCORED
        for path in sorted((folder / "results" / stage).rglob("*.parquet"))
    }
    return files | {"tables": (folder / "results/tables/appendix_table1.csv").read_bytes()}


@pytest.mark.parametrize("shards", [3, 17])
def test_shards_give_the_bytes_of_one_job(in_one_job, tmp_path, shards):
    """1,000 images are 8 blocks of queries: of 17 shards some have none."""
    folder = working_folder(tmp_path, config(shards))
    snakemake(folder, "--cores", "2")
    expected = scored_files(in_one_job)
    assert len(expected) == 4 * 8 + 1
    assert scored_files(folder) == expected
    assert len([*folder.glob("results/shards/**/*.safetensors")]) % shards == 0


def test_killed_among_shards_and_resumed_it_is_as_any_other(in_one_job, tmp_path):
    folder = working_folder(tmp_path, config(3))
    snakemake(folder, "--cores", "2", "--until", "fit_main_demo_cars_demo_S_quick")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2"]
    done, dates = 0, {}
    for _ in range(3):
        run = subprocess.Popen(
            [*map(str, command), "--directory", str(folder)],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while run.poll() is None and len(shards := shards_in(folder)) < done + 4:
            time.sleep(0.02)
        assert run.poll() is None, "it is killed in the middle"
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        snakemake(folder, "--unlock")
        done, dates = len(shards), dates | shards
    snakemake(folder, "--cores", "2", forked_jobs=False)
    assert scored_files(folder) == scored_files(in_one_job)
    resumed = shards_in(folder)
    made_again = [path for path, date in dates.items() if resumed[path] != date]
    # Of what was written Snakemake makes anew what had not been told as complete.
    assert len(made_again) <= 2 * 3


def shards_in(folder):
    """When each shard was made."""
    shards = (folder / "results/shards").rglob("*.safetensors")
    return {path: path.stat().st_mtime_ns for path in shards if path.name[0] != "."}
