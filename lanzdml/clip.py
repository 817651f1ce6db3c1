"""CLIP models through open_clip: load one, say exactly which one it is, embed with it."""

import hashlib
import io
import json
import logging
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lanzdml.errors import LanzdmlError, suggest
from lanzdml.manifest import ID, IMAGE, PATH

if TYPE_CHECKING:
    import torch

TOKEN_TABLE = "token_embedding.weight"
TOKEN_ROWS = "token_embedding.rows"
VOCAB_SIZE = 49_408  # what open_clip takes where a text config does not say


@dataclass(frozen=True)
class Clip:
    """A frozen CLIP: its modules, and a description that goes into the embeddings' metadata."""

    model: "torch.nn.Module"
    preprocess: Any
    tokenizer: Any
    device: str
    description: dict[str, str]


def is_path(reference: str) -> bool:
    """Whether a config value names a file and not one of open_clip's names or tags."""
    return "/" in reference or Path(reference).suffix in {".json", ".safetensors", ".pt", ".bin"}


def read_architecture(architecture: str) -> dict[str, Any]:
    """The open_clip model config of a name or a JSON file, without importing open_clip.

    Raises:
        LanzdmlError: no such file or name, or a file that is no model config.
    """
    if is_path(architecture):
        path = Path(architecture)
    else:
        package = find_spec("open_clip")
        if package is None or package.origin is None:
            raise LanzdmlError("open_clip is not installed: pip install open_clip_torch")
        path = Path(package.origin).parent / "model_configs" / f"{architecture}.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        embed_dim, _, _ = config["embed_dim"], config["vision_cfg"], config["text_cfg"]
    except OSError:
        kind = "readable file" if is_path(architecture) else "open_clip model"
        raise LanzdmlError(f"there is no {kind} {architecture!r}") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise LanzdmlError(
            f"{path} is no open_clip model config (embed_dim, vision_cfg, text_cfg): {error!r}"
        ) from None
    if not isinstance(embed_dim, int) or embed_dim < 1:
        raise LanzdmlError(f"{path}: embed_dim must be a positive integer, not {embed_dim!r}")
    return config


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


def _load_checkpoint(model: "torch.nn.Module", path: Path, vocab_size: int) -> None:
    import safetensors
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise LanzdmlError(f"checkpoint {path} cannot be read: {error}") from None
    try:
        model.load_state_dict(expand_token_table(state, vocab_size))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise LanzdmlError(f"checkpoint {path} does not fit its architecture: {reason}") from None


def load_clip(architecture: str, pretrained: str, device: str = "auto") -> Clip:
    """Load a CLIP for inference.

    Args:
        architecture: a name of open_clip, or the path of an open_clip model config (JSON).
        pretrained: one of open_clip's tags for that name, or the path of a safetensors checkpoint.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        LanzdmlError: no such architecture or checkpoint, or the two do not fit.
    """
    config = read_architecture(architecture)
    device = choose_device(device)

    import open_clip
    import torch

    # float32 as it is written: the default for convolutions on CUDA keeps ten bits of it.
    torch.backends.cudnn.allow_tf32 = False
    name = architecture
    if is_path(architecture):
        name = Path(architecture).stem
        open_clip.add_model_config(Path(architecture))
    if is_path(pretrained):
        checkpoint = Path(pretrained)
        if not checkpoint.is_file():
            raise LanzdmlError(f"there is no checkpoint {pretrained}")
        # open_clip warns that the model is random; its weights come right after.
        logging.disable(logging.WARNING)
        try:
            model, _, preprocess = open_clip.create_model_and_transforms(
                name, pretrained=None, load_weights=False
            )
        finally:
            logging.disable(logging.NOTSET)
        _load_checkpoint(model, checkpoint, config["text_cfg"].get("vocab_size", VOCAB_SIZE))
        checksum = sha256(checkpoint)
    else:
        if pretrained not in open_clip.list_pretrained_tags_by_model(name):
            tags = open_clip.list_pretrained_tags_by_model(name)
            raise LanzdmlError(f"{name} has no weights {pretrained!r}; {suggest(pretrained, tags)}")
        _check_activation(name, pretrained, config)
        try:
            model, _, preprocess = open_clip.create_model_and_transforms(
                name, pretrained=pretrained
            )
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise LanzdmlError(
                f"{name}: the weights {pretrained!r} cannot be had: {reason} Run once where the "
                "hub can be reached (they are kept in its cache), or give the path of a "
                "safetensors checkpoint as pretrained"
            ) from None
        checksum = _state_checksum(model)
    model.to(device).eval().requires_grad_(False)
    description = {
        "architecture": name,
        "pretrained": pretrained,
        "weights_sha256": checksum,
        "embed_dim": str(config["embed_dim"]),
        "preprocessing": " ".join(str(preprocess).split()),
        "device": device,
        **{name: version(name) for name in ("torch", "torchvision", "open_clip_torch", "pillow")},
    }
    return Clip(model, preprocess, open_clip.get_tokenizer(name), device, description)


def _check_activation(name: str, pretrained: str, config: dict[str, Any]) -> None:
    """Weights trained with QuickGELU give wrong embeddings with another activation."""
    import open_clip

    trained = bool(open_clip.get_pretrained_cfg(name, pretrained).get("quick_gelu", False))
    built = bool(config.get("quick_gelu", False))
    if trained != built:
        other = name.removesuffix("-quickgelu") if built else f"{name}-quickgelu"
        raise LanzdmlError(
            f"{name} and the weights {pretrained!r} differ in QuickGELU: the architecture for "
            f"these weights is {other}"
        )


def _state_checksum(model: "torch.nn.Module") -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()


class _Images:
    """A torch dataset: decodes and preprocesses one image of a manifest."""

    def __init__(self, manifest: pd.DataFrame, root: Path, preprocess) -> None:
        self._ids = manifest[ID].tolist()
        self._is_path = PATH in manifest
        self._sources = manifest[PATH if self._is_path else IMAGE].tolist()
        self._root, self._preprocess = root, preprocess

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int):
        from PIL import Image

        source = self._sources[index]
        try:
            with Image.open(self._root / source if self._is_path else io.BytesIO(source)) as image:
                return self._preprocess(image.convert("RGB"))
        # Pillow raises all of these for broken files.
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            name = (
                f"{self._ids[index]} ({self._root / source})" if self._is_path else self._ids[index]
            )
            # Returned, not raised: torch would wrap the traceback of a worker around it.
            return LanzdmlError(f"image {name} cannot be read: {error}")


def _collate(items: list):
    from torch.utils.data import default_collate

    errors = (item for item in items if isinstance(item, LanzdmlError))
    return next(errors, None) or default_collate(items)


def embed_images(
    clip: Clip, manifest: pd.DataFrame, root: Path, *, batch_size: int = 256, workers: int = 0
) -> np.ndarray:
    """Embed every image of a manifest, with a progress bar on stderr.

    Args:
        clip: the model.
        manifest: see :mod:`lanzdml.manifest`.
        root: the folder that paths are relative to.
        batch_size: images a batch.
        workers: processes that decode and preprocess; 0 does it here.

    Returns:
        (n, r) float32, raw outputs in the manifest's order.

    Raises:
        LanzdmlError: an image cannot be read.
    """
    import torch
    from torch.utils.data import DataLoader
    from tqdm import tqdm

    images = _Images(manifest, root, clip.preprocess)
    batches = DataLoader(
        images,
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=clip.device.startswith("cuda"),
    )
    embeddings = []
    with torch.inference_mode(), tqdm(total=len(images), unit="image", mininterval=1) as progress:
        for batch in batches:
            if isinstance(batch, LanzdmlError):
                raise batch
            pixels = batch.to(clip.device, non_blocking=True)
            embeddings.append(clip.model.encode_image(pixels, normalize=False).float().cpu().numpy())
            progress.update(len(batch))
    return np.concatenate(embeddings)


def embed_prompts(clip: Clip, prompts: list[str], *, batch_size: int = 256) -> np.ndarray:
    """Embed prompts: (n, r) float32, raw outputs in their order."""
    import torch

    embeddings = []
    with torch.inference_mode():
        for start in range(0, len(prompts), batch_size):
            tokens = clip.tokenizer(prompts[start : start + batch_size]).to(clip.device)
            embeddings.append(clip.model.encode_text(tokens, normalize=False).float().cpu().numpy())
    return np.concatenate(embeddings)
