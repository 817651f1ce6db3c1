"""Embed images and prompts with a CLIP."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lanzdml.arithmetic.products import faster_linear
from lanzdml.arithmetic.threads import full_float32
from lanzdml.datasets.images import Images
from lanzdml.embeddings.clip import Clip, Tokenizer
from lanzdml.embeddings.loader import batches
from lanzdml.errors import LanzdmlError


def embed_images(
    clip: Clip,
    manifest: pd.DataFrame,
    root: Path,
    *,
    linked: Sequence[str] = (),
    batch_size: int = 256,
    workers: int = 0,
) -> np.ndarray:
    """Embed every image of a manifest, with a progress bar on stderr.

    After an image that cannot be read the others are only decoded, to say all that cannot.

    Args:
        clip: the model.
        manifest: see :mod:`lanzdml.datasets.manifest`.
        root: the folder that paths are relative to.
        linked: folders elsewhere that links in it may lead to.
        batch_size: images a batch; halved as often as a GPU has too little memory.
        workers: processes that decode and preprocess; 0 does it here.

    Returns:
        (n, r) float32, raw outputs in the manifest's order.

    Raises:
        LanzdmlError: images cannot be read, or a GPU has too little memory for one image.
    """
    from tqdm import tqdm

    images = Images(manifest, root, linked)
    embeddings: list[np.ndarray] = []
    unreadable: list[str] = []
    fitting = _FittingBatches(clip, batch_size)
    progress = tqdm(total=len(images), unit="image", mininterval=1)
    with progress, torch.inference_mode(), full_float32(), faster_linear(clip.device):
        for batch in batches(images, clip, batch_size=batch_size, workers=workers):
            if isinstance(batch, list):
                unreadable += map(str, batch)
                print(*map(str, batch), sep="\n")
            elif not unreadable:
                embeddings += fitting.embed(batch)
            progress.update(min(batch_size, len(images) - progress.n))
    if unreadable:
        raise LanzdmlError(
            f"{len(unreadable):,} of {len(images):,} images cannot be read, the first: "
            f"{unreadable[0]}; mend what is listed, or say on_unreadable: skip for the dataset"
        )
    return np.concatenate(embeddings)


class _FittingBatches:
    """Embeds batches in parts that a GPU has memory for."""

    def __init__(self, clip: Clip, size: int) -> None:
        self._clip, self._size = clip, size

    def embed(self, pixels: Tensor) -> list[np.ndarray]:
        try:
            return [self._embed(part) for part in pixels.split(self._size)]
        except torch.OutOfMemoryError as error:
            if self._size == 1:
                raise LanzdmlError(
                    "the GPU has too little memory for one image; embed with device: cpu, or when "
                    "nothing else is on the GPU"
                ) from error
        # Out of the except block: the error holds on to what was on the GPU.
        self._size = max(1, min(self._size, len(pixels)) // 2)
        print(f"out of memory on the GPU: from here on {self._size} images at a time")
        torch.cuda.empty_cache()
        return self.embed(pixels)

    def _embed(self, pixels: Tensor) -> np.ndarray:
        pixels = pixels.to(self._clip.device, non_blocking=True)
        return self._clip.model.encode_image(pixels, normalize=False).float().cpu().numpy()


def embed_prompts(clip: Clip, prompts: list[str], *, batch_size: int = 256) -> np.ndarray:
    """Embed prompts: (n, r) float32, raw outputs in their order.

    Raises:
        LanzdmlError: a prompt is longer than what the model reads, or one to it with another.
    """
    _check_lengths(clip.tokenizer, prompts)
    _check_distinct(prompts, tokens_of(clip, prompts))
    embeddings = []
    with torch.inference_mode(), full_float32(), faster_linear(clip.device):
        for start in range(0, len(prompts), batch_size):
            tokens = clip.tokenizer(prompts[start : start + batch_size]).to(clip.device)
            embeddings.append(clip.model.encode_text(tokens, normalize=False).float().cpu().numpy())
    return np.concatenate(embeddings)


def tokens_of(clip: Clip, prompts: list[str]) -> list[tuple[int, ...]]:
    """What the model reads of each prompt."""
    return [tuple(tokens) for tokens in clip.tokenizer(prompts).tolist()]


def _check_distinct(prompts: list[str], tokens: Sequence[tuple[int, ...]]) -> None:
    """Check that the model can tell prompts apart: most tokenizers do not see upper case.

    Methods would count one prompt several times, or learn from no difference at all.
    """
    first: dict[tuple[int, ...], str] = {}
    for prompt, read in zip(prompts, tokens, strict=True):
        if (other := first.setdefault(read, prompt)) is not prompt:
            raise LanzdmlError(
                f"prompts {other!r} and {prompt!r} are one to the model, which reads the same "
                "tokens: delete one, or write labels in one way where they make the prompts"
            )


def _check_lengths(tokenizer: Tokenizer, prompts: list[str]) -> None:
    """Check that no prompt is cut; tokenizers do that without a word.

    Raises:
        LanzdmlError: one is.
    """
    read = tokenizer(prompts)
    length = read.shape[1]
    # With room for one token more, what was not cut begins with the same tokens. Those of CLIPS end
    # all texts with a token behind the padding.
    same = length - (getattr(tokenizer, "tokenizer_mode", "") == "clips")
    longer = tokenizer(prompts, context_length=length + 1)
    is_cut = (longer[:, :same] != read[:, :same]).any(dim=1)
    for prompt, cut in zip(prompts, is_cut, strict=True):
        if cut:
            start = textwrap.shorten(prompt, 60, placeholder=" ...")
            raise LanzdmlError(
                f"prompt {start!r} has more than the {length} tokens that the model reads: shorten "
                "it"
            )
