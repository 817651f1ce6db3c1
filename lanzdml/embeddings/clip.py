"""A frozen CLIP, as what loads one gives it to what embeds with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class ClipModel(Protocol):
    """What is used of open_clip's models, which are modules of torch and declare no types."""

    logit_scale: "Tensor"

    def encode_image(self, image: "Tensor", normalize: bool = False) -> "Tensor":
        """Embeddings (n, r) of preprocessed images (n, 3, height, width)."""

    def encode_text(self, text: "Tensor", normalize: bool = False) -> "Tensor":
        """Embeddings (n, r) of tokens (n, length)."""

    def to(self, device: str) -> Self:
        """On another device."""

    def eval(self) -> Self:
        """As it is used, not as it is trained."""

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """With or without gradients of its weights."""


class Tokenizer(Protocol):
    """What is used of open_clip's tokenizers."""

    def __call__(self, texts: list[str], context_length: int | None = None) -> "Tensor":
        """Tokens (n, length) of texts, which are cut where they are longer."""


@dataclass(frozen=True)
class Clip:
    """A frozen CLIP: its modules, and a description that goes into the embeddings' metadata."""

    model: ClipModel
    preprocess: "Callable[[Image], Tensor]"
    tokenizer: Tokenizer
    device: str
    description: dict[str, str]
