"""Files of arrays with metadata, as safetensors."""

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.files import replacing


def save_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write arrays and metadata: the same bytes for the same content.

    Args:
        path: the file, which is complete or absent.
        tensors: by name.
        metadata: texts.
    """
    from safetensors.numpy import save

    # safetensors stores memory as it lies.
    content = save({name: np.ascontiguousarray(of) for name, of in tensors.items()}, {**metadata})
    with replacing(path) as temporary:
        temporary.write_bytes(_ordered(content))


def _ordered(content: bytes) -> bytes:
    """A file with its metadata in order, which safetensors writes in any, another each time.

    It begins with the length of its header in eight bytes; the header is JSON, and blanks up to
    where eight bytes begin (https://github.com/huggingface/safetensors#format).
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]
