"""Fits that ended at many times the loss of the same fit with other seeds.

Training starts from random values, and now and then one ends far from where the others do: of the
nonlinear autoencoder's fits some in a hundred, in the authors' code, too. Such a fit counts as any
other; but a mean over five seeds with one of them is another number, so it is said which.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

FACTOR = 5
"""A fit is named above this many times the median loss of its seeds. On embeddings of real CLIPs
the autoencoder's fits of 18 seeds lie within 4 times without a gap, and few beyond, at 6 to 300."""
SEEDS = 3
"""Fewer seeds have no median that one of them could be compared with."""
NOTHING_LEFT = 1e-3
"""Smaller losses are those of prompts that are reconstructed but for what no score sees. Seeds lie
orders of magnitude apart there, as the linear autoencoder's do, and none is worse for it."""


@dataclass(frozen=True)
class PoorFit:
    """A fit beside those of the other seeds."""

    seed: int
    loss: float
    median: float
    n_seeds: int

    def __str__(self) -> str:
        return (
            f"seed {self.seed} ended at a loss of {self.loss:.3g}, {self.loss / self.median:.0f} "
            f"times the median of the {self.n_seeds} seeds ({self.median:.3g}); its scores count "
            f"as the others' do. Said of losses above {FACTOR} times the median"
        )


def poor_fits(runs: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """The fits of each group of runs that ended far above the others.

    Args:
        runs: with the columns of :data:`lanzdml.metrics.runs.COLUMNS`.
        keys: those that runs have in common but for the seed.

    Returns:
        a list of :class:`PoorFit` for each group, indexed by ``keys``, mostly an empty one.
    """
    found = {
        group: _of_group(rows.dropna(subset="loss"))
        for group, rows in runs.groupby(list(keys), sort=False, observed=True)
    }
    index = pd.MultiIndex.from_tuples(found, names=keys)
    return pd.Series(list(found.values()), index, dtype=object)


def _of_group(rows: pd.DataFrame) -> list[PoorFit]:
    if len(rows) < SEEDS:
        return []
    median = float(rows["loss"].median())
    far = rows[rows["loss"] > max(FACTOR * median, NOTHING_LEFT)]
    return [
        PoorFit(int(seed), float(loss), median, len(rows))
        for seed, loss in zip(far["seed"], far["loss"], strict=True)
    ]
