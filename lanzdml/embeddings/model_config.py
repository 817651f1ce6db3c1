"""What a model config of open_clip may hold where somebody else wrote it.

open_clip passes a config on as it is: to transformers, which runs Python beside it where it is told
to, to timm, which fetches models by their names, and to torch, which builds a model of any size.
So keys are known ones, and their values are within bounds, each a few times what the largest of
open_clip's own configs has.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from reprlib import repr as short
from typing import Any, NamedTuple

from lanzdml.errors import LanzdmlError, suggest

LARGEST_FILE = 2**20  # bytes; open_clip's own have up to 1,100
LARGEST_TOKENIZER = 2**28  # bytes; that of Gemma has 34 MB, its folder several of such
_TOKENIZER_CONFIGS = ("tokenizer_config.json", "special_tokens_map.json")
_LEFT_OVER = "special_tokens_map_file"  # of whoever wrote it; nothing reads it


class _Value(NamedTuple):
    """What a value must be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


def _whole(most: int, least: int = 1) -> _Value:
    return _Value(
        f"a whole number from {least:,} to {most:,}",
        lambda value: type(value) is int and least <= value <= most,
    )


def _number(least: float, most: float) -> _Value:
    # Comparisons leave out what is not a number, too.
    return _Value(
        f"a number from {least:g} to {most:g}",
        lambda value: type(value) in (int, float) and least <= value <= most,
    )


def _text(pattern: str, words: str) -> _Value:
    return _Value(
        words, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None
    )


def _several(one: _Value, count: int) -> _Value:
    return _Value(
        f"{count} times {one.words}",
        lambda value: (
            isinstance(value, list) and len(value) == count and all(map(one.holds, value))
        ),
    )


def _either(first: _Value, second: _Value) -> _Value:
    return _Value(
        f"{first.words}, or {second.words}", lambda value: first.holds(value) or second.holds(value)
    )


_Keys = Mapping[str, "_Value | _Keys"]

_FLAG = _Value("true or false", lambda value: isinstance(value, bool))
_WORD = _text("[a-z0-9_]{0,40}", "a word of small letters")
# A repository of the hub, or its name there alone; no path.
_REPOSITORY = _text(r"(\w[\w.-]{0,95}/)?\w[\w.-]{0,95}", "the name of a repository of the hub")
# Also without "hf-hub:" and its like, by which timm fetches.
_TIMM_NAME = _text(r"\w{1,100}(\.\w{1,100})?", "the name of a model of timm")
_WIDTH, _LAYERS, _HEADS = _whole(8192), _whole(256), _whole(512)
_SIZE = _whole(2048)
_RATIO = _number(0.01, 64)

_BLOCKS: _Keys = {
    "width": _WIDTH,
    "mlp_ratio": _RATIO,
    "ls_init_value": _number(0, 100),
    "final_ln_after_pool": _FLAG,
    "pool_type": _WORD,
    "output_tokens": _FLAG,
    "act_kwargs": {"approximate": _text("none|tanh", "none or tanh")},
    "norm_kwargs": {"eps": _number(0, 1)},
    "block_type": _WORD,
    **dict.fromkeys(
        ("qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn",
         "scale_fc"), _FLAG,
    ),
}  # fmt: skip
_VISION: _Keys = {
    **_BLOCKS,
    "layers": _either(_LAYERS, _several(_LAYERS, 4)),
    "head_width": _whole(1024),
    "patch_size": _whole(256),
    "image_size": _either(_SIZE, _several(_SIZE, 2)),
    "patch_dropout": _number(0, 1),
    "attentional_pool": _FLAG,
    "attn_pooler_queries": _whole(4096),
    "attn_pooler_heads": _HEADS,
    "no_ln_pre": _FLAG,
    "pos_embed_type": _WORD,
    "timm_model_name": _TIMM_NAME,
    "timm_model_pretrained": _FLAG,  # open_clip sets it itself
    "timm_pool": _WORD,
    "timm_proj": _WORD,
    "timm_proj_bias": _FLAG,
    "timm_drop": _number(0, 1),
    "timm_drop_path": _number(0, 1),
}
_TEXT: _Keys = {
    **_BLOCKS,
    "context_length": _whole(8192),
    "vocab_size": _whole(4_000_000),
    "hf_tokenizer_name": _REPOSITORY,
    "tokenizer_mode": _WORD,
    # No more: others of transformers' run code, or read files.
    "tokenizer_kwargs": {
        "clean": _text("canonicalize|lower|whitespace", "canonicalize, lower or whitespace"),
        "strip_sep_token": _FLAG,
    },
    "heads": _HEADS,
    "layers": _LAYERS,
    "embed_cls": _FLAG,
    "pad_id": _whole(4_000_000, 0),
    "eos_id": _whole(4_000_000, 0),
    "no_causal_mask": _FLAG,
    "proj_bias": _FLAG,
    "proj_type": _WORD,
    "hf_model_name": _REPOSITORY,
    "hf_model_pretrained": _FLAG,  # open_clip sets it itself
    "hf_proj_type": _WORD,
    "hf_pooler_type": _WORD,
}
_DECODER: _Keys = {
    **{key: value for key, value in _TEXT.items() if not key.startswith(("hf_", "tokenizer_"))},
    "dim_head": _whole(1024),
    "n_queries": _whole(4096),
    "attn_pooler_heads": _HEADS,
}
_MODEL: _Keys = {
    "embed_dim": _WIDTH,
    "vision_cfg": _VISION,
    "text_cfg": _TEXT,
    "multimodal_cfg": _DECODER,
    "quick_gelu": _FLAG,
    "custom_text": _FLAG,
    "init_logit_scale": _number(-100, 100),
    "init_logit_bias": _number(-1000, 1000),
    "nonscalar_logit_scale": _FLAG,
}
_PREPROCESSING: _Keys = {
    "size": _either(_SIZE, _several(_SIZE, 2)),
    "mode": _text("RGB", "RGB"),
    "mean": _several(_number(-10, 10), 3),
    "std": _several(_number(1e-3, 10), 3),
    "interpolation": _text("bicubic|bilinear", "bicubic or bilinear"),
    "resize_mode": _text("shortest|longest|squash", "shortest, longest or squash"),
    "fill_color": _whole(255, 0),
}
_NEEDED = ("embed_dim", "vision_cfg", "text_cfg")


def read_config(path: Path) -> Any:
    """What a JSON file holds that describes a model.

    Raises:
        LanzdmlError: it is no file that ends, or larger than a description is.
        OSError: it cannot be read.
        ValueError: it is no JSON.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise LanzdmlError(f"{path} is a pipe or a device, and no file")
    with open(path, "rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise LanzdmlError(f"{path} has more than 1 MiB, and is no model config")
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("too many brackets in brackets") from None


def check_config(path: Path, config: Any) -> None:
    """Check what a model config holds.

    Raises:
        LanzdmlError: a key is not known, or its value is not within bounds.
        KeyError, TypeError: it is no model config at all.
    """
    for key in _NEEDED:
        config[key]
    _check(config, _MODEL, path, "")


def check_preprocessing(path: Path, config: Any) -> None:
    """Check what stands beside a published model's config.

    Raises:
        LanzdmlError: a key is not known, or its value is not within bounds.
    """
    _check(config, _PREPROCESSING, path, "preprocess_cfg.")


def check_tokenizer(folder: Path) -> None:
    """Check the files in a folder that transformers makes a tokenizer of.

    They hold what the tokenizer's class is made with, so that one could name files elsewhere.

    Raises:
        LanzdmlError: they name files, are larger than those of any tokenizer, or are no JSON.
    """
    for path in (*folder.iterdir(), *folder.glob("additional_chat_templates/*")):
        is_read = path.suffix in {".json", ".txt", ".model", ".jinja"} and path.is_file()
        if is_read and path.stat().st_size > LARGEST_TOKENIZER:
            raise LanzdmlError(f"{path} is larger than any tokenizer's: 256 MiB at the most")
    for path in (folder / name for name in _TOKENIZER_CONFIGS):
        if not path.is_file():
            continue
        try:
            key = _names_file(read_config(path))
        except ValueError as error:
            raise LanzdmlError(f"{path} is no JSON: {error}") from None
        if key is not None:
            raise LanzdmlError(
                f"{path}: {key[:40]!r} names files; those of a tokenizer are those of its folder: "
                "delete it"
            )


def _names_file(value: Any) -> str | None:
    """The key by which a tokenizer's config names files."""
    if isinstance(value, list):
        return next(filter(None, map(_names_file, value)), None)
    if not isinstance(value, dict):
        return None
    for key, inner in value.items():
        is_it = key == "init_inputs" or key.endswith(("_file", "_files"))
        if is_it and inner and key != _LEFT_OVER:
            return key
    return _names_file(list(value.values()))


def _check(config: Any, keys: _Keys, path: Path, above: str) -> None:
    if not isinstance(config, dict):
        raise LanzdmlError(f"{path}: {above.rstrip('.')} must hold keys, not {short(config)}")
    for key, value in config.items():
        allowed = keys.get(key)
        if allowed is None:
            raise LanzdmlError(
                f"{path}: {(above + key)[:100]!r} is no key of a model config that is taken from "
                f"others; {suggest(key[:40], keys)}"
            )
        if value is None and key not in _NEEDED:
            continue  # open_clip's default, mostly
        if isinstance(allowed, _Value):
            if not allowed.holds(value):
                raise LanzdmlError(
                    f"{path}: {above}{key} must be {allowed.words}, not {short(value)}"
                )
        else:
            _check(value, allowed, path, f"{above}{key}.")
