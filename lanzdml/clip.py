"""CLIP models through open_clip: load one, and say exactly which one it is."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lanzdml.errors import LanzdmlError

if TYPE_CHECKING:
    import torch

TOKEN_TABLE = "token_embedding.weight"
TOKEN_ROWS = "token_embedding.rows"


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


def _load_checkpoint(model: "torch.nn.Module", path: Path) -> None:
    import safetensors
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise LanzdmlError(f"checkpoint {path} cannot be read: {error}") from None
    state = expand_token_table(state, model.token_embedding.num_embeddings)
    try:
        model.load_state_dict(state)
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

    name = architecture
    if is_path(architecture):
        name = Path(architecture).stem
        open_clip.add_model_config(Path(architecture))
    if is_path(pretrained):
        checkpoint = Path(pretrained)
        if not checkpoint.is_file():
            raise LanzdmlError(f"there is no checkpoint {pretrained}")
        model, _, preprocess = open_clip.create_model_and_transforms(
            name, pretrained=None, load_weights=False
        )
        _load_checkpoint(model, checkpoint)
        checksum = sha256(checkpoint)
    else:
        model, _, preprocess = open_clip.create_model_and_transforms(name, pretrained=pretrained)
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


def _state_checksum(model: "torch.nn.Module") -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()
