"""The machine that a benchmark ran on."""

import multiprocessing
import os
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

from lanzdml.report.provenance import commit, versions

T = TypeVar("T")

# By benchmarks.
WRITTEN = (
    *("benchmarks/records", "benchmarks/results.md", "benchmarks/results-gpu.md"),
    "docs/scaling.png",
)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def facts() -> dict[str, str]:
    """What a reader needs to know of a machine, and versions of what was measured on it."""
    found = {
        "processor": _processor(),
        "cores": str(cores()),
        "vector instructions": torch.backends.cpu.get_cpu_capability(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "commit": _commit(),
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }
    return found | versions()


def in_a_process(work: Callable[..., T], *arguments: object) -> T:
    """What a piece of work gives in a process of its own, which has loaded nothing else."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _commit() -> str:
    state = commit(without=WRITTEN)
    return state.hash[:12] + " with changes" * state.dirty


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields: dict[str, str] = {}
        for line in info.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
        family = ", ".join(f"{k} {fields[k]}" for k in ("cpu family", "model") if k in fields)
        return f"{fields.get('model name', platform.machine())} ({family})"
    return platform.processor() or platform.machine()
