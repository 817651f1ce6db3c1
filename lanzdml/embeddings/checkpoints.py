"""Checkpoints: their weights, compact token tables put back, and the checksums that name them."""

import hashlib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lanzdml.embeddings.other_packages import one_line
from lanzdml.signatures import ENOUGH, mistaken

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TOKEN_TABLE = "token_embedding.weight"
TOKEN_ROWS = "token_embedding.rows"

PICKLE = (
    "a pickle of torch, which can run code: where you trust it, load it with torch and save its "
    "state_dict with safetensors.torch.save_file"
)
ONNX = "an ONNX model, which is not read: take the weights that it was made of, as safetensors"
_PICKLES = re.compile(rb"PK\x03\x04|\x80[\x02-\x05]")  # in a zip since torch 1.6
# The first field is the format's version; what follows is the producer, its version or the graph.
_ONNX = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x3a]")


def expand_token_table(state: "dict[str, Tensor]", vocab_size: int) -> "dict[str, Tensor]":
    """Put a compact token table back to its full size.

    The demo checkpoints hold only the rows of the token table that their training captions used
    (``token_embedding.weight``, (k, width)) and those rows' token ids (``token_embedding.rows``,
    (k,)). All other tokens get zero vectors: the model has never seen them.

    Args:
        state: a state dict; returned as it is if its token table is not compact.
        vocab_size: rows of the full table.
    """
    if TOKEN_ROWS not in state:
        return state
    state = dict(state)
    rows = state.pop(TOKEN_ROWS).long()
    compact = state[TOKEN_TABLE]
    state[TOKEN_TABLE] = compact.new_zeros(vocab_size, compact.shape[1])
    state[TOKEN_TABLE][rows] = compact
    return state


def taken_for_weights(path: Path) -> str | None:
    """What a file is that is no safetensors, and what to do: words after "it is".

    Returns:
        None for safetensors, and where nothing is known of it.
    """
    with open(path, "rb") as file:
        start = file.read(ENOUGH)
    if start[8:9] == b"{":  # behind the length of the header
        return None
    if _PICKLES.match(start):
        return PICKLE
    return ONNX if _ONNX.match(start) else mistaken(start)


def stored_sizes(path: Path) -> dict[str, int]:
    """How many numbers the tensors of a safetensors file have, by name, from its header.

    Raises:
        LanzdmlError: the file cannot be read.
    """
    from safetensors import safe_open

    with one_line(f"checkpoint {path} cannot be read"), safe_open(path, "pt") as file:
        names = file.keys()
        return {name: math.prod(file.get_slice(name).get_shape()) for name in names}


def load_checkpoint(model: "torch.nn.Module", path: Path) -> None:
    """Put a checkpoint's weights into a model.

    Args:
        model: built, with any weights.
        path: a safetensors file.

    Raises:
        LanzdmlError: the file cannot be read or does not fit the model.
    """
    from safetensors.torch import load_file

    with one_line(f"checkpoint {path} cannot be read"):
        state = load_file(path)
    with one_line(f"checkpoint {path} does not fit its architecture"):
        if TOKEN_ROWS in state:
            table = model.get_parameter(TOKEN_TABLE)
            if state[TOKEN_TABLE].shape[1:] != table.shape[1:]:  # a wider one may fill the memory
                raise ValueError(f"size mismatch for {TOKEN_TABLE}")
            state = expand_token_table(state, len(table))
        model.load_state_dict(state)


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_checksum(model: "torch.nn.Module") -> str:
    """Hex digest of a model's weights, where there is no file of our own that holds them."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()
