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
from pathlib import Path
from statistics import median

import pandas as pd
import torch
import yaml

from benchmarks import plain
from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.standins import place
from lanzdml.config.config import Config, parse_config
from lanzdml.report.cost import fit_costs, job_costs
from lanzdml.sources import ROOT

FOLDER = ROOT / "build/paper_grid"
OF_IMAGES = ("saliency", "gallery")
# What a job imports before it begins with its work.
IMPORTS = {
    "fit": "import pandas, lanzdml.transforms.storage, lanzdml.methods.pca",
    "fit, trained": "import torch.optim.adam, pandas, lanzdml.transforms.storage, "
    "lanzdml.methods.indirect",
    "score": "import lanzdml.metrics.runs, sklearn.cluster, lanzdml.methods.indirect",
}
STARTING = "starting the jobs that fit and score"


def measure() -> Record:
    """Run the grid once."""
    config = prepare(FOLDER)
    results = FOLDER / config.results
    n_cores = cores()
    start_ups = {work: start_up(imports) for work, imports in IMPORTS.items()}
    start = time.perf_counter()
    run_workflow(FOLDER, n_cores)
    wall = time.perf_counter() - start

    runs = pd.read_parquet(results / "metrics.parquet")
    fits = fit_costs(runs)["sum"].sort_values(ascending=False)
    jobs = job_costs(results / "benchmarks", config.datasets)
    stages = jobs.groupby("stage")[["jobs", "sum"]].sum()
    spent = where_time_went(fits.sum(), jobs, start_ups)
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
        text=f"{len(runs):,} runs ({stages['jobs']['transforms']} jobs that fit, "
        f"{stages['jobs']['metrics']} that score) on stand-in embeddings, by `snakemake --cores "
        f"{n_cores}`: {wall / 60:.1f} minutes. Core minutes of the fits by method: {longest}. "
        "Starting is what a process takes to import what its job needs, the median of five, times "
        "the number of such jobs; the jobs' own seconds come from Snakemake's benchmark files.",
        rows=rows,
    )


def where_time_went(
    fits: float, jobs: pd.DataFrame, start_ups: dict[str, float]
) -> dict[str, float]:
    """Core seconds by the kind of work.

    Args:
        fits: seconds of all fits.
        jobs: of :func:`lanzdml.report.cost.job_costs`.
        start_ups: seconds that a process of each key of :data:`IMPORTS` takes to start.
    """
    starting = pd.Series(
        [start_ups.get(_work(job.stage, job.kind) or "", 0) * job.jobs for job in jobs.itertuples()]
    )
    scoring = jobs["stage"] == "metrics"
    return {
        "fits": fits,
        "scoring: transforming, ranking, clustering": jobs.loc[scoring, "sum"].sum()
        - starting[scoring].sum(),
        STARTING: starting.sum(),
        "TriMap": jobs.loc[jobs["stage"] == "trimap", "sum"].sum(),
    }


def _work(stage: str, kind: str) -> str | None:
    """Which of :data:`IMPORTS` a job needs; None if it is of another kind."""
    if stage == "transforms":
        return "fit, trained" if kind in plain.FITS else "fit"
    return "score" if stage == "metrics" else None


def prepare(folder: Path) -> Config:
    """Make a folder to run the workflow in, with stand-ins; what was there before goes.

    Returns:
        the configuration.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "resources").symlink_to(ROOT / "resources")
    values = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
    for figure in OF_IMAGES:
        del values["figures"][figure]
    (folder / "paper_grid.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    # Paths in a configuration are relative to where the workflow runs.
    with contextlib.chdir(folder):
        config = parse_config(values)
        models = {dataset: list(config.main_models) for dataset in config.datasets}
        clip_size = config.experiments.clip_size
        assert clip_size is not None, "the paper has this experiment"
        models[clip_size.dataset] = list(clip_size.models)
        place(config, models, folder)
    return config


def run_workflow(folder: Path, n_cores: int) -> None:
    """Run the workflow; its output goes to a log in the folder.

    Raises:
        subprocess.CalledProcessError: it did not complete.
    """
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
        *("--profile", ROOT / "profiles/default", "--directory", folder),
        *("--configfile", folder / "paper_grid.yaml", "--cores", n_cores),
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
