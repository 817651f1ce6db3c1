"""What `lanzdml estimate` says before a run beside what the run then takes, for three of them.

The default configuration first, by shipped rates; then, by what that took, the small one of the
tests and a part of the paper's grid on stand-ins, whose sizes are the paper's. Compared are seconds
of a core of jobs that are measured, which other work on the machine changes little; how long a run
takes by the clock is told, too.
"""

import contextlib
import shutil
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.machine import cores
from benchmarks.paper_grid import CONFIGURATION, prepare, run_workflow
from benchmarks.record import Record
from lanzdml.config.config import parse_config
from lanzdml.config.file import read_values
from lanzdml.estimate.estimate import estimate
from lanzdml.plan import Plan
from lanzdml.report.estimated import beside_taken, read_estimate
from lanzdml.sources import ROOT

FOLDER = ROOT / "build/estimates"
SEEDS = 2
CONFIGURATIONS = {
    "default": "the default configuration, by shipped rates",
    "small": "tests/configs/small.yaml, after it",
    "grid": f"the paper's grid on stand-ins with {SEEDS} seeds, without the ablation over r', "
    "after it",
}


def measure() -> Record:
    """Run all three in one folder, where the later ones find what the default run took."""
    files = prepared(FOLDER)
    compared = [compare(what, FOLDER / files[name]) for name, what in CONFIGURATIONS.items()]
    ratios = [f"{ratio:.2f}" for _, ratio in compared]
    return Record(
        title="Estimates",
        goal="within a factor of 1.5, once the default run has been made on a machine",
        result=f"taken / estimated {', '.join(ratios)}",
        text=f"Before each run, and what it took with {cores()} cores: minutes of a core of the "
        "jobs that are measured, and by the clock of all. Of the grid the images' embeddings are "
        "there, as stand-ins.",
        rows=[row for row, _ in compared],
    )


def compare(what: str, file: Path) -> tuple[dict[str, str], float]:
    """Estimate a configuration, run it, and compare: a row, and taken / estimated."""
    n_cores = cores()
    with contextlib.chdir(file.parent):
        plan = Plan(parse_config(read_values([file], {})))
        before = estimate(plan)  # as the run itself does, and writes down
        jobs, minutes = len(before.left), before.on(n_cores).seconds / 60
    start = time.perf_counter()
    run_workflow(file.parent, file.name, n_cores)
    wall, results = time.perf_counter() - start, file.parent / plan.config.results
    by_stage = beside_taken(read_estimate(results), results / "benchmarks", plan.config.datasets)
    print(by_stage.round(1).to_string(), flush=True)
    estimated, taken = by_stage["estimated"].sum(), by_stage["taken"].sum()
    row = {
        "run": what,
        "jobs": f"{jobs:,}",
        "estimated, core min": f"{estimated / 60:.1f}",
        "taken, core min": f"{taken / 60:.1f}",
        "taken / estimated": f"{taken / estimated:.2f}",
        "estimated, min": f"{minutes:.1f}",
        "taken, min": f"{wall / 60:.1f}",
    }
    print(row, flush=True)
    return row, taken / estimated


def prepared(folder: Path) -> dict[str, str]:
    """Make a folder with the files of all configurations, by their names here."""
    prepare(folder, _leave_out)
    shutil.copy(ROOT / "config.yaml", folder)
    small = yaml.safe_load((ROOT / "tests/configs/small.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump(small | {"results": "results/small"})
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    return {"default": "config.yaml", "small": "small.yaml", "grid": CONFIGURATION}


def _leave_out(values: dict[str, Any]) -> None:
    values["seeds"] = values["seeds"][:SEEDS]
    del values["experiments"]["dimensions"]
