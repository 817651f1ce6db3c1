"""The loss of the autoencoders."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from lanzdml.methods.optimise import Objective


def squared_error(unit_text: NDArray, slopes: Sequence[float]) -> "Objective":
    """Summed squared error of texts (n, r) that pass through layers (section 4.2, L_LAE).

    The parameters are weight (out, in) and bias (out,) of one layer after the other. The sum goes
    over texts and components. Gradients are written out for speed, see ``indirect.mean_angle``.

    Args:
        unit_text: the texts, of unit length.
        slopes: a layer's leaky ReLU has this slope below zero; 1 is a linear layer.
    """
    import torch

    from lanzdml.methods.products import product

    text = torch.tensor(unit_text)

    def objective(parameters: "list[Tensor]", gradients: "list[Tensor]") -> "Tensor":
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
        for layer in reversed(range(len(slopes))):
            if slopes[layer] != 1:
                # The sign of an output is that of the sum before it.
                upstream = torch.where(inputs[layer + 1] > 0, upstream, slopes[layer] * upstream)
            product(upstream.mT, inputs[layer], out=gradients[2 * layer])
            torch.sum(upstream, 0, out=gradients[2 * layer + 1])
            if layer:
                upstream = product(upstream, weights[layer])
        return loss

    return objective
