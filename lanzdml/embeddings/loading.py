"""Load a CLIP through open_clip from wherever it is, and say exactly which one it is."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lanzdml.embeddings.checkpoints import (
    TOKEN_ROWS,
    TOKEN_TABLE,
    load_checkpoint,
    sha256,
    state_checksum,
    stored_sizes,
)
from lanzdml.embeddings.clip import Clip, ClipModel, Tokenizer
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
    read_fetched,
    read_local_architecture,
)
from lanzdml.embeddings.other_packages import (
    import_open_clip,
    import_text_models,
    no_warnings,
    one_line,
)
from lanzdml.embeddings.published import check_tag, published_preprocessing
from lanzdml.embeddings.storage import LOGIT_SCALE, WEIGHTS
from lanzdml.errors import LanzdmlError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

LARGEST_COMPACT = 2**28  # numbers of a token table of which few rows are stored: 1 GiB
FETCH = ". Run once where the hub can be reached (its cache keeps what was fetched), or "
FETCH_TAG = f"{FETCH}give the path of a safetensors checkpoint as pretrained"
FETCH_HUB = f"{FETCH}fetch the repository elsewhere and name its folder, {FOLDER_PREFIX}<folder>"


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
    source = _find(architecture, pretrained)
    device = choose_device(device)
    # Before the weights, which can take long to fetch: these may need what cannot be had.
    tokenizer = _tokenizer(source)
    if source.config["text_cfg"].get("hf_model_name"):
        with one_line(f"{source.name} cannot be built"):
            import_text_models()
    loaded = source.load()
    loaded.model.to(device).eval().requires_grad_(False)
    description = {
        "architecture": source.name,
        "pretrained": pretrained or "",
        **source.origin,
        WEIGHTS: loaded.checksum,
        "embed_dim": str(source.config["embed_dim"]),
        # A logit_bias, as SigLIP has one, is not: it shifts all logits and no softmax sees it.
        LOGIT_SCALE: str(float(loaded.model.logit_scale.exp())),
        "preprocessing": " ".join(str(loaded.preprocess).split()),
        "device": device,
        **{name: version(name) for name in ("torch", "torchvision", "open_clip_torch", "pillow")},
    }
    return Clip(loaded.model, loaded.preprocess, tokenizer, device, description)


def _tokenizer(source: "_Source") -> Tokenizer:
    """A model's tokenizer: a folder's own, else that which its config names."""
    import open_clip

    name = source.registered or source.name
    options = {}
    if source.config["text_cfg"].get("hf_tokenizer_name"):
        # transformers offers to run the Python beside a tokenizer unless told.
        options = {"trust_remote_code": False, "local_files_only": name.startswith(FOLDER_PREFIX)}
    with one_line(f"{source.name}: its tokenizer cannot be had"):
        return open_clip.get_tokenizer(name, **options)


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


@dataclass(frozen=True)
class _Loaded:
    """A model with its weights, the preprocessing that goes with it, and the weights' checksum."""

    model: ClipModel
    preprocess: "Callable[[Image], Tensor]"
    checksum: str


@dataclass(frozen=True)
class _Source:
    """Where a model is: all that is known of it before its weights are there.

    Attributes:
        name: what results and messages call it.
        config: of the model, as open_clip writes it.
        load: builds it, with its weights.
        origin: what beside its name says which model it is.
        registered: what open_clip knows it by, where that is another name.
    """

    name: str
    config: dict[str, Any]
    load: Callable[[], _Loaded]
    origin: dict[str, str] = field(default_factory=dict)
    registered: str | None = None


def _find(architecture: str, pretrained: str | None) -> _Source:
    read_architecture(architecture)  # what its weights may be follows from it
    check_pretrained(architecture, pretrained)
    import_open_clip()
    kind, target = parse_architecture(architecture)
    if kind is Kind.FOLDER:
        return _of_folder(architecture, read_local_architecture(architecture), Path(target))
    if kind is Kind.HUB:
        # What a repository holds is loaded from the cache as any folder, so that both are one
        # model.
        folder = _fetch(target)
        config = read_fetched(target, folder)
        origin = {"revision": folder.name}
        return _of_folder(architecture, config, folder, origin, _register(config))
    assert pretrained is not None, "these have no weights of their own, which was checked"
    if kind is Kind.FILE:
        return _of_model_config(architecture, Path(pretrained))
    if is_path(pretrained):
        return _of_checkpoint(architecture, read_local_architecture(architecture), Path(pretrained))
    return _of_tag(architecture, pretrained)


def _of_folder(
    name: str,
    config: dict[str, Any],
    folder: Path,
    origin: dict[str, str] | None = None,
    registered: str | None = None,
) -> _Source:
    """Config and weights together, as open_clip publishes models."""
    source, weights = f"{FOLDER_PREFIX}{folder}", folder / WEIGHTS_FILE

    def load() -> _Loaded:
        import open_clip

        _check_size(source, weights, f"{name} cannot be loaded")
        with one_line(f"{name} cannot be loaded"):
            model, _, preprocess = open_clip.create_model_and_transforms(source)
        return _Loaded(model, preprocess, sha256(weights))

    return _Source(name, config, load, origin or {}, registered)


def _of_model_config(path: str, checkpoint: Path) -> _Source:
    """A model config of the user's own and a checkpoint."""
    config = read_local_architecture(path)
    return _of_checkpoint(Path(path).stem, config, checkpoint, _register(config))


def _register(config: dict[str, Any]) -> str:
    """Give open_clip a config, and the name that it then knows it by.

    open_clip takes a file's name for the model's, and passes over files that are not called .json:
    one that is called as a model of its own would be built in place of that from then on, or that
    in place of it, and a name with "siglip" in it would get another tokenizer. So the name is made
    from what the config holds.
    """
    import open_clip

    text = json.dumps(config)
    name = f"own-{hashlib.sha256(text.encode()).hexdigest()}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.json"
        path.write_text(text, encoding="utf-8")
        open_clip.add_model_config(path)  # which reads it at once
    return name


def _of_checkpoint(
    name: str, config: dict[str, Any], path: Path, registered: str | None = None
) -> _Source:
    """A model that open_clip has the config of, and a checkpoint."""

    def load() -> _Loaded:
        _check_size(registered or name, path, f"{name} cannot be built")
        with one_line(f"{name} cannot be built"):
            model, preprocess = _untrained(
                registered or name, **published_preprocessing(registered or name)
            )
        load_checkpoint(model, path)
        return _Loaded(model, preprocess, sha256(path))

    return _Source(name, config, load, registered=registered)


def _of_tag(name: str, tag: str) -> _Source:
    """A model that open_clip has the config of, and knows the weights of by a tag."""
    config = read_local_architecture(name)
    check_tag(name, tag, config)

    def load() -> _Loaded:
        import open_clip

        with one_line(f"{name}: the weights {tag!r} cannot be had", FETCH_TAG):
            model, _, preprocess = open_clip.create_model_and_transforms(name, pretrained=tag)
        return _Loaded(model, preprocess, state_checksum(model))

    return _Source(name, config, load)


def _fetch(repository: str) -> Path:
    """The folder of the hub's cache with a repository's config and weights, of one commit."""
    folder = _fetch_file(repository, CONFIG_FILE, None)
    return _fetch_file(repository, WEIGHTS_FILE, folder.name)


def _fetch_file(repository: str, file: str, revision: str | None) -> Path:
    """The folder of the hub's cache with a file of a commit, by default of the newest."""
    name = HUB_PREFIX + repository
    with one_line(f"{name} cannot be had"):
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import RemoteEntryNotFoundError
    with one_line(f"{name}: {file} cannot be had", FETCH_HUB):
        try:
            return Path(hf_hub_download(repository, file, revision=revision)).parent
        except RemoteEntryNotFoundError:
            pass
    raise LanzdmlError(
        f"{name} holds no {file}: only models in open_clip's format with safetensors are loaded, "
        "none in that of transformers"
    )


def _untrained(name: str, device: str = "cpu", **preprocessing: Any) -> tuple[Any, Any]:
    """A model and its preprocessing, without weights."""
    import open_clip

    # open_clip warns that the model is random; its weights come right after.
    with no_warnings():
        model, _, preprocess = open_clip.create_model_and_transforms(
            name, pretrained=None, load_weights=False, pretrained_text=False, device=device,
            **preprocessing,
        )  # fmt: skip
    return model, preprocess


def untrained_sizes(name: str) -> dict[str, int]:
    """How many numbers each tensor of a model has that open_clip knows; it takes no memory."""
    import torch

    with torch.device("meta"):  # shapes alone
        model, _ = _untrained(name, "meta")
    return {key: tensor.numel() for key, tensor in model.state_dict().items()}


def _check_size(name: str, weights: Path, otherwise: str) -> None:
    """Check that a model is about as large as its weights, before it takes memory.

    A config of few letters may describe a model of any size, and so may the header of a sparse
    file.
    """
    stored = stored_sizes(weights)
    with one_line(otherwise):
        sizes = untrained_sizes(name)
    if TOKEN_ROWS in stored and sizes.get(TOKEN_TABLE, 0) <= LARGEST_COMPACT:
        for table in (sizes, stored):
            table.pop(TOKEN_TABLE, None)
    of_model, of_file = sum(sizes.values()), sum(stored.values())
    if not of_file / 2 <= of_model <= of_file * 2:
        raise LanzdmlError(
            f"checkpoint {weights} does not fit its architecture: it holds {of_file:,} numbers, "
            f"and that has {of_model:,}"
        )
