"""Matrix products of the fits, by the faster of the two libraries that torch brings along.

Imported where torch is: importing it takes seconds, which a job that only transforms does not pay.
"""

import torch
from torch import Tensor

# oneDNN's product of a matrix with another's transpose: the operator that torch.compile makes of a
# linear layer. No public function multiplies float32 with oneDNN but those for tensors converted by
# `to_mkldnn`, and converting costs a product of some dozen rows as much as oneDNN saves. Builds
# without MKL (ARM's) have another torch.mm, to which nothing here applies.
_ONEDNN = (
    getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    else None
)


def product(a: Tensor, b: Tensor, *, bias: Tensor | None = None) -> Tensor:
    """The product of two matrices as of ``torch.mm``, on the CPU and without automatic gradients.

    A bias is added to each row.

    ``torch.mm`` calls MKL, which leaves AVX-512 alone on processors that are not Intel's; oneDNN
    goes by what the processor has, and is twice as fast on AMD's Zen 5. It takes longer to start,
    so that small products stay with MKL. Their size alone decides: a timing would make rounding a
    matter of chance. A side counts as 16 at least, as both libraries compute narrow matrices so.

    oneDNN first copies ``a`` if it is a transposed view.
    """
    (n, k), m = a.shape, b.shape[1]
    small = max(n, 16) * max(k, 16) * max(m, 16) <= 1_200_000
    if small or _ONEDNN is None or a.dtype != torch.float32:
        return torch.mm(a, b) if bias is None else torch.addmm(bias, a, b)
    return _ONEDNN(a, b.mT, bias, "none", [], "")
