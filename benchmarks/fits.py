"""Fits of the trained methods, against the paper's loops written down plainly (``plain.py``).

As in the workflow, ours run side by side, one thread each, as many as there are cores; the plain
loops run one after another on all cores, as torch does unless told otherwise. Both start from the
same values and take the same steps but for rounding, which decides by chance when a fit of
thousands of steps ends. So what is compared is the time of an iteration.
"""

import multiprocessing
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from statistics import median

import numpy as np
import torch

from benchmarks import plain
from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.standins import StandInModel, stand_in_images
from benchmarks.timing import Paired, paired, seconds_a_step
from lanzdml.methods import METHODS
from lanzdml.methods.base import normalise

SEEDS = range(5)
PAIRS = 3
FEW, MANY = (7, 17, 46, 100), 569
# Iterations at most; an iteration on many prompts, or on images, takes many times as long.
LIMIT, LIMIT_OF_MANY = 1000, 300


@dataclass(frozen=True)
class Fit:
    """A method, what it is fitted to, and after how many iterations it is stopped."""

    method: str
    n_prompts: int | None
    """None for images with labels."""
    max_iter: int
    dim: int = 128

    def ours(self, seeds: Iterable[int] = SEEDS) -> int:
        """Fit each seed; returns the iterations of all."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it was stopped
            return sum(
                METHODS[self.method](self.dim, random_state=seed, max_iter=self.max_iter)
                .fit(*self.data())
                .n_iter_
                for seed in seeds
            )

    def plain(self, seeds: Iterable[int] = SEEDS) -> int:
        """The same by the plain loop."""
        fit = plain.FITS[self.method]
        return sum(fit(*self.data(), self.dim, seed, self.max_iter)[1] for seed in seeds)

    def data(self) -> tuple[np.ndarray, ...]:
        """What it is fitted to; made once in a process, by :meth:`warm_up`."""
        return images() if self.n_prompts is None else (texts(self.n_prompts),)

    def warm_up(self) -> None:
        """Three iterations of each."""
        short = replace(self, max_iter=3)
        short.ours([0]), short.plain([0])

    def __str__(self) -> str:
        return f"{len(self.data()[0]):,} {'prompts' if self.n_prompts else 'images'}"


FITS = [
    Fit(method, n, LIMIT_OF_MANY if n == MANY else LIMIT)
    for method in ("indirect", "lae", "ae")
    for n in (*FEW, MANY)
]
FITS.append(Fit("oracle", None, LIMIT_OF_MANY))


def measure() -> Record:
    n_cores = cores()
    rows = []
    ratios: dict[int, tuple[list[float], list[float]]] = {LIMIT: ([], []), LIMIT_OF_MANY: ([], [])}
    with ProcessPoolExecutor(n_cores, multiprocessing.get_context("spawn")) as pool:
        for fit in FITS:
            both, one = side_by_side(fit, pool, n_cores), one_core(fit)
            for into, taken in zip(ratios[fit.max_iter], (both, one), strict=True):
                into.append(taken.ratio)
            rows.append({
                "method": fit.method,
                "fitted to": str(fit),
                **_cells("all cores", both),
                **_cells("one core", one),
            })  # fmt: skip
    (few, few_on_one), (many, many_on_one) = ratios.values()
    return Record(
        title="Fits",
        goal=f"five seeds with {FEW[0]} to {FEW[-1]} prompts: 3x; with {MANY}, and Oracle: not "
        "slower",
        result=f"with {FEW[0]} to {FEW[-1]} prompts {_range(few)}, on one core {_range(few_on_one)}"
        f"; with {MANY}, and Oracle, {_range(many)}, on one core {_range(many_on_one)}",
        text=f"{len(SEEDS)} seeds, r' = 128, vectors of 512 components; milliseconds an iteration. "
        f"All cores: ours in {n_cores} jobs side by side, each with all seeds and one thread, and "
        f"their time over the iterations of all; the plain loop with {n_cores} threads, one fit "
        "after another. One core: one fit of each, with one thread and nothing beside it. Medians, "
        f"of ratios with ranges, of {PAIRS} pairs. Fits end as the paper says, or after {LIMIT:,} "
        f"iterations, those with {MANY} prompts and Oracle's after {LIMIT_OF_MANY}.",
        rows=rows,
    )


def side_by_side(fit: Fit, pool: ProcessPoolExecutor, n_cores: int) -> Paired:
    """Seconds an iteration, of all cores."""

    def ours() -> int:
        return sum(job.result() for job in [pool.submit(fit.ours) for _ in range(n_cores)])

    for job in [pool.submit(fit.warm_up) for _ in range(2 * n_cores)]:
        job.result()
    with _threads(n_cores):
        fit.warm_up()
        return paired(ours, fit.plain, PAIRS, clock=seconds_a_step)


def one_core(fit: Fit) -> Paired:
    """Seconds an iteration, with one thread."""
    with _threads(1):
        fit.warm_up()
        return paired(lambda: fit.ours([0]), lambda: fit.plain([0]), PAIRS, clock=seconds_a_step)


@contextmanager
def _threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cells(where: str, taken: Paired) -> dict[str, str]:
    return {
        f"{where}: ours, ms": f"{1000 * median(taken.ours):.2f}",
        f"{where}: plain, ms": f"{1000 * median(taken.theirs):.2f}",
        f"{where}: ratio": str(taken),
    }


def _range(ratios: list[float]) -> str:
    return f"{min(ratios):.1f}x to {max(ratios):.1f}x"


@cache
def texts(n: int) -> np.ndarray:
    """Stand-ins (n, 512) of prompts."""
    return normalise(StandInModel("ViT-B-32", 512).texts([f"aspect {i}" for i in range(n)]))


@cache
def images() -> tuple[np.ndarray, np.ndarray]:
    """Stand-ins (8131, 512) of Cars196's images, and the numbers of their models."""
    labels, vectors = stand_in_images("cars196")
    return normalise(vectors), np.unique(labels["car_model"], return_inverse=True)[1]
