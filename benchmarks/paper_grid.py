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
import yaml

from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.standins import place
from lanzdml.config import parse_config
from lanzdml.sources import ROOT

FOLDER = ROOT / "build/paper_grid"
OF_IMAGES = ("saliency", "gallery")
# What a job imports before it begins with its work.
START_UPS = {
    "fit": "import pandas, lanzdml.transforms, lanzdml.embeddings, lanzdml.methods.pca",
    "fit, trained": "import torch.optim.adam, pandas, lanzdml.transforms, lanzdml.embeddings, "
    "lanzdml.methods.indirect",
    "score": "import lanzdml.runs, sklearn.cluster, lanzdml.methods.indirect",
}
TRAINED = ("indirect", "lae", "ae", "oracle")


def measure() -> Record:
    """Run the grid once."""
    prepare(FOLDER)
    n_cores = cores()
    start_ups = {name: start_up(imports) for name, imports in START_UPS.items()}
    start = time.perf_counter()
    run_workflow(FOLDER, n_cores)
    wall = time.perf_counter() - start

    runs = pd.read_parquet(FOLDER / "results/metrics.parquet")
    jobs = read_jobs(FOLDER / "results/benchmarks")
    fits = runs["fit_seconds"].sum()
    kinds = jobs["kind"].map(start_ups)
    scoring = (jobs["seconds"] - kinds)[jobs["kind"] == "score"].sum()
    fitting = jobs.loc[jobs["stage"] == "transforms"]
    # Fits of an ablation may run side by side in a job, so theirs are told by the fits themselves.
    spent = {
        "fits": fits,
        "scoring: transforming, ranking, clustering": scoring,
        "start-up of processes": kinds.sum(),
        "TriMap": jobs.loc[jobs["stage"] == "trimap", "seconds"].sum(),
    }
    spent["the rest: Snakemake, tables, figures, cores without a job"] = wall * n_cores - sum(
        spent.values()
    )
    rows = [
        {
            "where": name,
            "core minutes": f"{seconds / 60:.1f}",
            "share": f"{seconds / wall / n_cores:.0%}",
        }
        for name, seconds in spent.items()
    ]
    by_method = runs.groupby("method")["fit_seconds"].sum().sort_values(ascending=False) / 60
    longest = ", ".join(f"{name} {minutes:.1f}" for name, minutes in by_method.head(4).items())
    share = kinds.sum() / wall / n_cores
    return Record(
        title="The paper's grid, whole",
        goal="within 2 hours on 2 cores; start-up of processes at most 20 % of the wall time",
        result=f"{wall / 60:.0f} min on {n_cores} cores; start-up {share:.0%}",
        text=f"{len(runs):,} runs ({len(fitting)} jobs that fit, {(jobs['kind'] == 'score').sum()} "
        f"that score) on stand-in embeddings, by `snakemake --cores {n_cores}`: "
        f"{wall / 60:.1f} minutes. Core minutes of the fits by method: {longest}. Start-up is what "
        "a process takes to import what its job needs, the median of five, times the number of "
        "such jobs; the jobs' own seconds come from Snakemake's benchmark files.",
        rows=rows,
    )


def prepare(folder: Path) -> None:
    """Make a folder to run the workflow in, with stand-ins; what was there before goes."""
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
        models[config.experiments.clip_size.dataset] = list(config.experiments.clip_size.models)
        place(config, models, folder)


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


def read_jobs(folder: Path) -> pd.DataFrame:
    """Stage, kind of start-up (null if another) and seconds of each job with a benchmark file."""
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        stage, *parts = path.relative_to(folder).parts
        kind = "score" if stage == "metrics" else None
        if stage == "transforms":
            kind = "fit, trained" if set(parts) & set(TRAINED) else "fit"
        seconds = pd.read_csv(path, sep="\t")["s"].sum()
        rows.append({"stage": stage, "kind": kind, "seconds": seconds})
    return pd.DataFrame(rows)
