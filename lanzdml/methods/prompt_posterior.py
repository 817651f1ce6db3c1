"""The probabilities of the prompts as the embedding."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import EmbeddingError, Floats, Method, normalise


class PromptPosterior(Method):
    """How probable CLIP finds each prompt for an image: its zero-shot classifier's output.

    The softmax over the prompts of their cosines with the image, times the model's own logit scale.
    It is strong where the prompts are the classes that are to be told apart, which it then knows;
    results say how many of the prompts are classes. Not in the paper.

    Args:
        logit_scale: the model's, its inverse temperature; OpenAI's CLIPs have 100.
        random_state: without effect.

    Attributes:
        prompts_: (n, r), of unit length.
    """

    name = "prompt_posterior"
    has_dim = False
    deterministic = True
    uses_logit_scale = True
    learned = ("prompts_",)

    def __init__(self, logit_scale: float = 100.0, *, random_state: int = 0) -> None:
        self.logit_scale = logit_scale
        self.random_state = random_state

    def _fit(self, unit: NDArray[np.float32]) -> None:
        self.prompts_ = unit

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return posterior(normalise(images), self.prompts_, self.logit_scale)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_logit_scale(self.logit_scale)


def posterior(
    images: NDArray[np.float32], prompts: NDArray[np.float32], logit_scale: float
) -> NDArray[np.float64]:
    """The probabilities (m, n) of prompts (n, r) for images (m, r), all of unit length."""
    odds = (images @ prompts.T).astype(np.float64)
    # The largest becomes 0 before it is scaled: none overflows, however large the scale.
    odds -= odds.max(axis=1, keepdims=True)
    odds *= logit_scale
    np.exp(odds, out=odds)
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def check_logit_scale(value: float) -> None:
    """Raises EmbeddingError unless the value is positive."""
    if not 0 < value < np.inf:
        raise EmbeddingError(f"logit_scale must be positive, not {value!r}")
