"""The paper's whole grid on stand-in embeddings: how long it takes, and where the time goes.

Runs the real workflow with ``configs/paper.yaml``, in a folder of its own, with stand-ins placed
where the embeddings would be cached. Only the two figures that show images are left out: there are
none.
"""

import contextlib
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import torch
import yaml

from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.standins import place
from lanzdml.config.config import parse_config
from lanzdml.config.owner import RECORD
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs, score_jobs
from lanzdml.report.cost import fit_costs, job_costs
from lanzdml.sources import ROOT

FOLDER, CONFIGURATION = ROOT / "build/paper_grid", "paper_grid.yaml"
OF_IMAGES = ("saliency", "gallery")
# What a job imports before it begins with its work.
IMPORTS = {
    "fit": "import lanzdml.transforms.fitting, lanzdml.embeddings.storage, safetensors.numpy, "
    "sklearn.decomposition, lanzdml.methods.pca",
    "fit, trained": "import lanzdml.transforms.fitting, lanzdml.embeddings.storage, "
    "safetensors.numpy, torch.optim.adam, lanzdml.methods.indirect",
    "score": "import lanzdml.metrics.scoring, sklearn.cluster, lanzdml.methods.indirect",
}
STARTING = "starting the jobs that fit and score"


def measure() -> Record:
    """Run the grid once."""
    plan = prepare(FOLDER)
    results, work = FOLDER / plan.config.results, work_of_jobs(plan)
    n_cores = cores()
    start_ups = {kind: start_up(imports) for kind, imports in IMPORTS.items()}
    start = time.perf_counter()
    run_workflow(FOLDER, CONFIGURATION, n_cores)
    wall = time.perf_counter() - start

    runs = pd.read_parquet(results / "metrics.parquet")
    fits = fit_costs(runs)["sum"].sort_values(ascending=False)
    jobs = job_costs(results / "benchmarks", plan.config.datasets)
    spent = where_time_went(fits.sum(), jobs, work, start_ups)
    spent["the rest: Snakemake, tables, figures, cores without a job"] = wall * n_cores - sum(
        spent.values()
    )
    shares = {where: seconds / wall / n_cores for where, seconds in spent.items()}
    rows = [
        {"where": where, "core minutes": f"{seconds / 60:.1f}", "share": f"{shares[where]:.0%}"}
        for where, seconds in spent.items()
    ]
    longest = ", ".join(f"{method} {seconds / 60:.1f}" for method, seconds in fits.head(4).items())
    return Record(
        title="The paper's grid, whole",
        goal="within 2 hours on 2 cores; start-up of processes at most 20 % of the time; within 15 "
        "minutes beside an H100",
        result=f"{wall / 60:.0f} min on {n_cores} cores; start-up "
        f"{shares[STARTING]:.0%} of their time; beside a GPU: "
        + ("as above, and none is used" if torch.cuda.is_available() else "not measured"),
        text=f"{len(runs):,} runs ({work['fit'] + work['fit, trained']} jobs that fit, "
        f"{work['score']} that score) on stand-in embeddings, by `snakemake --cores "
        f"{n_cores}`: {wall / 60:.1f} minutes. Core minutes of the fits by method: {longest}. "
        "Starting is what a process takes to import what its job needs, the median of five, times "
        "the number of such jobs; the jobs' own seconds come from Snakemake's benchmark files.",
        rows=rows,
    )


def work_of_jobs(plan: Plan) -> Counter[str]:
    """How many jobs there are for each key of :data:`IMPORTS`."""
    fits, scores = fit_jobs(plan, str), score_jobs(plan, str)
    return Counter(
        [*("fit, trained" if job.cost else "fit" for job in fits), *("score" for _ in scores)]
    )


def where_time_went(
    fits: float, jobs: pd.DataFrame, work: Mapping[str, int], start_ups: Mapping[str, float]
) -> dict[str, float]:
    """Core seconds by the kind of work.

    Args:
        fits: seconds of all fits.
        jobs: of :func:`lanzdml.report.cost.job_costs`.
        work: of :func:`work_of_jobs`.
        start_ups: seconds that a process of each key of :data:`IMPORTS` takes to start.
    """
    seconds = jobs.groupby("stage")["sum"].sum()
    starting = {kind: start_ups[kind] * n for kind, n in work.items()}
    return {
        "fits": fits,
        "scoring: transforming, ranking, clustering": seconds["metrics"] - starting["score"],
        STARTING: sum(starting.values()),
        "TriMap": seconds["trimap"],
    }


def prepare(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Plan:
    """Make a folder to run the workflow in, with stand-ins; what was there before goes.

    Args:
        folder: to be made.
        change: changes the values of its configuration.

    Returns:
        of the configuration.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "resources").symlink_to(ROOT / "resources")
    values = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
    for figure in OF_IMAGES:
        del values["figures"][figure]
    change(values)
    (folder / CONFIGURATION).write_text(yaml.safe_dump(values), encoding="utf-8")
    # Paths in a configuration are relative to where the workflow runs.
    with contextlib.chdir(folder):
        plan = Plan(parse_config(values))
        place(plan, folder)
    # What a run leaves that made files there: it stands beside the stand-ins, which none made.
    (folder / plan.config.results / RECORD).touch()
    return plan


def run_workflow(folder: Path, configuration: str, n_cores: int) -> None:
    """Run the workflow with a configuration in a folder; its output goes to a log there.

    Raises:
        subprocess.CalledProcessError: it did not complete.
    """
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
        *("--profile", ROOT / "profiles/default", "--directory", folder),
        *("--configfile", folder / configuration, "--cores", n_cores),
    ]
    path = folder / "snakemake.log"
    print(f"the workflow logs to {path}", flush=True)
    with open(path, "w", encoding="utf-8") as log:
        subprocess.run(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT, check=True)


def start_up(imports: str) -> float:
    """Seconds until a process has imported what its job needs: the median of five, after one."""
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", imports], check=True, cwd=ROOT)
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:])
