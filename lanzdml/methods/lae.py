"""The linear autoencoder."""

import numpy as np
from numpy.typing import NDArray

from lanzdml.methods.base import Floats
from lanzdml.methods.initial import linear_layer
from lanzdml.methods.optimise import Optimised
from lanzdml.methods.reconstruction import squared_error


class LinearAutoencoder(Optimised):
    """Two linear layers that reconstruct the texts (section 4.2, "Linear Autoencoder (LAE)").

    Images pass through the first: v' = W1 v + b1.

    Attributes:
        W1_: (dim, r).
        b1_: (dim,).
    """

    name = "lae"
    learned = ("W1_", "b1_")

    def _fit(self, unit: NDArray[np.float32]) -> None:
        rng = np.random.default_rng(self.random_state)
        r = unit.shape[1]
        start = [*linear_layer(rng, r, self.dim_), *linear_layer(rng, self.dim_, r)]
        self.W1_, self.b1_, *_ = self._minimise(squared_error(unit, slopes=(1, 1)), start)

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        return images @ self.W1_.T + self.b1_
