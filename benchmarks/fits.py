"""Fits of the trained methods, against the paper's loops written down plainly (``plain.py``).

As in the workflow, ours run side by side, one thread each, as many as there are cores; the plain
loops run one after another on all cores, as torch does unless told otherwise. Both start from the
same values and take the same steps but for rounding, which decides by chance when a fit of
thousands of steps ends. So what is compared is the time of an iteration.
"""

import multiprocessing
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from benchmarks import plain
from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.standins import StandInModel, stand_in_images
from benchmarks.timing import Paired, seconds
from lanzdml.methods import METHODS
from lanzdml.methods.base import normalise

SEEDS = 5
PAIRS = 3
FEW, MANY = (7, 17, 46, 100), 569
# Iterations at most; an iteration on many prompts, or on images, takes many times as long.
LIMIT, LIMIT_OF_MANY = 1000, 300


@dataclass(frozen=True)
class Fit:
    """A method, what it is fitted to, and after how many iterations it is stopped."""

    method: str
    data: tuple[np.ndarray, ...]
    max_iter: int
    dim: int = 128

    def ours(self, seeds: list[int]) -> int:
        """Fit each seed; returns the iterations of all."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it was stopped
            return sum(
                METHODS[self.method](self.dim, random_state=seed, max_iter=self.max_iter)
                .fit(*self.data)
                .n_iter_
                for seed in seeds
            )

    def plain(self, seeds: list[int]) -> int:
        """The same by the plain loop."""
        fit = plain.FITS[self.method]
        return sum(fit(*self.data, self.dim, seed, self.max_iter)[1] for seed in seeds)


def measure() -> Record:
    n_cores = cores()
    torch.set_num_threads(n_cores)
    vectors, codes = _images()
    fits = {
        (method, f"{n} prompts"): Fit(method, (texts(n),), LIMIT_OF_MANY if n == MANY else LIMIT)
        for method in ("indirect", "lae", "ae")
        for n in (*FEW, MANY)
    }
    fits["oracle", f"{len(codes):,} images"] = Fit("oracle", (vectors, codes), LIMIT_OF_MANY)
    rows, few, many = [], [], []
    with ProcessPoolExecutor(n_cores, multiprocessing.get_context("spawn")) as pool:
        for (method, what), fit in fits.items():
            taken, one = compare(fit, pool, n_cores), one_core(fit)
            (few if fit.max_iter == LIMIT else many).append(taken.ratio)
            rows.append({
                "method": method,
                "fitted to": what,
                "ours, ms": f"{1000 * median(taken.ours):.2f}",
                "plain, ms": f"{1000 * median(taken.theirs):.2f}",
                "ratio": str(taken),
                "on one core": str(one),
            })  # fmt: skip
    return Record(
        title="Fits",
        goal=f"five seeds with 7 to 100 prompts: 3x; with {MANY}, and Oracle: not slower",
        result=f"{min(few):.1f}x to {max(few):.1f}x with 7 to 100 prompts; "
        f"{min(many):.1f}x to {max(many):.1f}x with {MANY} and for Oracle",
        text=f"{SEEDS} seeds, r' = 128, vectors of 512 components; milliseconds an iteration. "
        f"Ours: {n_cores} jobs of {SEEDS} seeds side by side, one thread each, and their time over "
        f"the iterations of all. Plain: one fit after another, {n_cores} threads. On one core: one "
        f"fit of each, with one thread and nothing beside it. Medians and ranges of {PAIRS} pairs. "
        f"Fits end as the paper says, or after {LIMIT:,} iterations, those with {MANY} prompts and "
        f"Oracle's after {LIMIT_OF_MANY}.",
        rows=rows,
    )


def compare(fit: Fit, pool: ProcessPoolExecutor, n_cores: int) -> Paired:
    """Seconds an iteration, of all cores."""
    warm_up = Fit(fit.method, fit.data, 3)
    list(pool.map(warm_up.ours, [[0]] * n_cores))
    warm_up.plain([0])
    taken = Paired([], [])
    for pair in range(PAIRS):
        seeds = list(range(SEEDS * pair, SEEDS * (pair + 1)))
        taken.ours.append(_an_iteration(lambda s=seeds: sum(pool.map(fit.ours, [s] * n_cores))))
        taken.theirs.append(_an_iteration(lambda s=seeds: fit.plain(s)))
    return taken


def one_core(fit: Fit) -> Paired:
    """Seconds an iteration, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    taken = Paired([], [])
    for pair in range(PAIRS):
        taken.ours.append(_an_iteration(lambda s=[pair]: fit.ours(s)))
        taken.theirs.append(_an_iteration(lambda s=[pair]: fit.plain(s)))
    torch.set_num_threads(threads)
    return taken


def _an_iteration(work) -> float:
    count = []
    return seconds(lambda: count.append(work())) / count[0]


def texts(n: int) -> np.ndarray:
    """Stand-ins (n, 512) of prompts."""
    return normalise(StandInModel("ViT-B-32", 512).texts([f"aspect {i}" for i in range(n)]))


def _images() -> tuple[np.ndarray, np.ndarray]:
    """Stand-ins (8131, 512) of Cars196's images, and the numbers of their models."""
    labels, images = stand_in_images("cars196")
    return normalise(images), np.unique(labels["car_model"], return_inverse=True)[1]
