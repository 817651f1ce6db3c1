"""``lanzdml estimate``: what a run of the workflow will cost, in words and a table."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lanzdml.config.config import parse_config
from lanzdml.config.file import read_values
from lanzdml.datasets.summary import recall
from lanzdml.estimate.estimate import Estimate, estimate, free_space
from lanzdml.limits import imposed
from lanzdml.plan import Plan
from lanzdml.report.cost import duration

_MOST_TOLD = 6


def read_estimate(configuration: Path, measured: Sequence[Path]) -> Estimate:
    """The estimate of a configuration.

    Args:
        configuration: its file; paths in it are relative to the working directory.
        measured: folders of results that say how long this machine takes, beside its own.

    Raises:
        LanzdmlError: it is wrong, or a folder is not there.
    """
    values = read_values([configuration], {})
    recall(Path(str(values.get("results", "")), "kept", "tables.json"))
    config = parse_config(values)
    with imposed(config.limits.limits()):
        return estimate(Plan(config), measured)


def cores_here() -> int:
    """Cores that a process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def rows_of(found: Estimate) -> pd.DataFrame:
    """What is left by kind of job: jobs, CPU minutes, MiB, MB on disk, and whose rates it is by."""
    return pd.DataFrame([
        {
            "stage": row.stage,
            "kind": row.kind,
            "jobs": row.jobs,
            "cpu_minutes": round(row.seconds / 60, 2),
            "memory_mib": round(row.memory),
            "disk_mb": round(row.disk / 1e6, 1),
            "rates": "measured here" if row.is_measured else "shipped",
        }
        for row in found.rows()
    ])  # fmt: skip


def summary(found: Estimate, cores: int) -> list[str]:
    """What all of it will cost, in lines."""
    if not found.left:
        return [f"Nothing is left: all {len(found.jobs):,} jobs are done."]
    done, measured = len(found.jobs) - len(found.left), found.measured
    goes, longest = found.on(cores), found.longest
    assert longest is not None
    alone = found.seconds(longest) / longest.threads
    folder = Path(found.plan.config.results)
    lines = [
        f"{len(found.left):,} jobs are left" + (f", {done:,} are done." if done else "."),
        f"Time: {_long(goes.seconds)} on {cores:,} {'core' if cores == 1 else 'cores'}, "
        f"{_long(found.total)} of one core. No number of cores makes it shorter than its longest "
        f"job, {longest.stage} {longest.kind}, {_long(alone)}.",
        f"Memory: {goes.memory / 1024:.1f} GiB at most with the jobs side by side; the largest job "
        f"{max(map(measured.held, found.left)) / 1024:.1f} GiB.",
        f"Disk: {_bytes(found.disk)}; {_bytes(free_space(folder))} are free there.",
        _fetched(found),
    ]
    if (gpu := _gpu(found)) is not None:
        lines.append(gpu)
    return [*lines, *_by(found)]


def _fetched(found: Estimate) -> str:
    sizes = found.downloads.sizes
    if not sizes:
        return "Downloads: none."
    known = f"{_bytes(found.downloads.total)}: " + _listed(
        [f"{name} {_bytes(size)}" for name, size in sizes.items() if size is not None]
    )
    unknown = f"of unknown size: {_listed(found.downloads.unknown)}"
    parts = [known] * bool(found.downloads.total) + [unknown] * bool(found.downloads.unknown)
    return f"Downloads: {'; '.join(parts)}."


def _gpu(found: Estimate) -> str | None:
    """What a GPU would have to do, which takes nobody knows how long."""
    if not found.images:
        return None
    if found.plan.config.embeddings.device == "cpu":
        return (
            f"GPU: none, {found.images:,} images are embedded on the CPU as the configuration says."
        )
    return (
        f"GPU: {found.images:,} images to embed. The time above is that of the CPU; how long a GPU "
        "takes is not known before one was measured, and nothing else uses it."
    )


def _by(found: Estimate) -> list[str]:
    """What it goes by, and what nobody knows."""
    measured = found.measured
    shipped = sum(row.seconds for row in found.rows() if not row.is_measured)
    by = (
        f"By {measured.n_jobs:,} jobs that were measured on this machine" if measured.n_jobs else ""
    )
    if not by:
        by = "By shipped rates alone: no finished job was measured on this machine, so all of it "
        by += "may be off by a constant factor; a first run of any configuration mends that."
    elif shipped:
        by += f"; {shipped / found.total:.0%} of the time is of kinds that were not, by shipped "
        by += "rates and how fast the others were here."
    else:
        by += "."
    lines = [by]
    if measured.unread:
        first, n = measured.unread[0], len(measured.unread)
        lines.append(f"Not read: {n:,} damaged {'file' if n == 1 else 'files'}, the first {first}.")
    if found.assumed:
        lines.append(f"Assumed: {_listed(found.assumed)}.")
    return lines


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_TOLD
    return "; ".join([*names[:_MOST_TOLD], *([f"and {more:,} more"] if more > 0 else [])])


def _long(seconds: float) -> str:
    return duration(seconds)


def _bytes(n: float) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"
