"""The paper's training loops, written down plainly: what a straightforward implementation costs.

Modules, automatic differentiation and ``torch.optim.Adam`` as one would write them from sections 3
and 4 of the paper: every iteration evaluates the loss on all prompts, keeps a copy of the
parameters if it is the best so far, and takes a step; a fit ends after 100 iterations without a
better loss.
They start from the same values as our methods, so both walk the same way, but for rounding.

Each function returns the best loss and the number of iterations, at most ``max_iter``.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from lanzdml.methods.initial import gaussian, linear_layer

PATIENCE = 100
HIDDEN = 512  # of the nonlinear autoencoder


def indirect(texts: np.ndarray, dim: int, seed: int, max_iter: int) -> tuple[float, int]:
    """Equations 1 to 4, for texts (n, r) of unit length."""
    units = torch.from_numpy(texts)
    start = gaussian(np.random.default_rng(seed), units.shape[1], dim)
    U = nn.Parameter(torch.from_numpy(start))

    def loss() -> Tensor:
        reduced = normalize(units @ U)
        restored = normalize(reduced @ U.T)
        cosine = (units * restored).sum(dim=1)
        return torch.arccos(cosine.clamp(-1 + 1e-7, 1 - 1e-7)).mean()

    return _train(loss, [U], max_iter)


def lae(texts: np.ndarray, dim: int, seed: int, max_iter: int) -> tuple[float, int]:
    """Section 4.2, "Linear Autoencoder"."""
    r = texts.shape[1]
    layers = _layers(seed, [r, dim, r])
    return _train_autoencoder(nn.Sequential(*layers), texts, max_iter)


def ae(texts: np.ndarray, dim: int, seed: int, max_iter: int) -> tuple[float, int]:
    """Section 4.2, "Nonlinear Autoencoder"."""
    r = texts.shape[1]
    into, code, back, out = _layers(seed, [r, HIDDEN, dim, HIDDEN, r])
    network = nn.Sequential(into, nn.LeakyReLU(), code, back, nn.LeakyReLU(), out)
    return _train_autoencoder(network, texts, max_iter, weight_decay=1e-2)


def oracle(
    images: np.ndarray, labels: np.ndarray, dim: int, seed: int, max_iter: int
) -> tuple[float, int]:
    """Section 4.2, "Oracle": images (m, r) of unit length with labels 0, 1, ..."""
    rng = np.random.default_rng(seed)
    U = nn.Parameter(torch.from_numpy(gaussian(rng, images.shape[1], dim)))
    prototypes = nn.Parameter(torch.from_numpy(gaussian(rng, labels.max() + 1, dim)))
    units, classes = torch.from_numpy(images), torch.from_numpy(labels)

    def loss() -> Tensor:
        return cross_entropy(normalize(units @ U) @ normalize(prototypes).T, classes)

    return _train(loss, [U, prototypes], max_iter)


FITS: dict[str, Callable[..., tuple[float, int]]] = {
    "indirect": indirect,
    "lae": lae,
    "ae": ae,
    "oracle": oracle,
}
"""By the name of the method."""


def _layers(seed: int, sizes: list[int]) -> list[nn.Linear]:
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(sizes):
        layer = nn.Linear(n_in, n_out)
        weight, bias = linear_layer(rng, n_in, n_out)
        layer.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        layers.append(layer)
    return layers


def _train_autoencoder(
    network: nn.Module, texts: np.ndarray, max_iter: int, weight_decay: float = 0
) -> tuple[float, int]:
    units = torch.from_numpy(texts)

    def loss() -> Tensor:
        return ((network(units) - units) ** 2).sum()

    return _train(loss, list(network.parameters()), max_iter, weight_decay)


def _train(
    loss_of: Callable[[], Tensor],
    parameters: list[nn.Parameter],
    max_iter: int,
    weight_decay: float = 0,
) -> tuple[float, int]:
    optimiser = torch.optim.Adam(parameters, lr=0.01, weight_decay=weight_decay)
    best, kept, since_best = float("inf"), [], 0
    for iteration in range(1, max_iter + 1):  # noqa: B007 (the count is a result)
        optimiser.zero_grad()
        loss = loss_of()
        if loss.item() < best:
            best, since_best = loss.item(), 0
            kept = [parameter.detach().clone() for parameter in parameters]  # noqa: F841
        else:
            since_best += 1
            if since_best == PATIENCE:
                break
        loss.backward()
        optimiser.step()
    return best, iteration
