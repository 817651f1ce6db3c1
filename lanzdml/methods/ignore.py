"""What must not matter, taken away."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.methods.against import ToldAgainst
from lanzdml.methods.base import EmbeddingError, Floats, check_number, normalise
from lanzdml.methods.subspace import principal_axes


class Ignore(ToldAgainst):
    """Images without the directions in which the prompts of what must not matter vary most.

    For who can only say what should not count: of the notion's own prompts nothing is learned. It
    is LAFT's "ignore" (ICLR 2025, arXiv 2503.01184). Not in the paper.

    Without prompts of what must not matter images stay as they are.

    Args:
        share: of those prompts' variance that the directions hold, above 0, up to 1.
        random_state: without effect.

    Attributes:
        directions_: (k, r), orthonormal, of what is taken away.
    """

    name = "ignore"
    has_dim = False
    deterministic = True
    learned = ("directions_",)

    def __init__(self, *, share: float = 0.99, random_state: int = 0) -> None:
        self.share = share
        self.random_state = random_state

    def _fit_against(self, unit: NDArray[np.float32], other: NDArray[np.float32] | None) -> None:
        self.directions_ = span(other, self.share, unit.shape[1]).astype(np.float32)
        if len(self.directions_) == unit.shape[1]:
            raise CannotFitError("the prompts of what must not matter vary in all directions")

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return normalise(without(images, self.directions_))

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_share(self.share)


def span(other: NDArray[np.float32] | None, share: float, r: int) -> NDArray[np.float64]:
    """The fewest directions (k, r) that hold a share of the variance of prompts (m, r).

    None of no prompts, and of prompts that do not differ.
    """
    if other is None:
        return np.zeros((0, r))
    try:
        directions, values = principal_axes(other - other.mean(axis=0, dtype=np.float64), r)
    except CannotFitError:
        return np.zeros((0, r))
    held = np.cumsum(values**2) / np.sum(values**2)
    return directions[: int(np.searchsorted(held, share)) + 1]


def check_share(share: float) -> None:
    """Raises EmbeddingError for what is no share of a variance."""
    check_number("share", share, 0)
    if not 0 < share <= 1:
        raise EmbeddingError(f"share must be above 0 and 1 at most, not {share!r}")


def without(vectors: Floats, directions: Floats) -> Floats:
    """Vectors (n, r) projected onto what is at right angles to directions (k, r)."""
    return vectors - (vectors @ directions.T) @ directions
