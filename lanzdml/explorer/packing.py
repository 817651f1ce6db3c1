"""How data lies in the page: arrays of numbers as base64, texts of others cut to what is shown."""

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lanzdml.names import one_line, shortened

MOST_LETTERS = 200  # of a label or an id
_KINDS = {"u1": "Uint8Array", "u2": "Uint16Array", "u4": "Uint32Array", "f4": "Float32Array"}


def packed(values: ArrayLike, kind: str) -> dict[str, str]:
    """An array as a script finds it: the name of its type there, and its bytes in base64.

    Args:
        values: of any shape; rows lie one after the other.
        kind: one of NumPy's types "u1", "u2", "u4" and "f4".
    """
    data = np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()
    return {"type": _KINDS[kind], "data": base64.b64encode(data).decode()}


def packed_numbers(values: ArrayLike, most: int) -> dict[str, str]:
    """Whole numbers from -1 to ``most``, of which -1 is packed as the largest that fits."""
    kind = "u2" if most < 2**16 - 1 else "u4"
    numbers = np.asarray(values, np.int64)
    return packed(np.where(numbers < 0, np.iinfo(kind).max, numbers), kind)


def shown(text: Any) -> str:
    """A label or an id as the page has it: in one line, and so many letters at most."""
    return shortened(one_line(shortened(str(text), 4 * MOST_LETTERS)), MOST_LETTERS)
