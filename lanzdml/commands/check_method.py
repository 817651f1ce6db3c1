"""``lanzdml check-method``: whether a method keeps what all methods promise, in words."""

from collections.abc import Callable

from lanzdml.methods import METHODS
from lanzdml.methods.elsewhere import load_class
from lanzdml.transforms.contract import CHECKS
from lanzdml.transforms.contract import check_method as outcomes


def check_method(method: str, say: Callable[[str], object]) -> bool:
    """Whether a method keeps the contract.

    Args:
        method: the name of one of ours, or see :func:`lanzdml.methods.elsewhere.load_class`.
        say: is given a line a promise, as soon as it is checked, and one that sums up.

    Raises:
        LanzdmlError: there is no such method, or its file cannot be imported.
    """
    cls = METHODS[method] if METHODS.is_ours(method) else load_class(method)
    kept = broken = 0
    for outcome in outcomes(cls):
        if outcome.fault:
            broken += 1
            say(f"broken  {outcome.promise.removesuffix('.')}: {outcome.fault}")
        else:
            kept += 1
            say(f"ok      {outcome.promise}")
    words = f"{cls.__name__} keeps {kept} of {len(CHECKS)} promises"
    if left := len(CHECKS) - kept - broken:
        words += f"; {left} were not looked at, as they stand on the last one"
    say(words)
    return not broken
