"""Rules that choose r': what each makes of the texts alone."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.effective_rank import at_least_one, effective_rank, singular_values

Unit = NDArray[np.float32]
SEED = 0
DRAWS = 20
"""Of permutations and of halves."""
PERCENTILE = 95
AGREED = 0.5


def largest_gap(unit: Unit) -> int:
    """The eigenvalues before the largest ratio of one to the next."""
    values = singular_values(unit)
    if len(values) < 2:
        return 1
    return 1 + int(np.argmax(values[:-1] / values[1:]))


def stable_rank(unit: Unit) -> int:
    """The eigenvalues' sum over the largest (Rudelson and Vershynin, 2007)."""
    values = singular_values(unit)
    return at_least_one(values.sum() / values[0]) if len(values) else 1


def participation_ratio(unit: Unit) -> int:
    """The square of the eigenvalues' sum over the sum of their squares."""
    values = singular_values(unit)
    return at_least_one(values.sum() ** 2 / np.square(values).sum()) if len(values) else 1


def parallel_analysis(unit: Unit) -> int:
    """The eigenvalues, from the first, above those of texts whose components are shuffled.

    Each component by itself, so that nothing is left that components share; above the 95th
    percentile of the eigenvalue of the same rank (Horn, "A rationale and test for the number of
    factors in factor analysis", Psychometrika 30, 1965, there above the mean).
    """
    values = singular_values(unit)
    rng = np.random.default_rng(SEED)
    shuffled = np.zeros((DRAWS, len(values)))
    for row in shuffled:
        found = singular_values(rng.permuted(unit, axis=0))[: len(values)]
        row[: len(found)] = found
    above = values > np.percentile(shuffled, PERCENTILE, axis=0)
    return max(1, int(np.argmin([*above, False])))


def two_halves(unit: Unit) -> int:
    """The most directions that two halves of the texts have in common.

    Of the first k principal directions of each half, the mean squared cosine of the principal
    angles is at least one half, on average over draws of the halves.
    """
    half = len(unit) // 2
    if half < 2:
        return 1
    rng = np.random.default_rng(SEED)
    most = min(half - 1, unit.shape[1])
    agreement = np.zeros((DRAWS, most))
    for row in agreement:
        order = rng.permutation(len(unit))
        one, other = (_directions(unit[order[part]]) for part in (slice(half), slice(half, None)))
        squared = np.square(one[:most] @ other[:most].T)
        k = min(squared.shape)
        row[:k] = np.diag(squared[:k, :k].cumsum(axis=0).cumsum(axis=1)) / np.arange(1, k + 1)
    agreed = np.flatnonzero(agreement.mean(axis=0) >= AGREED)
    return 1 + int(agreed[-1]) if len(agreed) else 1


def _directions(unit: Unit) -> NDArray[np.float64]:
    centred = np.asarray(unit - unit.mean(axis=0, dtype=np.float64), np.float64)
    return np.linalg.svd(centred, full_matrices=False)[2]


RULES: Mapping[str, Callable[[Unit], int]] = MappingProxyType(
    {
        "entropy": effective_rank,
    }
)
