"""The nonlinear autoencoder."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import EmbeddingError, Floats, check_integer
from lanzdml.methods.dim import Dim
from lanzdml.methods.initial import linear_layer
from lanzdml.methods.optimise import Optimised
from lanzdml.methods.reconstruction import squared_error

NEGATIVE_SLOPE = 0.01


class Autoencoder(Optimised):
    """Encoder and decoder of two layers each (section 4.2, "Nonlinear Autoencoder (AE)").

    The encoder is linear (r to 512), leaky ReLU, linear (512 to dim); the decoder mirrors it. Loss
    and optimisation are those of the linear autoencoder, with weight decay as an L2 penalty. Images
    pass through the encoder.

    Args:
        dim: size of the output, r' in the paper.
        random_state: seed of the initial values.
        hidden: size of the hidden layers.
        learning_rate: of Adam.
        weight_decay: of Adam.
        patience: training stops when the loss has not gone below its best for so many iterations.
        max_iter: training stops after so many iterations at the latest, with a
            ``ConvergenceWarning``. A guard: the paper has no such limit.

    Attributes:
        W1_: (hidden, r).
        b1_: (hidden,).
        W2_: (dim, hidden).
        b2_: (dim,).
    """

    name = "ae"
    cost = 3
    learned = ("W1_", "b1_", "W2_", "b2_")

    def __init__(
        self,
        dim: Dim = 128,
        *,
        random_state: int = 0,
        hidden: int = 512,
        learning_rate: float = 0.01,
        weight_decay: float = 1e-2,
        patience: int = 100,
        max_iter: int = 20_000,
    ) -> None:
        super().__init__(
            dim,
            random_state=random_state,
            learning_rate=learning_rate,
            patience=patience,
            max_iter=max_iter,
        )
        self.hidden = hidden
        self.weight_decay = weight_decay

    def _fit(self, unit: NDArray[np.float32]) -> None:
        rng = np.random.default_rng(self.random_state)
        sizes = [unit.shape[1], self.hidden, self.dim_, self.hidden, unit.shape[1]]
        layers = [linear_layer(rng, n_in, n_out) for n_in, n_out in pairwise(sizes)]
        objective = squared_error(unit, slopes=(NEGATIVE_SLOPE, 1, NEGATIVE_SLOPE, 1))
        self.W1_, self.b1_, self.W2_, self.b2_, *_ = self._minimise(
            objective,
            [array for layer in layers for array in layer],
            weight_decay=self.weight_decay,
        )

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        hidden = images @ self.W1_.T + self.b1_
        return np.where(hidden > 0, hidden, NEGATIVE_SLOPE * hidden) @ self.W2_.T + self.b2_

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_integer("hidden", self.hidden, 1)
        if not self.weight_decay >= 0:
            raise EmbeddingError(f"weight_decay must not be negative, but is {self.weight_decay!r}")
