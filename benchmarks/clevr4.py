"""Clevr-4, from an archive of 10,000 images to the report: how long it takes.

Runs the real workflow with ``configs/clevr4.yaml`` in a folder of its own, on scenes that this
repository draws (:mod:`benchmarks.clevr4_scenes`) and with an embedded model in place of those that
have to be fetched: all notions, methods, protocols and pictures, for one model and one seed, and of
the experiments what is left of other notions.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from benchmarks.clevr4_scenes import write_archive
from benchmarks.machine import cores
from benchmarks.paper_grid import run_workflow
from benchmarks.record import Record
from lanzdml.report.cost import job_costs
from lanzdml.sources import ROOT

FOLDER, CONFIGURATION = ROOT / "build/clevr4", "clevr4.yaml"
N_IMAGES = 10_000
STAND_INS = {"ViT-B-32": "demo-M"}
EXPERIMENTS = ("main", "specificity")


def measure() -> Record:
    """Run the grid once."""
    start = time.perf_counter()
    results = prepare(FOLDER, N_IMAGES)
    drawing, n_cores = time.perf_counter() - start, cores()
    start = time.perf_counter()
    run_workflow(FOLDER, CONFIGURATION, n_cores)
    wall = time.perf_counter() - start

    runs = pd.read_parquet(results / "metrics.parquet")
    spent = job_costs(results / "benchmarks", ["clevr4"]).groupby("stage", sort=False)["sum"].sum()
    rows = [
        {"jobs": stage, "core minutes": f"{seconds / 60:.1f}",
         "share": f"{seconds / wall / n_cores:.0%}"}
        for stage, seconds in spent.sort_values(ascending=False).items()
    ]  # fmt: skip
    return Record(
        title="Clevr-4, from its archive",
        goal="",
        result=f"{wall / 60:.0f} min on {n_cores} cores"
        + (", with a GPU for embeddings" if torch.cuda.is_available() else ""),
        text=f"{len(runs):,} runs on {N_IMAGES:,} scenes of our own in the original format "
        f"(drawn in {drawing:.0f} seconds) with {' and '.join(STAND_INS.values())} and a seed, by "
        f"`snakemake --cores {n_cores}` with `configs/clevr4.yaml` and of its experiments "
        f"{' and '.join(EXPERIMENTS)}: {wall / 60:.1f} minutes, tables, figures and report too. "
        "Seconds of jobs come from Snakemake's benchmark files, their start included.",
        rows=rows,
    )


def prepare(folder: Path, n_images: int) -> Path:
    """Make a folder to run the workflow in, with an archive; what was there before goes.

    Returns:
        where results will be.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "resources").symlink_to(ROOT / "resources")
    values = _with_stand_ins(yaml.safe_load((ROOT / "configs/clevr4.yaml").read_text("utf-8")))
    dataset = values["datasets"]["clevr4"]
    del dataset["download"]  # it is here
    (folder / CONFIGURATION).write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    write_archive(folder / dataset["root"], n_images)
    return folder / str(values["results"])


def _with_stand_ins(values: dict[str, Any]) -> dict[str, Any]:
    """A configuration with the embedded models wherever it names others."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [renamed(each) for each in value]
        return STAND_INS.get(value, value) if isinstance(value, str) else value

    models = {
        name: {"architecture": f"resources/demo_clip/{name}.json",
               "pretrained": f"resources/demo_clip/{name}.safetensors"}
        for name in STAND_INS.values()
    }  # fmt: skip
    experiments = {name: renamed(values["experiments"][name]) for name in EXPERIMENTS}
    experiments["main"] = {"models": list(STAND_INS.values())}
    experiments["specificity"]["seeds"] = 1
    figures = {name: renamed(section) for name, section in values["figures"].items()}
    less = {"models": models, "seeds": values["seeds"][:1]}
    return values | less | {"experiments": experiments, "figures": figures}
