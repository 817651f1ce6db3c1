"""What it cost: seconds of fits; time and memory of jobs."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lanzdml.methods import QUICK, method_on_paper
from lanzdml.report.cost import duration, fit_costs, job_costs, total
from lanzdml.report.estimated import beside_taken, read_estimate
from lanzdml.report.grid import Grid, make_grid
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.tables.markup import DASH, Table


def part(results: Results) -> Part | None:
    """Fits and jobs, where either was measured."""
    runs, datasets = results.all_runs, results.config["datasets"]
    fits = fit_costs(runs[~_stacked(runs, datasets)])
    jobs = job_costs(results.benchmarks, datasets)
    told = beside_taken(read_estimate(results.folder), results.benchmarks, datasets)
    tables = [*_fits(fits), *_jobs(jobs), *_estimated(told)]
    if not tables:
        return None
    html = render("parts/cost.html.j2", total=total(fits, jobs), tables=tables)
    return Part("cost", "What it cost", html)


def _stacked(runs: pd.DataFrame, datasets: Mapping[str, Any]) -> pd.Series:
    """Whether each run's transform is a stack of others, which were fitted for other notions."""
    is_stacked = [
        datasets.get(dataset, {"notions": {}})["notions"].get(notion, {}).get("by") == "stacked"
        for dataset, notion in zip(runs["dataset"], runs["notion"], strict=True)
    ]
    return pd.Series(is_stacked, runs.index, dtype="bool")


def _fits(costs: pd.DataFrame) -> list[Grid]:
    if costs.empty:
        return []
    cells = [
        [
            f"{row['fits']:,.0f}",
            *(duration(row[name]) for name in ("median", "longest", "sum")),
            _number(row["iterations"]),
            _number(row["iteration_ms"], 2),
        ]
        for _, row in costs.iterrows()
    ]
    caption = "Fits, without starting a process or reading files"
    heads = [(method_on_paper(name),) for name in costs.index]
    columns = ["Fits", "Median", "Longest", "Sum", "Iterations", "ms an iteration"]
    notes = [
        "Iterations are the mean over the fits, milliseconds an iteration the median.",
        "A fit that several runs share counts once. Fits that ran side by side in one job count in "
        "full.",
    ]
    return [make_grid("cost-fits", Table(caption, ["Method"], heads, columns, cells, notes))]


def _jobs(costs: pd.DataFrame) -> list[Grid]:
    if costs.empty:
        return []
    cells = [
        [
            f"{row['jobs']:,.0f}",
            *(_duration(row[name]) for name in ("median", "longest", "sum", "cpu")),
            _number(row["memory"]),
        ]
        for _, row in costs.iterrows()
    ]
    caption = "Jobs on these datasets, also of earlier configurations, as they ran last"
    kinds = [
        "Methods that are quick to fit" if kind == QUICK else method_on_paper(kind)
        for kind in costs["kind"]
    ]
    heads = list(zip(costs["stage"], kinds, strict=True))
    columns = ["Jobs", "Median", "Longest", "Sum", "CPU, sum", "Memory, MiB"]
    notes = [
        "Median, longest and sum are of wall time; jobs ran side by side. Memory is the largest.",
        "CPU time and memory are sampled, in a long job every 30 seconds: both can be too low. A "
        "job that ended before the first sample is left out of them.",
        "Tables, figures and this page are not measured.",
    ]
    return [make_grid("cost-jobs", Table(caption, ["Stage", "Job"], heads, columns, cells, notes))]


def _estimated(told: pd.DataFrame) -> list[Grid]:
    if told.empty:
        return []
    of_all = {"stage": "all", **told[["jobs", "estimated", "taken"]].sum()}
    rows = [*told.to_dict("records"), of_all]
    cells = [
        [
            f"{row['jobs']:,.0f}",
            duration(row["estimated"]),
            duration(row["taken"]),
            f"{row['taken'] / row['estimated']:.2f}",
        ]
        for row in rows
    ]
    caption = "What was estimated before, and what it took: seconds of a core"
    columns = ["Jobs", "Estimated", "Taken", "Taken / estimated"]
    notes = [
        "Estimated when the run began that made them, by the jobs that had finished by then, or by "
        "the rates that come with the benchmark (lanzdml estimate). What a job took after it was "
        "last sampled is taken to be at its rate before.",
    ]
    heads = [(row["stage"],) for row in rows]
    return [make_grid("cost-estimated", Table(caption, ["Stage"], heads, columns, cells, notes))]


def _duration(seconds: float) -> str:
    return DASH if pd.isna(seconds) else duration(seconds)


def _number(value: float, decimals: int = 0) -> str:
    return DASH if pd.isna(value) else f"{value:,.{decimals}f}"
