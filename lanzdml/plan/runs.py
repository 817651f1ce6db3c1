"""Fits and runs: what a benchmark is made of, and the one path that each has."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import PurePosixPath

from lanzdml.experiments.grid import Grid
from lanzdml.methods import METHODS
from lanzdml.methods.dim import Dim

FULL_DIM = "full"
EVERY_SEED = "every-seed"


@dataclass(frozen=True)
class Fit:
    """A method that is fitted to a notion.

    Attributes:
        dim: r', or "auto" where the prompts say it; None for a method that keeps the model's own
            size.
        n_prompts: how many prompts it learns from, drawn by the seed; None for all.
        seed: None for a method that is the same for every seed.
    """

    dataset: str
    model: str
    notion: str
    method: str
    dim: Dim | None
    n_prompts: int | None = None
    seed: int | None = None

    @property
    def path(self) -> PurePosixPath:
        """Where it lies below a folder; its name, as no two fits have the same."""
        dim = FULL_DIM if self.dim is None else self.dim
        some = [] if self.n_prompts is None else [f"prompts-{self.n_prompts}"]
        seed = EVERY_SEED if self.seed is None else f"seed-{self.seed}"
        folders = (self.dataset, self.model, self.notion, self.method, f"dim-{dim}", *some)
        return PurePosixPath(*folders, seed)


@dataclass(frozen=True)
class Run:
    """A fit that is scored by a protocol, which may take prompts or labels of another notion."""

    protocol: str
    fit: Fit

    @property
    def path(self) -> PurePosixPath:
        """Where it lies below a folder; its name, as no two runs have the same."""
        return PurePosixPath(self.protocol) / self.fit.path


def runs_of(grid: Grid) -> Iterator[Run]:
    """The runs of a grid, in its order."""
    for protocol, (dataset, notion), model in product(grid.protocols, grid.notions, grid.models):
        for method in grid.methods:
            dims = grid.dims if METHODS[method].has_dim else [None]
            for dim, count in product(dims, grid.counts):
                drawn = count is not None or not METHODS[method].deterministic
                for seed in grid.seeds if drawn else [None]:
                    yield Run(protocol, Fit(dataset, model, notion, method, dim, count, seed))
