"""What methods share that are told what must not matter, too."""

from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lanzdml.methods.base import Method, as_embeddings, check_one_size, normalise
from lanzdml.methods.needs import AGAINST, PROMPTS


class ToldAgainst(Method):
    """A method that is fitted to a notion's prompts, and to prompts of what must not matter.

    A subclass defines ``_fit_against``, which gets both as unit vectors.
    """

    needs = (PROMPTS, AGAINST)

    def fit(self, X: ArrayLike, y: object = None, *, against: ArrayLike | None = None) -> Self:
        """Learn from text embeddings.

        Args:
            X: of the notion (n, r), of any length.
            y: without effect; for scikit-learn's pipelines.
            against: of what must not matter (m, r), from the same model; nothing in particular
                unless given.

        Raises:
            EmbeddingError: the embeddings or a parameter cannot be used.
            CannotFitError: the method is not defined for these prompts.
        """
        if against is None:
            return self._fit_vectors(X, "text_embeddings", partial(self._fit_against, other=None))
        other = normalise(as_embeddings(against, "against"))

        def fit(unit: NDArray[np.float32]) -> None:
            check_one_size("against has", other, unit)
            self._fit_against(unit, other)

        return self._fit_vectors(X, "text_embeddings", fit)

    def _fit_against(self, unit: NDArray[np.float32], other: NDArray[np.float32] | None) -> None:
        """Set what is learned from prompts (n, r) and those of what must not matter (m, r)."""
        raise NotImplementedError
