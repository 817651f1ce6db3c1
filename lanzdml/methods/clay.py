"""CLAY, a conditional similarity without training."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import CannotFitError
from lanzdml.methods.base import EmbeddingError, Floats, Method, normalise
from lanzdml.methods.dim import Dim
from lanzdml.methods.subspace import principal_directions

_SAME = 1e-6  # components of unit vectors that differ by less, some units of float32, are equal


class CLAY(Method):
    """The texts' subspace of the tangent space of the unit sphere (Lim et al., CVPR 2026).

    Texts are taken to the tangent space at their mean direction, where the directions of their
    largest singular values span the notion's subspace. Images are taken to the tangent space at
    their own mean, which a reflection carries to that of the texts, as the two kinds of vectors lie
    apart; there they are projected onto the subspace and compared by cosine. There is neither
    training nor a seed. Written from descriptions of the paper ("CLAY: Conditional Visual
    Similarity Modulation in Vision-Language Embedding Space", arXiv 2604.11539), which has no
    public code; that r' bounds the subspace is our choice.

    It is transductive: the mean is that of all images that are transformed together. So it uses the
    collection that is searched, without its labels, and an image's vector depends on the others.
    Images that are all the same leave nothing about their mean: their vectors are zeros.

    Args:
        dim: size of the output at most, r'.
        random_state: without effect.

    Attributes:
        mean_: (r,), the texts' mean direction.
        components_: (k, r), orthonormal, in the tangent space at the mean.
    """

    name = "clay"
    deterministic = True
    transductive = True
    learned = ("mean_", "components_")

    def __init__(self, dim: Dim = 128, *, random_state: int = 0) -> None:
        self.dim = dim
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        mean = mean_direction(unit)
        if mean is None:
            raise CannotFitError("the prompts have no mean direction")
        self.components_ = principal_directions(log_map(mean, unit), self.dim_).astype(np.float32)
        self.mean_ = mean.astype(np.float32)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        unit = normalise(images)
        if np.ptp(unit, axis=0).max() < _SAME:
            # Nothing but rounding is left of a single direction about its own mean.
            return np.zeros((len(unit), len(self.components_)))
        mean = mean_direction(unit)
        if mean is None:
            raise EmbeddingError("image_embeddings have no mean direction")
        # The reflection is its own inverse: in place of all images it carries the few components to
        # the images' mean. There they are across that mean, and all that the log map does to an
        # image is to drop what lies along it and to stretch the rest, which the cosine undoes.
        components = reflect(self.components_, self.mean_, mean).astype(np.float32)
        return normalise(unit @ components.T)


def mean_direction(unit: Floats) -> NDArray[np.float64] | None:
    """The direction of the sum of vectors (n, r) of unit length; None where they cancel out."""
    total = unit.sum(axis=0, dtype=np.float64)
    length = np.linalg.norm(total)
    return total / length if length > 1e-6 * len(unit) else None


def log_map(base: Floats, unit: Floats) -> NDArray[np.float64]:
    """Vectors (n, r) of unit length as tangents (n, r) of the unit sphere at ``base`` (r,).

    A tangent points along the great circle from the base to the vector and is as long as the angle
    between them.
    """
    cosine = unit @ base
    across = unit - cosine[:, None] * base
    sine = np.linalg.norm(across, axis=1)
    angle = np.arctan2(sine, cosine)
    return across * np.divide(angle, sine, out=np.ones_like(sine), where=sine > 0)[:, None]


def reflect(vectors: Floats, one: Floats, other: Floats) -> NDArray[np.float64]:
    """Vectors (n, r) by the reflection (Householder) that swaps two vectors of unit length (r,)."""
    normal = np.asarray(one, np.float64) - other
    squared = normal @ normal
    if squared < 1e-12:  # the same but for rounding, in whose direction nothing is to be reflected
        return np.asarray(vectors, np.float64)
    return vectors - np.outer(vectors @ normal, 2 / squared * normal)
