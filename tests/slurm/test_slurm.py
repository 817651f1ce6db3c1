"""A run through profiles/slurm on a real Slurm, with a job and then the node lost in the middle."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.slurm.cluster import Cluster, obstacle
from tests.test_workflow import ROOT, SMALL, snakemake, working_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(obstacle() is not None, reason=f"Slurm: {obstacle()}"),
]
OPTIONS = (
    # There is no accounting, and nothing to wait for.
    "--slurm-no-account", "--slurm-status-command", "squeue", "--latency-wait", "10",
    "--slurm-init-seconds-before-status-checks", "3", "--seconds-between-status-checks", "3",
)  # fmt: skip
MINUTES = 15


def config():
    """The small configuration with less of everything, and its images in shards."""
    less = {"methods": ["clip", "indirect"], "experiments": {}, "seeds": [0]}
    changed = yaml.safe_load(yaml.safe_dump(SMALL | less))
    changed["models"].pop("again")
    changed["datasets"]["demo_cars"]["shards"] = 2
    # A GPU is claimed, and there is none.
    changed["embeddings"]["device"] = "auto"
    changed["figures"] = {"trimap": {"dataset": "demo_cars"}}
    return changed


def processes(folder, script):
    """Those that run a script of the workflow in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:  # it has ended
            continue
        if any(str(folder) in word and word.endswith(f"{script}.py") for word in words):
            found.append(int(path.parent.name))
    return found


def squeue():
    """Jobs and why they wait."""
    return subprocess.run(
        ["squeue", "--format", "%i %j %T %r"], capture_output=True, text=True, check=False
    ).stdout


def wait_for(condition, run, seconds=300):
    """What a condition gives as soon as that is something, while a run goes on."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and run.poll() is None:
        if found := condition():
            return found
        time.sleep(0.1)
    raise TimeoutError(f"it did not come to that; jobs:\n{squeue()}")


def test_what_is_lost_runs_again_and_nothing_differs(tmp_path):
    local = working_folder(tmp_path / "local", config())
    snakemake(local, "--cores", "2", forked_jobs=False)
    folder = working_folder(tmp_path / "with space", config())
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
        *("--workflow-profile", ROOT / "profiles/slurm", "--directory", folder, *OPTIONS),
    ]
    log = tmp_path / "snakemake.log"
    with Cluster(tmp_path / "slurm") as cluster, open(log, "w") as output:
        run = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output, cwd=ROOT)
        try:
            # The GPU's only job: shards take turns.
            for pid in wait_for(lambda: processes(folder, "embed_images"), run):
                with suppress(ProcessLookupError):  # it may have been a child of the one before
                    os.kill(pid, signal.SIGKILL)
            wait_for(lambda: processes(folder, "compute_trimap"), run)
            cluster.lose_node()
            wait_for(lambda: "down" in cluster.run("sinfo", "-h", "-o", "%T"), run)
            cluster.start_node()
            code = run.wait(60 * MINUTES)
        finally:
            run.kill()
    text = log.read_text()
    assert code == 0, text
    failed = re.findall(r"^Error in rule (\w+):", text, re.MULTILINE)
    assert failed.count("embed_shard") == 1, "the one that was killed"
    assert "compute_trimap" in failed, "it was on the node that was lost"
    assert text.count("Trying to restart job") == len(failed), text
    compare(folder, local)


def compare(folder, local):
    runs, expected = (
        pd.read_parquet(place / "results/metrics.parquet").drop(columns="fit_seconds")
        for place in (folder, local)
    )
    pd.testing.assert_frame_equal(runs, expected, check_exact=True)
    for name in (
        "embeddings/demo_cars/demo-S/images.parquet",
        "trimap/demo_cars/demo-S.parquet",
        "tables/appendix_table1.csv",
    ):
        assert (folder / "results" / name).read_bytes() == (local / "results" / name).read_bytes()
