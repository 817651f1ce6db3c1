"""Matrix products by the faster of the two libraries that torch brings along.

Imported where torch is: importing it takes seconds, which a job that only transforms does not pay.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

# oneDNN's linear layer: the operator that torch.compile makes of one. No public function multiplies
# float32 with oneDNN but those for tensors converted by `to_mkldnn`, and converting costs a product
# of some dozen rows as much as oneDNN saves. Builds without MKL (ARM's) have another torch.mm, to
# which nothing here applies.
_ONEDNN = (
    getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    else None
)
_TORCH_LINEAR = functional.linear


def product(a: Tensor, b: Tensor, *, bias: Tensor | None = None) -> Tensor:
    """The product of two matrices as of ``torch.mm``, on the CPU and without automatic gradients.

    A bias is added to each row.

    ``torch.mm`` calls MKL, which leaves AVX-512 alone on processors that are not Intel's; oneDNN
    goes by what the processor has, and is twice as fast on AMD's Zen 5. It takes longer to start,
    so that small products stay with MKL. Their size alone decides: a timing would make rounding a
    matter of chance. A side counts as 16 at least, as both libraries compute narrow matrices so.

    oneDNN first copies ``a`` if it is a transposed view.
    """
    if _goes_to_onednn(a, b.mT):
        return _ONEDNN(a, b.mT, bias, "none", [], "")
    return torch.mm(a, b) if bias is None else torch.addmm(bias, a, b)


@contextmanager
def faster_linear(device: str) -> Iterator[None]:
    """Inside the block linear layers on the CPU multiply as :func:`product` does.

    It changes their rounding and nothing else, and nothing on other devices. Not for training:
    there are no gradients.
    """
    if device != "cpu" or _ONEDNN is None:
        yield
        return
    attention = torch.backends.mha.get_fastpath_enabled()
    # Attention's own fast path calls MKL from within.
    torch.backends.mha.set_fastpath_enabled(False)
    functional.linear = _linear
    try:
        yield
    finally:
        functional.linear = _TORCH_LINEAR
        torch.backends.mha.set_fastpath_enabled(attention)


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if _goes_to_onednn(inputs, weight):
        return _ONEDNN(inputs, weight, bias, "none", [], "")
    return _TORCH_LINEAR(inputs, weight, bias)


def _goes_to_onednn(inputs: Tensor, weight: Tensor) -> bool:
    """Whether inputs (..., k) times weight (m, k) transposed is a product for oneDNN."""
    m, k = weight.shape
    n = inputs.numel() // k
    large = max(n, 16) * max(k, 16) * max(m, 16) > 1_200_000
    return large and _ONEDNN is not None and inputs.dtype == torch.float32 and inputs.is_cpu
