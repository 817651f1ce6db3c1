"""The loss of the autoencoders."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from lanzdml.methods.optimise import Objective


def squared_error(unit_text: NDArray[np.float32], slopes: Sequence[float]) -> "Objective":
    """Summed squared error of texts (n, r) that pass through layers (section 4.2, L_LAE).

    The parameters are weight (out, in) and bias (out,) of one layer after the other. The sum goes
    over texts and components. Gradients are written out for speed, see ``indirect.mean_angle``.

    Args:
        unit_text: the texts, of unit length.
        slopes: a layer's leaky ReLU has this slope below zero; 1 is a linear layer.
    """
    import torch

    from lanzdml.arithmetic.products import product

    leaky_relu_backward = torch.ops.aten.leaky_relu_backward
    text = torch.tensor(unit_text)

    def objective(parameters: "list[Tensor]") -> "tuple[Tensor, list[Tensor]]":
        weights, biases = parameters[::2], parameters[1::2]
        inputs = [text]
        for weight, bias, slope in zip(weights, biases, slopes, strict=True):
            output = product(inputs[-1], weight.mT, bias=bias)
            if slope != 1:
                torch.nn.functional.leaky_relu_(output, slope)
            inputs.append(output)

        error = inputs[-1] - text
        loss = torch.linalg.vecdot(error.ravel(), error.ravel())

        upstream = error.mul_(2)
        gradients: list[Tensor] = []
        for layer in reversed(range(len(slopes))):
            if slopes[layer] != 1:
                # The sign of an output is that of the sum before it.
                upstream = leaky_relu_backward(upstream, inputs[layer + 1], slopes[layer], True)
            gradients = [product(upstream.mT, inputs[layer]), upstream.sum(0), *gradients]
            if layer:
                upstream = product(upstream, weights[layer])
        return loss, gradients

    return objective
