"""The probabilities of the prompts, compared in Hellinger's geometry."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats
from lanzdml.methods.prompt_posterior import PromptPosterior


class SqrtPosterior(PromptPosterior):
    """The square roots of ``prompt_posterior``'s probabilities.

    The cosine of two such vectors, which have length one, is their Bhattacharyya coefficient: near
    are images whose distributions over the prompts are near by Hellinger's distance. Not in the
    paper.
    """

    name = "sqrt_posterior"

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return np.sqrt(super()._transform(images))
