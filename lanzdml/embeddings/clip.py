"""CLIP models through open_clip: load one, say exactly which one it is, embed with it."""

import hashlib
import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lanzdml.arithmetic.threads import full_float32
from lanzdml.datasets.images import Images
from lanzdml.embeddings.models import (
    CONFIG_FILE,
    FOLDER_PREFIX,
    HUB_PREFIX,
    WEIGHTS_FILE,
    Kind,
    check_pretrained,
    is_path,
    parse_architecture,
    read_architecture,
)
from lanzdml.embeddings.storage import LOGIT_SCALE, WEIGHTS
from lanzdml.errors import LanzdmlError, suggest

if TYPE_CHECKING:
    import torch

TOKEN_TABLE = "token_embedding.weight"
TOKEN_ROWS = "token_embedding.rows"
VOCAB_SIZE = 49_408  # what open_clip takes where a text config does not say
MESSAGE_LENGTH = 400  # of another package, which may name every tensor that does not fit
FETCH = ". Run once where the hub can be reached (its cache keeps what was fetched), or "
FETCH_TAG = f"{FETCH}give the path of a safetensors checkpoint as pretrained"
FETCH_HUB = f"{FETCH}fetch the repository elsewhere and name its folder, {FOLDER_PREFIX}<folder>"


@dataclass(frozen=True)
class Clip:
    """A frozen CLIP: its modules, and a description that goes into the embeddings' metadata."""

    model: "torch.nn.Module"
    preprocess: Any
    tokenizer: Any
    device: str
    description: dict[str, str]


def expand_token_table(state: dict, vocab_size: int) -> dict:
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


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def choose_device(device: str) -> str:
    """``auto`` is CUDA where there is one, else the CPU.

    Raises:
        LanzdmlError: CUDA is asked for and not there.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise LanzdmlError(f"device: {device} is asked for, but torch sees no CUDA device")
    return device


def load_clip(architecture: str, pretrained: str | None = None, device: str = "auto") -> Clip:
    """Load a CLIP for inference.

    Args:
        architecture: a name of open_clip; the path of an open_clip model config (JSON); or a model
            with its weights, ``hf-hub:<org>/<repo>`` or ``local-dir:<folder>``.
        pretrained: for a name, one of open_clip's tags; for a name or a model config, the path of a
            safetensors checkpoint; for a model with its weights, None.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        LanzdmlError: no such architecture or weights, the two do not fit, they cannot be fetched,
            or a package that the model needs is not installed.
    """
    check_pretrained(architecture, pretrained)
    kind, target = parse_architecture(architecture)
    folder, origin = None, {}
    if kind is Kind.FOLDER:
        folder = Path(target)
    elif kind is Kind.HUB:
        folder = _fetch(target)
        origin = {"revision": folder.name}
    # What a repository holds is loaded from the cache as any folder, so that both are one model.
    source = f"{FOLDER_PREFIX}{folder}" if folder else architecture
    config = read_architecture(source)
    device = choose_device(device)

    import open_clip

    name = architecture
    if kind is Kind.FILE:
        name = Path(architecture).stem
        open_clip.add_model_config(Path(architecture))
    tagged = folder is None and not is_path(pretrained)
    if tagged:
        _check_tag(name, pretrained, config)
    # Before the weights, which can take long to fetch: it may need a package that is not there.
    with _one_line(f"{name}: its tokenizer cannot be had"):
        tokenizer = open_clip.get_tokenizer(name)
    if folder:
        with _one_line(f"{name} cannot be loaded"):
            model, _, preprocess = open_clip.create_model_and_transforms(source)
        checksum = sha256(folder / WEIGHTS_FILE)
    elif tagged:
        with _one_line(f"{name}: the weights {pretrained!r} cannot be had", FETCH_TAG):
            model, _, preprocess = open_clip.create_model_and_transforms(
                name, pretrained=pretrained
            )
        checksum = _state_checksum(model)
    else:
        model, preprocess = _untrained(name)
        _load_checkpoint(model, Path(pretrained), config["text_cfg"].get("vocab_size", VOCAB_SIZE))
        checksum = sha256(Path(pretrained))
    model.to(device).eval().requires_grad_(False)
    description = {
        "architecture": name,
        "pretrained": pretrained or "",
        **origin,
        WEIGHTS: checksum,
        "embed_dim": str(config["embed_dim"]),
        # A logit_bias, as SigLIP has one, is not: it shifts all logits and no softmax sees it.
        LOGIT_SCALE: str(float(model.logit_scale.exp())),
        "preprocessing": " ".join(str(preprocess).split()),
        "device": device,
        **{name: version(name) for name in ("torch", "torchvision", "open_clip_torch", "pillow")},
    }
    return Clip(model, preprocess, tokenizer, device, description)


@contextmanager
def _one_line(what: str, advice: str = "") -> Iterator[None]:
    """Say in one line what failed and why.

    open_clip and the packages below it raise all kinds of errors for models that they cannot fetch
    or build.
    """
    try:
        yield
    except Exception as error:
        reason = textwrap.shorten(str(error) or type(error).__name__, MESSAGE_LENGTH).rstrip(".")
        # A package that is missing, or of another version, is no matter of where one can fetch.
        advice = _to_install(error) if isinstance(error, ImportError) else advice
        raise LanzdmlError(f"{what}: {reason}{advice}") from error


def _to_install(error: ImportError) -> str:
    package = (error.name or "").partition(".")[0]
    if not package:  # the message is all that is known
        return ""
    is_missing = isinstance(error, ModuleNotFoundError) and error.name == package
    return f": pip install {'' if is_missing else '-U '}{package}"


def _fetch(repository: str) -> Path:
    """The folder of the hub's cache with a repository's config and weights, of one commit."""
    name, revision = HUB_PREFIX + repository, None
    with _one_line(f"{name} cannot be had"):
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import RemoteEntryNotFoundError
    for file in (CONFIG_FILE, WEIGHTS_FILE):
        with _one_line(f"{name}: {file} cannot be had", FETCH_HUB):
            try:
                path = Path(hf_hub_download(repository, file, revision=revision))
            except RemoteEntryNotFoundError:
                path = None
        if path is None:
            raise LanzdmlError(
                f"{name} holds no {file}: only models in open_clip's format with safetensors are "
                "loaded"
            )
        revision = path.parent.name
    return path.parent


def _untrained(name: str) -> "tuple[torch.nn.Module, Any]":
    """A model and its preprocessing, without weights."""
    import open_clip

    # open_clip warns that the model is random; its weights come right after.
    with _no_warnings(), _one_line(f"{name} cannot be built"):
        model, _, preprocess = open_clip.create_model_and_transforms(
            name, pretrained=None, load_weights=False, pretrained_text=False
        )
    return model, preprocess


@contextmanager
def _no_warnings() -> Iterator[None]:
    """The root logger, through which open_clip speaks, takes no warning from this thread."""
    here, root = get_ident(), logging.getLogger()

    def is_taken(record: logging.LogRecord) -> bool:
        return record.thread != here or record.levelno > logging.WARNING

    root.addFilter(is_taken)
    try:
        yield
    finally:
        root.removeFilter(is_taken)


def _load_checkpoint(model: "torch.nn.Module", path: Path, vocab_size: int) -> None:
    from safetensors.torch import load_file

    with _one_line(f"checkpoint {path} cannot be read"):
        state = load_file(path)
    with _one_line(f"checkpoint {path} does not fit its architecture"):
        model.load_state_dict(expand_token_table(state, vocab_size))


def _check_tag(name: str, tag: str, config: dict[str, Any]) -> None:
    """Check that open_clip has the weights, and that they were trained with this activation.

    Weights trained with QuickGELU give wrong embeddings with another activation, and the other way
    round; open_clip only warns.
    """
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if tag not in tags:
        raise LanzdmlError(f"{name} has no weights {tag!r}; {suggest(tag, tags)}")
    weights = open_clip.get_pretrained_cfg(name, tag)
    trained = bool(weights.get("quick_gelu", False))
    built = bool(config.get("quick_gelu", False))
    if trained == built:
        return
    other = name.removesuffix("-quickgelu") if built else f"{name}-quickgelu"
    if other == name:
        # Only the model's own config can say which of the two is right.
        other = HUB_PREFIX + weights["hf_hub"].rpartition("/")[0]
    raise LanzdmlError(
        f"{name} and the weights {tag!r} differ in QuickGELU: the architecture for these weights "
        f"is {other}"
    )


def _state_checksum(model: "torch.nn.Module") -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()


class _Inputs:
    """A torch dataset: images as a model takes them."""

    def __init__(self, images: Images, preprocess) -> None:
        self._images, self._preprocess = images, preprocess

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int):
        try:
            return self._preprocess(self._images[index])
        except LanzdmlError as error:
            # Returned, not raised: torch would wrap the traceback of a worker around it.
            return error


def _collate(items: list):
    """A batch, or the errors of the images that cannot be read."""
    from torch.utils.data import default_collate

    errors = [item for item in items if isinstance(item, LanzdmlError)]
    return errors or default_collate(items)


def embed_images(
    clip: Clip, manifest: pd.DataFrame, root: Path, *, batch_size: int = 256, workers: int = 0
) -> np.ndarray:
    """Embed every image of a manifest, with a progress bar on stderr.

    After an image that cannot be read the others are only decoded, to say all that cannot.

    Args:
        clip: the model.
        manifest: see :mod:`lanzdml.datasets.manifest`.
        root: the folder that paths are relative to.
        batch_size: images a batch; halved as often as a GPU has too little memory.
        workers: processes that decode and preprocess; 0 does it here.

    Returns:
        (n, r) float32, raw outputs in the manifest's order.

    Raises:
        LanzdmlError: images cannot be read, or a GPU has too little memory for one image.
    """
    import torch
    from torch.utils.data import DataLoader
    from tqdm import tqdm

    from lanzdml.arithmetic.products import faster_linear

    images = _Inputs(Images(manifest, root), clip.preprocess)
    batches = DataLoader(
        images,
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=clip.device.startswith("cuda"),
    )
    embeddings, unreadable, fitting = [], [], _FittingBatches(clip, batch_size)
    progress = tqdm(total=len(images), unit="image", mininterval=1)
    with progress, torch.inference_mode(), full_float32(), faster_linear(clip.device):
        for batch in batches:
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

    def embed(self, pixels: "torch.Tensor") -> list[np.ndarray]:
        import torch

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

    def _embed(self, pixels: "torch.Tensor") -> np.ndarray:
        pixels = pixels.to(self._clip.device, non_blocking=True)
        return self._clip.model.encode_image(pixels, normalize=False).float().cpu().numpy()


def embed_prompts(clip: Clip, prompts: list[str], *, batch_size: int = 256) -> np.ndarray:
    """Embed prompts: (n, r) float32, raw outputs in their order.

    Raises:
        LanzdmlError: a prompt is longer than what the model reads.
    """
    import torch

    from lanzdml.arithmetic.products import faster_linear

    _check_lengths(clip.tokenizer, prompts)
    embeddings = []
    with torch.inference_mode(), full_float32(), faster_linear(clip.device):
        for start in range(0, len(prompts), batch_size):
            tokens = clip.tokenizer(prompts[start : start + batch_size]).to(clip.device)
            embeddings.append(clip.model.encode_text(tokens, normalize=False).float().cpu().numpy())
    return np.concatenate(embeddings)


def _check_lengths(tokenizer, prompts: list[str]) -> None:
    """Check that no prompt is cut; tokenizers do that without a word.

    Raises:
        LanzdmlError: one is.
    """
    read = tokenizer(prompts)
    length = read.shape[1]
    # With room for one token more, what was not cut begins with the same tokens.
    longer = tokenizer(prompts, context_length=length + 1)
    for prompt, cut in zip(prompts, (longer[:, :length] != read).any(dim=1), strict=True):
        if cut:
            start = textwrap.shorten(prompt, 60, placeholder=" ...")
            raise LanzdmlError(
                f"prompt {start!r} has more than the {length} tokens that the model reads: shorten "
                "it"
            )
