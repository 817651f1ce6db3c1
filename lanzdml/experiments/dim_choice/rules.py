"""Rules that say r' by what the vectors of texts look like, and by nothing else."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.effective_rank import (
    at_least_one,
    chosen_dim,
    effective_rank,
    of_entropy,
    singular_values,
)

Unit = NDArray[np.float32]
Rule = Callable[[Unit], int]
SEED = 0
DRAWS = 20
"""Of shuffled texts, and of halves."""
QUANTILE = 0.95


def eigenvalues(unit: Unit) -> NDArray[np.float64]:
    """Those of the covariance of texts (n, r), times their number, the largest first."""
    return np.square(singular_values(unit))


def entropy_of_eigenvalues(unit: Unit) -> int:
    """exp of the entropy of the eigenvalues' shares of their sum."""
    return of_entropy(eigenvalues(unit))


def participation_ratio(unit: Unit) -> int:
    """The square of the eigenvalues' sum over the sum of their squares."""
    values = eigenvalues(unit)
    return at_least_one(values.sum() ** 2 / np.square(values).sum()) if len(values) else 1


def stable_rank(unit: Unit) -> int:
    """The eigenvalues' sum over the largest (Rudelson and Vershynin, "Sampling from large
    matrices", Journal of the ACM 54, 2007)."""
    values = eigenvalues(unit)
    return at_least_one(values.sum() / values[0]) if len(values) else 1


def largest_gap(unit: Unit) -> int:
    """How many eigenvalues are before the largest ratio of one to the next.

    Among the first half of them, as the last ones are small, and their ratios large for no reason
    (Lam and Yao, "Factor modeling for high-dimensional time series", Annals of Statistics 40,
    2012).
    """
    values = eigenvalues(unit)
    values = values[: len(values) // 2 + 1]
    return 1 + int(np.argmax(values[:-1] / values[1:])) if len(values) > 1 else 1


def parallel_analysis(unit: Unit) -> int:
    """How many eigenvalues, from the first, are above those of shuffled texts of the same rank.

    Each component is shuffled among the texts by itself, which leaves nothing that components
    share. Above is above the 95th percentile of several shuffles (Horn, "A rationale and test for
    the number of factors in factor analysis", Psychometrika 30, 1965, who takes the mean).
    """
    values = eigenvalues(unit)
    rng = np.random.default_rng(SEED)
    shuffled = np.zeros((DRAWS, len(values)))
    for row in shuffled:
        found = eigenvalues(rng.permuted(unit, axis=0))[: len(values)]
        row[: len(found)] = found
    above = values > np.quantile(shuffled, QUANTILE, axis=0)
    return max(1, int(np.argmin([*above, False])))


def two_halves(unit: Unit) -> int:
    """How many directions of two halves of the texts agree the most.

    Of the first k principal directions of either half, the mean squared cosine of the principal
    angles, on average over draws of the halves, less the k / r that random ones have.
    """
    n, r = unit.shape
    most = min(n // 2, len(singular_values(unit))) - 1
    if most < 1:
        return 1
    rng, counts = np.random.default_rng(SEED), np.arange(1, most + 1)
    agreement = np.zeros((DRAWS, most))
    for row in agreement:
        halves = np.array_split(rng.permutation(n), 2)
        one, other = (_directions(unit[half])[:most] for half in halves)
        row[:] = np.diag(np.square(one @ other.T).cumsum(axis=0).cumsum(axis=1)) / counts
    return 1 + int(np.argmax(agreement.mean(axis=0) - counts / r))


def _directions(unit: Unit) -> NDArray[np.float64]:
    centred = unit - unit.mean(axis=0, dtype=np.float64)
    return np.linalg.svd(centred, full_matrices=False)[2]


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "auto": chosen_dim,
        "effective_rank": effective_rank,
        "entropy_of_eigenvalues": entropy_of_eigenvalues,
        "participation_ratio": participation_ratio,
        "parallel_analysis": parallel_analysis,
        "two_halves": two_halves,
        "largest_gap": largest_gap,
        "stable_rank": stable_rank,
    }
)
FIXED = (16, 8)
CONFIGURED = "configured"


def choices(unit: Unit, configured: int | None) -> dict[str, int]:
    """r' by each rule, those that look at nothing first; never more than texts have components.

    Args:
        unit: texts (n, r), of unit length.
        configured: the configuration's r'; None where it is none.
    """
    chosen = {CONFIGURED: configured} if configured is not None else {}
    chosen |= {f"fixed_{dim}": dim for dim in FIXED}
    chosen |= {name: rule(unit) for name, rule in RULES.items()}
    return {name: min(dim, unit.shape[1]) for name, dim in chosen.items()}
