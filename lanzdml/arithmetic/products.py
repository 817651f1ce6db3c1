"""Matrix products by the faster of the two libraries that torch brings along.

Imported where torch is: importing it takes seconds, which a job that only transforms does not pay.
"""

import platform
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Linear = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # of inputs, weight and bias

CPUINFO = Path("/proc/cpuinfo")  # of Linux
_SIGNATURE = (
    "mkldnn::_linear_pointwise(Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, "
    "str? algorithm) -> Tensor Y"
)


def onednn_linear() -> Linear | None:
    """oneDNN's linear layer (inputs, weight, bias), or None where torch does not have it so.

    It is the operator that torch.compile makes of a linear layer. No public function multiplies
    float32 with oneDNN but those for tensors converted by ``to_mkldnn``, and converting costs a
    product of some dozen rows as much as oneDNN saves. So it is taken as it is known, or not at
    all. Builds without MKL (ARM's) have another ``torch.mm``, to which nothing here applies.
    """
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        return None
    operator = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if operator is None or str(operator.default._schema) != _SIGNATURE:
        return None
    return lambda inputs, weight, bias: operator(inputs, weight, bias, "none", [], "")


def processor_vendor() -> str:
    """As processors call themselves, "AuthenticAMD" or "GenuineIntel"; empty where none does."""
    if CPUINFO.exists():
        line = re.search(r"^vendor_id\s*:\s*(\S+)", CPUINFO.read_text(encoding="utf-8"), re.M)
        return line[1] if line else ""
    _, comma, vendor = platform.processor().rpartition(", ")  # of Windows
    return vendor if comma else ""


def onednn_is_faster(vendor: str, vector_instructions: str) -> bool:
    """Whether oneDNN takes large products off MKL, by what is known of a processor.

    MKL leaves AVX-512 alone on processors that are not Intel's; oneDNN goes by what the processor
    has, and is up to twice as fast on AMD's Zen 5 (``benchmarks/products.py``). On Intel's MKL was
    the faster one in all sizes of the fits, and of others nothing is known: both keep torch's
    choice.

    Args:
        vendor: see :func:`processor_vendor`.
        vector_instructions: as ``torch.backends.cpu.get_cpu_capability`` names them.
    """
    return vendor == "AuthenticAMD" and vector_instructions.startswith("AVX512")


_ONEDNN = (
    onednn_linear()
    if onednn_is_faster(processor_vendor(), torch.backends.cpu.get_cpu_capability())
    else None
)


def product(a: Tensor, b: Tensor, *, bias: Tensor | None = None) -> Tensor:
    """The product of two matrices as of ``torch.mm``, on the CPU and without automatic gradients.

    A bias is added to each row.

    Where :func:`onednn_is_faster`, oneDNN multiplies what is large: it takes longer to start, so
    that small products stay with MKL. Processor and size alone decide: a timing would make rounding
    a matter of chance. A side counts as 16 at least, as both libraries compute narrow matrices so.

    oneDNN first copies ``a`` if it is a transposed view.
    """
    if _ONEDNN is not None and _is_for_onednn(a, b.mT):
        return _ONEDNN(a, b.mT, bias)
    return torch.mm(a, b) if bias is None else torch.addmm(bias, a, b)


def faster_linear(device: str) -> AbstractContextManager[Any]:
    """Inside the block linear layers on the CPU multiply as :func:`product` does, in this thread.

    Those of attention, too. It changes their rounding and nothing else, and nothing on other
    devices. Not for training: there are no gradients.
    """
    return _FasterLinear() if device == "cpu" and _ONEDNN is not None else nullcontext()


class _FasterLinear(TorchFunctionMode):
    # While it is on, attention leaves torch's fast path, which calls MKL from within.
    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return _OURS.get(function, function)(*args, **(kwargs or {}))


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if _ONEDNN is not None and _is_for_onednn(inputs, weight):
        return _ONEDNN(inputs, weight, bias)
    return functional.linear(inputs, weight, bias)


def _is_for_onednn(inputs: Tensor, weight: Tensor) -> bool:
    """Whether inputs (..., k) times weight (m, k) transposed is a product for oneDNN."""
    m, k = weight.shape
    n = inputs.numel() // k
    large = max(n, 16) * max(k, 16) * max(m, 16) > 1_200_000
    return large and inputs.dtype == torch.float32 and inputs.is_cpu


def _with_our_linear() -> dict[str, Any]:
    """What ``torch.nn.functional`` holds, in a copy whose functions find our linear layer there.

    Attention is such a function: it takes its weights and calls no layer.
    """
    names = vars(functional) | {"linear": _linear}
    for name, function in vars(functional).items():
        if isinstance(function, FunctionType) and "linear" in function.__code__.co_names:
            names[name] = FunctionType(
                function.__code__, names, name, function.__defaults__, function.__closure__
            )
            names[name].__kwdefaults__ = function.__kwdefaults__
    return names


_OURS = {
    getattr(functional, name): ours
    for name, ours in _with_our_linear().items()
    if ours is not getattr(functional, name) and callable(ours)
}
