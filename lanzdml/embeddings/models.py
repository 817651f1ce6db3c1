"""Which CLIP a configuration names, known without importing open_clip.

An architecture is a model name of open_clip, the path of a model config of one's own (JSON), or a
model as open_clip publishes it, config and weights together: a repository of the Hugging Face hub
(``hf-hub:<org>/<repo>``) or a folder (``local-dir:<folder>``).
"""

from enum import Enum, auto
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lanzdml.embeddings import spelling
from lanzdml.embeddings.checkpoints import ONNX, PICKLE, taken_for_weights
from lanzdml.embeddings.model_config import (
    check_config,
    check_preprocessing,
    check_tokenizer,
    read_config,
)
from lanzdml.errors import LanzdmlError
from lanzdml.signatures import mistaken

HUB_PREFIX, FOLDER_PREFIX = "hf-hub:", "local-dir:"
CONFIG_FILE, WEIGHTS_FILE = "open_clip_config.json", "open_clip_model.safetensors"
SAFETENSORS = ".safetensors"
_OTHER_WEIGHTS = {
    ".pt": PICKLE, ".pth": PICKLE, ".bin": PICKLE, ".ckpt": PICKLE, ".onnx": ONNX,
}  # fmt: skip


class Kind(Enum):
    """What an architecture is."""

    NAME = auto()
    FILE = auto()
    HUB = auto()
    FOLDER = auto()


def parse_architecture(architecture: str) -> tuple[Kind, str]:
    """The kind of an architecture, and its name, path or repository without a prefix."""
    for prefix, kind in ((HUB_PREFIX, Kind.HUB), (FOLDER_PREFIX, Kind.FOLDER)):
        if architecture.startswith(prefix):
            return kind, architecture.removeprefix(prefix)
    return (Kind.FILE if is_path(architecture) else Kind.NAME), architecture


def is_path(reference: str) -> bool:
    """Whether an architecture without a prefix, or ``pretrained``, is a file and no name or tag."""
    suffix = Path(reference).suffix.lower()
    return "/" in reference or suffix in {".json", SAFETENSORS, *_OTHER_WEIGHTS}


def model_files(architecture: str, pretrained: str | None) -> list[Path]:
    """The files that a model is made of: config, weights, tokenizer.

    What open_clip itself or the hub's cache holds is not among them.
    """
    kind, target = parse_architecture(architecture)
    if kind is Kind.FOLDER:
        # Its other files are pictures, papers and the same weights in other formats.
        return sorted(
            path
            for path in Path(target).iterdir()
            if path.name == WEIGHTS_FILE or path.suffix in {".json", ".txt", ".model"}
            if path.is_file()  # a pipe would be waited for
        )
    files = [target] if kind is Kind.FILE else []
    if pretrained is not None and is_path(pretrained):
        files.append(pretrained)
    return [Path(file) for file in files]


def check_pretrained(architecture: str, pretrained: str | None) -> None:
    """Check that weights are named where they are needed, in a way that the architecture allows.

    Whether open_clip has a tag is known only when the model is loaded.

    Raises:
        LanzdmlError: ``pretrained`` is missing or not allowed, or no file of safetensors.
    """
    kind, _ = parse_architecture(architecture)
    if kind in (Kind.HUB, Kind.FOLDER):
        if pretrained is not None:
            raise LanzdmlError(f"{architecture} comes with its weights: leave pretrained out")
    elif pretrained is None or (kind is Kind.FILE and not is_path(pretrained)):
        owner = "a model config of your own" if kind is Kind.FILE else architecture
        tag = "" if kind is Kind.FILE else "one of open_clip's tags or "
        given = "" if pretrained is None else f", not {pretrained!r}"
        raise LanzdmlError(f"{owner} needs {tag}the path of a safetensors checkpoint{given}")
    elif pretrained.startswith((HUB_PREFIX, FOLDER_PREFIX)):
        raise LanzdmlError(f"{pretrained} is an architecture that comes with its weights")
    elif is_path(pretrained):
        suffix = Path(pretrained).suffix.lower()
        if suffix != SAFETENSORS:
            kind_of_it = f", {_OTHER_WEIGHTS[suffix]}" if suffix in _OTHER_WEIGHTS else ""
            raise LanzdmlError(f"only safetensors are loaded, not {pretrained}{kind_of_it}")
        if not Path(pretrained).is_file():
            raise LanzdmlError(f"there is no file {pretrained}")
        _refuse(Path(pretrained), taken_for_weights(Path(pretrained)))


def _refuse(path: Path, what: str | None) -> None:
    """Refuse a file of which it is known that it is something else."""
    if what is not None:
        raise LanzdmlError(f"{path} is {what}")


def read_architecture(architecture: str) -> dict[str, Any] | None:
    """The open_clip model config that an architecture names.

    Returns:
        The config (``embed_dim``, ``vision_cfg``, ``text_cfg``, ...), or None for a model of the
        hub whose config is not in the hub's cache.

    Raises:
        LanzdmlError: no such name, file, folder or repository, a file that is no model config, or
            a folder without weights.
    """
    kind, target = parse_architecture(architecture)
    if kind is not Kind.HUB:
        return read_local_architecture(architecture)
    if spelling.is_of_transformers(target):
        raise LanzdmlError(
            f"{architecture} is in the format of transformers, which is not read; "
            f"{spelling.openai_weights(target, open_clip_models())}"
        )
    path = _cached_config(target)
    return None if path is None else _read_config(path, kind, target)


def read_local_architecture(architecture: str) -> dict[str, Any]:
    """As :func:`read_architecture`, of what is no model of the hub, and so is there."""
    kind, target = parse_architecture(architecture)
    return _read_config(_config_file(kind, target), kind, target)


def read_fetched(repository: str, folder: Path) -> dict[str, Any]:
    """As :func:`read_architecture`, of a model of the hub that is in this folder by now."""
    return _read_config(folder / CONFIG_FILE, Kind.HUB, repository)


def _read_config(path: Path, kind: Kind, target: str) -> dict[str, Any]:
    try:
        config = read_config(path)
        if kind in (Kind.HUB, Kind.FOLDER):
            check_preprocessing(path, config.get("preprocess_cfg") or {})
            config = config["model_cfg"]
        if kind is not Kind.NAME:
            check_config(path, config)
            _check_fetched(path, config["text_cfg"], kind, target)
    except OSError:
        advice = _advice(target) if kind is Kind.FILE else ""
        if kind is Kind.FOLDER and path.with_name("config.json").is_file():
            advice = "; its config.json is in the format of transformers, which is not read"
        raise LanzdmlError(f"there is no readable file '{path}'{advice}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _refuse(path, mistaken(path))
        raise LanzdmlError(
            f"{path} is no open_clip model config (embed_dim, vision_cfg, text_cfg): {error!r}"
        ) from None
    if kind is Kind.FOLDER:
        _check_files(Path(target))
        if config["text_cfg"].get("hf_tokenizer_name"):
            check_tokenizer(Path(target))
    return config


def _check_fetched(path: Path, text: dict[str, Any], kind: Kind, target: str) -> None:
    """Check that a config fetches nothing from the hub that the user did not ask the hub for.

    Of a repository of the hub it may be what open_clip's own configs name, or of the same owner.
    """
    keys = ["hf_model_name", "hf_tokenizer_name"]
    if kind is Kind.FOLDER:
        keys.remove("hf_tokenizer_name")  # open_clip takes the folder's own tokenizer in its place
    folder = f", or {FOLDER_PREFIX}<folder> with all of it, the tokenizer too"
    for key in keys:
        name = text.get(key)
        if name is None or (kind is Kind.HUB and _is_known(name, target.partition("/")[0])):
            continue
        raise LanzdmlError(
            f"{path}: text_cfg.{key} asks the hub for {name}, which your configuration does not: "
            "name this model as open_clip or the hub does, with a file of weights where you have "
            f"your own{folder if key == 'hf_tokenizer_name' else ''}"
        )


def _is_known(repository: str, owner: str) -> bool:
    return repository.startswith(f"{owner}/") or any(
        repository in read_config(path)["text_cfg"].values() for path in open_clip_models().values()
    )


def _check_files(folder: Path) -> None:
    """Whether the files beside a folder's config are what they are called."""
    if not (folder / WEIGHTS_FILE).is_file():
        raise LanzdmlError(
            f"{folder} holds no {WEIGHTS_FILE}: only models in open_clip's format with safetensors "
            "are loaded"
        )
    for path in model_files(f"{FOLDER_PREFIX}{folder}", None):
        _refuse(path, taken_for_weights(path) if path.name == WEIGHTS_FILE else mistaken(path))


def _advice(target: str) -> str:
    """What else may have been meant by the path of a file that is not there."""
    if Path(target).is_dir():
        return f"; a model's folder is written {FOLDER_PREFIX}{target}"
    if Path(target).suffix.lower() == ".json":
        return ""
    names = open_clip_models()
    if spelling.is_of_transformers(target):
        return f"; {spelling.openai_weights(target, names)}"
    advice = f"; {spelling.advice(target, names)}" if spelling.meant(target, names) else ""
    if target.count("/") == 1 and not Path(target).suffix and not spelling.same(target, names):
        return f"; a repository of the hub is written {HUB_PREFIX}{target}{advice}"
    return advice


def _config_file(kind: Kind, target: str) -> Path:
    if kind is Kind.FILE:
        return Path(target)
    if kind is Kind.FOLDER:
        if not Path(target).is_dir():
            raise LanzdmlError(f"there is no folder {target}")
        return Path(target) / CONFIG_FILE
    configs = open_clip_models()
    if target not in configs:
        raise LanzdmlError(
            f"there is no open_clip model {target!r}; {spelling.advice(target, configs)}"
        )
    return configs[target]


def open_clip_models() -> dict[str, Path]:
    """The names of open_clip's models and their configs.

    Raises:
        LanzdmlError: open_clip is not installed.
    """
    package = find_spec("open_clip")
    if package is None or package.origin is None:
        raise LanzdmlError("open_clip is not installed: pip install open_clip_torch")
    folder = Path(package.origin).parent / "model_configs"
    return {path.stem: path for path in sorted(folder.glob("*.json"))}


def _cached_config(repository: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        path = try_to_load_from_cache(repository, CONFIG_FILE)
    except HFValidationError as error:
        raise LanzdmlError(f"{HUB_PREFIX}{repository} names no repository: {error}") from None
    return Path(path) if isinstance(path, str) else None
