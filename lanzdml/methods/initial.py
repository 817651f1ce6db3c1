"""Initial values of what is trained.

They come from NumPy's generator: the same on every platform, and to be had without torch.
"""

import numpy as np
from numpy.typing import NDArray


def gaussian(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Values from N(0, 0.1), 0.1 being the standard deviation (section 4, first paragraph)."""
    return rng.normal(0, 0.1, shape).astype(np.float32)


def linear_layer(
    rng: np.random.Generator, n_in: int, n_out: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight (n_out, n_in) and bias (n_out,), uniform within 1 / sqrt(n_in), as in ``nn.Linear``.

    The paper says nothing of it: its code uses the framework's default.
    """
    bound = 1 / np.sqrt(n_in)
    weight = rng.uniform(-bound, bound, (n_out, n_in)).astype(np.float32)
    return weight, rng.uniform(-bound, bound, n_out).astype(np.float32)
