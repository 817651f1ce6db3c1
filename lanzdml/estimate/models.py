"""How large a CLIP is, and what an image costs it, from its open_clip config alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST = 10**7  # of a number in a config: a user's own may hold any


@dataclass(frozen=True)
class ModelSize:
    """Of a model.

    Attributes:
        gmacs: billions of multiplications and additions that an image takes.
        parameters: how many, of both towers.
        pixels: along each side of an image.
        width: components of an embedding; None where that is not known.
        is_known: whether all of it is of the config, and not ViT-B/32's.
    """

    gmacs: float
    parameters: float
    pixels: int
    width: int | None
    is_known: bool


def size_of(config: Mapping[str, Any] | None) -> ModelSize:
    """The size of a model by its config; ViT-B/32's where that does not say it.

    Counted are the layers: of a transformer (Vaswani et al., 2017) 12 w^2 parameters each, all of
    which each patch passes, and attention; of CLIP's ResNet its stem and bottlenecks, 17 p^2 each.
    Heads and norms are little beside.
    """
    width = config.get("embed_dim") if config else None
    width = width if isinstance(width, int) and 0 < width < _MOST else None
    try:
        assert config is not None
        gmacs, parameters, pixels = _image_tower(config["vision_cfg"])
        parameters += _text_tower(config["text_cfg"])
    except (AssertionError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return ModelSize(4.4, 151e6, 224, width, False)
    return ModelSize(gmacs, parameters, pixels, width, True)


def _image_tower(config: Mapping[str, Any]) -> tuple[float, float, int]:
    pixels, width, layers = config["image_size"], _number(config["width"]), config["layers"]
    pixels = _number(max(pixels) if isinstance(pixels, list) else pixels)
    if "timm_model_name" in config:
        raise KeyError("it is another tower")
    if isinstance(layers, list):
        of_pixel, parameters, side = 28.5e3 / 64**2 * width**2, 0.0, pixels / 2
        macs = side**2 * of_pixel
        for number, blocks in enumerate(layers):
            weights = _number(blocks) * 17 * (width * 2**number) ** 2
            macs += weights * (pixels / 4 / 2**number) ** 2
            parameters += weights
        return macs / 1e9, parameters + 4 * (32 * width) ** 2, pixels
    patches = (pixels // _number(config["patch_size"])) ** 2 + 1
    weights = _number(layers) * 12 * width**2
    macs = patches * (weights + 2 * layers * patches * width)
    return macs / 1e9, weights, pixels


def _text_tower(config: Mapping[str, Any]) -> float:
    width = _number(config["width"])
    return _number(config["layers"]) * 12 * width**2 + _number(config["vocab_size"]) * width


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 < value < _MOST:
        raise ValueError(f"{value!r} is no size")
    return value
