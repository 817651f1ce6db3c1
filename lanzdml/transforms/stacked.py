"""Combined notions: what a method learned for several notions, applied side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lanzdml.methods.base import as_matrix, normalise

if TYPE_CHECKING:
    from lanzdml.methods.base import Method


class Stacked:
    """One fitted method a part, whose vectors' cosine is the weighted mean of the parts' cosines.

    Each part's vector is scaled to the length sqrt(w_i / sum of w), so that the whole has length 1.
    Zeros, which a part makes of an image in which it finds nothing, stay zeros: the whole is
    shorter, and by cosine the image is compared by its other parts alone.

    Args:
        names: of the parts.
        parts: fitted to the parts' prompts.
        weights: positive, one a part.

    Raises:
        ValueError: the weights are no such numbers.
    """

    def __init__(
        self, names: Sequence[str], parts: "Sequence[Method]", weights: Sequence[float]
    ) -> None:
        self.names, self.parts = names, parts
        self.weights = np.asarray(weights, np.float64)
        if self.weights.shape != (len(parts),) or not np.all(
            np.isfinite(weights) & (self.weights > 0)
        ):
            raise ValueError(f"weights must be {len(parts)} positive numbers, not {weights}")

    def transform(
        self, image_embeddings: ArrayLike, *, unit_images: bool = True
    ) -> NDArray[np.float32]:
        """Image embeddings (m, r) as vectors (m, sum of the parts' sizes) of length 1 at most.

        Args:
            image_embeddings: see :meth:`lanzdml.methods.base.Method.transform`.
            unit_images: what the parts are given; each part's vectors are scaled in any case.

        Raises:
            EmbeddingError: the embeddings cannot be used, or a part's vectors are not finite.
        """
        lengths = np.sqrt(self.weights / self.weights.sum()).astype(np.float32)
        vectors = []
        for name, part, length in zip(self.names, self.parts, lengths, strict=True):
            own = part.transform(image_embeddings, unit_images=unit_images)
            vectors.append(length * normalise(as_matrix(own, f"vectors of {name}")))
        return np.concatenate(vectors, axis=1)
