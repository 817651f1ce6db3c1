"""How time and memory grow: of the metrics with images and classes, of a fit with prompts and dims.

Draws docs/scaling.png, too.
"""

import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.fits import Fit
from benchmarks.machine import cores, in_a_process
from benchmarks.record import Record
from benchmarks.timing import seconds, seconds_a_step
from lanzdml.figures.style import method_look, new_figure, styled, write_figure
from lanzdml.metrics.clusters import cluster_metrics
from lanzdml.metrics.scores import rank_metrics
from lanzdml.names import METHOD_NAMES
from lanzdml.sources import ROOT

N_IMAGES = (1_000, 3_000, 10_000, 30_000, 100_000)
N_CLASSES = (10, 1_000, 10_000)
FEW_CLASSES, MANY_IMAGES = 100, 100_000
N_PROMPTS = (3, 10, 30, 100, 300, 1_000, 3_000)
DIMS = (2, 8, 32, 128, 512)
METHODS = ("indirect", "lae", "ae")
FIGURE = ROOT / "docs/scaling.png"


def measure() -> Record:
    sizes = [(n, FEW_CLASSES) for n in N_IMAGES] + [(MANY_IMAGES, n) for n in N_CLASSES]
    metrics = {size: in_a_process(metrics_cost, *size) for size in sizes}
    prompts = {n: {method: iteration_cost(method, n, 128) for method in METHODS} for n in N_PROMPTS}
    dims = {dim: {method: iteration_cost(method, 100, dim) for method in METHODS} for dim in DIMS}
    write_figure(draw(metrics, prompts, dims), [FIGURE])

    rank, cluster, memory = metrics[MANY_IMAGES, FEW_CLASSES]
    rows = [
        _row(
            f"metrics, {n:,} x 128, {k:,} classes",
            f"{rank:.2f} s ranking, {cluster:.2f} s clustering",
            f"{memory:.2f} GiB",
        )
        for (n, k), (rank, cluster, memory) in metrics.items()
    ]
    rows += [_row(f"fits, {n:,} prompts, r' = 128", _each(costs)) for n, costs in prompts.items()]
    rows += [_row(f"fits, 100 prompts, r' = {dim}", _each(costs)) for dim, costs in dims.items()]
    return Record(
        title="Growth",
        goal=f"the metrics at {MANY_IMAGES:,} x 128 in less than 4 GiB",
        result=f"{memory:.2f} GiB, {rank + cluster:.0f} s with {FEW_CLASSES} classes; ranking "
        f"grows as the square, so 1,000,000 images would take {100 * rank / 60:.0f} minutes",
        text=f"Metrics with {cores()} threads, of Gaussian classes; fits with one, of vectors of "
        "512 components, in milliseconds an iteration. Memory is the largest that a process held, "
        "its libraries included. Each was measured once. docs/scaling.md draws them.",
        rows=rows,
    )


def _row(work: str, time: str, memory: str = "") -> dict[str, str]:
    return {"work": work, "time": time, "peak memory": memory}


def _each(costs: dict[str, float]) -> str:
    return ", ".join(f"{METHOD_NAMES[method]} {ms:.2f} ms" for method, ms in costs.items())


def metrics_cost(n: int, n_classes: int, dim: int = 128) -> tuple[float, float, float]:
    """Seconds of the rank metrics and of the clusters, and the process' peak memory in GiB."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n) % n_classes)
    vectors = rng.standard_normal((n, dim), np.float32)
    vectors += rng.standard_normal((n_classes, dim), np.float32)[labels] / 2
    rank = seconds(lambda: rank_metrics(vectors, labels, n_threads=cores()))
    cluster = seconds(lambda: cluster_metrics(vectors, labels))
    return rank, cluster, _peak_memory()


def iteration_cost(method: str, n_prompts: int, dim: int) -> float:
    """Milliseconds of one iteration of a fit."""
    fit = Fit(method, n_prompts, int(np.clip(100_000 / n_prompts, 30, 1000)), dim)
    fit.warm_up()
    return 1000 * seconds_a_step(lambda: fit.ours([0]))


@styled
def draw(
    metrics: dict[tuple[int, int], tuple[float, float, float]],
    prompts: dict[int, dict[str, float]],
    dims: dict[int, dict[str, float]],
) -> Figure:
    """Three panels: metrics over images, an iteration over prompts and over dims."""
    figure = new_figure(6.9, 2.3)
    images, over_prompts, over_dims = figure.subplots(1, 3)
    times = np.array([metrics[n, FEW_CLASSES][:2] for n in N_IMAGES])
    images.plot(N_IMAGES, times[:, 0], "o-", color="#0072B2", label="ranking")
    images.plot(N_IMAGES, times[:, 1], "s-", color="#D55E00", label="clustering, 100 classes")
    ahead = [N_IMAGES[-1], 10 * N_IMAGES[-1]]
    images.plot(ahead, times[-1, 0] * np.array([1, 100]), "--", color="#0072B2", lw=0.8)
    images.annotate("as the square", (ahead[1], 100 * times[-1, 0]), (-6, -2),
                    textcoords="offset points", ha="right", fontsize=6)  # fmt: skip
    images.set(xlabel="images", ylabel="seconds", title="Metrics of a run")
    images.legend(loc="upper left")
    for axes, costs, what in ((over_prompts, prompts, "prompts, r' = 128"),
                              (over_dims, dims, "r', 100 prompts")):  # fmt: skip
        for method in METHODS:
            line = [cost[method] for cost in costs.values()]
            axes.plot(list(costs), line, label=METHOD_NAMES[method], **method_look(method))
        axes.set(xlabel=what, title="An iteration of a fit")
    over_prompts.set(ylabel="milliseconds")
    over_dims.sharey(over_prompts)
    over_prompts.legend(loc="upper left")
    for axes in (images, over_prompts, over_dims):
        axes.set(xscale="log", yscale="log")
    return figure


def _peak_memory() -> float:
    """GiB; NaN where the system does not say."""
    status = Path("/proc/self/status")
    found = status.exists() and re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
    return int(found[1]) / 2**20 if found else float("nan")
