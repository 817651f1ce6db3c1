"""What single things take on the machine that `rates.json` was measured on: one core's seconds.

`python -m benchmarks.rates` measures it. How many times as long another machine takes is seen in
what finished runs took there (:mod:`lanzdml.estimate.measured`).

How each grows is known: an iteration of a trained method with the numbers that it reconstructs and
with its parameters; ranking as the square of the images; draws with the pairs of one class.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.estimate.sizes import in_all, pairs_of
from lanzdml.metrics.resampling import affordable_draws

FILE = Path(__file__).with_name("rates.json")
_HIDDEN = 512  # of the autoencoder
_MEASURED_ON = 1000  # images, of quick fits that see any
_UNKNOWN = "indirect"  # the trained method that stands for those that were not measured


@dataclass(frozen=True)
class Rates:
    """Seconds of a core, by what they are of; see the functions below, and MiB of memory."""

    machine: str
    start: dict[str, float]
    memory: dict[str, float]
    iteration: dict[str, list[float]]
    iterations: dict[str, list[list[float]]]
    fit: dict[str, float]
    transform: dict[str, float]
    rank: list[float]
    draw: list[float]
    kmeans: list[float]
    image: list[float]
    single: dict[str, float]

    def trained(self, method: str, dim: int, width: int, n: int, n_classes: int = 0) -> float:
        """A fit of a method that is trained, on n prompts or images: iterations times seconds."""
        known = method if method in self.iteration else _UNKNOWN
        fixed, of_numbers, of_parameters = self.iteration[known]
        parameters = parameters_of(known, dim, width, n_classes)
        one = fixed + of_numbers * n * parameters + of_parameters * parameters
        return one * self.n_iterations(known, dim, n)

    def n_iterations(self, method: str, dim: int, n: int) -> float:
        """Those of measured fits, the more similar in size and r' the more."""
        rows = np.array(self.iterations[method])
        apart = np.abs(np.log2(rows[:, :2] / [max(dim, 1), max(n, 1)])).sum(axis=1)
        weights = 1 / (0.25 + apart) ** 2
        return float(np.average(rows[:, 2], weights=weights))

    def quick(self, method: str, n_images: int | None = None) -> float:
        """A fit of one that is not; of others' methods the median of ours.

        Args:
            method: its name.
            n_images: that it sees, which its time grows with; None if it sees none.
        """
        times = 1 if n_images is None else n_images / _MEASURED_ON
        return times * self.fit.get(method, float(np.median([*self.fit.values()])))

    def transformed(self, method: str, n: int) -> float:
        """The vectors of n images."""
        return n * self.transform.get(method, float(np.median([*self.transform.values()])))

    def ranked(self, n: float, width: int, references: float | None = None) -> float:
        """N images that rank each other, or so many references."""
        return n * (n if references is None else references) * (self.rank[0] + self.rank[1] * width)

    def drawn(self, classes: NDArray[np.int64], n_draws: int | None = None) -> float:
        """Scores on draws of the images."""
        if not len(classes):
            return 0.0
        n_draws = n_draws or affordable_draws(np.repeat(classes - 1, classes))
        return n_draws * (self.draw[0] * pairs_of(classes) + self.draw[1] * in_all(classes))

    def clustered(self, n: int, n_clusters: int) -> float:
        """One start of k-means."""
        return self.kmeans[0] + self.kmeans[1] * n * n_clusters**0.8

    def embedded(self, n: int, gmacs: float) -> float:
        """N images, decoded and through a model."""
        return n * (self.image[0] + self.image[1] * gmacs)


def parameters_of(method: str, dim: int, width: int, n_classes: int = 0) -> int:
    """How many numbers a trained method learns."""
    if method == "ae":
        return 2 * (width * _HIDDEN + _HIDDEN * dim)
    return dim * width * (2 if method == "lae" else 1) + n_classes * dim


@cache
def rates() -> Rates:
    """Those that come with the library."""
    values: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return Rates(**values)
