"""Sparse codes over the prompts."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import EmbeddingError, Floats, check_number, normalise
from lanzdml.methods.collection import SeesImages, blocks_about, mean_of
from lanzdml.methods.subspace import principal_directions

_TOLERANCE, _MOST = 1e-6, 10_000  # of the dual gap, and passes over the prompts


class SpLiCE(SeesImages):
    """How much of each prompt an image is made of, few of them being in it.

    The weights w >= 0 that minimise ``|v - w T|^2 / 2 + l |w|_1``, with v an image about the mean
    of a collection and T the prompts about theirs, all of unit length: a non-negative lasso, which
    scikit-learn solves. SpLiCE (Bhalla et al., NeurIPS 2024, arXiv 2402.10376) has a vocabulary of
    ten thousand words for all of an image in place of a notion's prompts. An image that no prompt
    resembles by more than l has no weight: its vector is zeros. Not in the paper.

    It sees the collection, without labels, when it is fitted: its mean.

    Args:
        penalty: l, between 0 and 1; the larger, the fewer prompts an image is made of.
        random_state: without effect.

    Attributes:
        mean_: (r,), of the images.
        prompts_: (n, r), about their mean, of unit length.
    """

    name = "splice"
    has_dim = False
    deterministic = True
    learned = ("mean_", "prompts_")

    def __init__(self, *, penalty: float = 0.05, random_state: int = 0) -> None:
        self.penalty = penalty
        self.random_state = random_state

    def _fit_images(self, unit: NDArray[np.float32], images: NDArray[np.float32]) -> None:
        texts = unit - unit.mean(axis=0, dtype=np.float64)
        principal_directions(texts, 1)  # raises where the prompts do not differ
        self.mean_ = mean_of(images).astype(np.float32)
        self.prompts_ = normalise(texts)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        from sklearn.linear_model import Lasso

        prompts = self.prompts_.astype(np.float64)
        solver = Lasso(
            # It divides the square by the number of components.
            self.penalty / prompts.shape[1],
            fit_intercept=False, positive=True, precompute=prompts @ prompts.T,
            tol=_TOLERANCE, max_iter=_MOST, random_state=self.random_state,
        )  # fmt: skip
        codes = [
            solver.fit(prompts.T, normalise(block).T).coef_.reshape(len(block), -1)
            for block in blocks_about(self.mean_, normalise(images))
        ]
        return normalise(np.concatenate(codes))

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number("penalty", self.penalty, 0)
        if not 0 < self.penalty < 1:
            raise EmbeddingError(f"penalty must be between 0 and 1, not {self.penalty!r}")
