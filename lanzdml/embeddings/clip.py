"""A frozen CLIP, as what loads one gives it to what embeds with it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Clip:
    """A frozen CLIP: its modules, and a description that goes into the embeddings' metadata."""

    model: "torch.nn.Module"
    preprocess: Any
    tokenizer: Any
    device: str
    description: dict[str, str]
