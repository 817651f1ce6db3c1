"""clevr4: Clevr-4, rendered scenes with four labels that do not depend on each other.

Vaze, Vedaldi, Zisserman, "No Representation Rules Them All in Category Discovery", NeurIPS 2023.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.errors import LanzdmlError

ANNOTATION = "clevr_4_annots.json"
ARCHIVES = ("clevr_4_10k_v1.zip", "clevr_4_100k_v1.zip")
FILES = (ANNOTATION, *ARCHIVES)
CLASSES = {
    "texture": (
        "rubber", "metal", "checkered", "emojis", "wave", "brick", "star", "circles", "zigzag",
        "chessboard",
    ),
    "shape": (
        "cube", "sphere", "monkey", "cone", "torus", "star", "teapot", "diamond", "gear",
        "cylinder",
    ),
    "color": (
        "gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow", "pink", "orange",
    ),
    "count": tuple(map(str, range(1, 11))),
}  # fmt: skip
_LARGEST = 2**26  # bytes; that of 100,000 images has about a quarter. JSON takes many times as much


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of all images, of both splits, in the order of their names.

    Args:
        root: the folder with ``clevr_4_annots.json`` and ``images/<name>.png``, or one that holds
            it or its archive.

    Raises:
        LanzdmlError: a file is missing, or the annotation is not of the original's form.
    """
    folder = raw.require("clevr4", root, ANNOTATION, ARCHIVES)
    path = folder / ANNOTATION
    annotation = _read_annotation(path)
    names = sorted(annotation)
    labels = {
        notion: [_label(annotation[name], notion, f"{path}, {raw.shown(name)}") for name in names]
        for notion in CLASSES
    }
    # Of the same folder: images of both archives have the same names.
    images = raw.image_rows("clevr4", folder, [f"images/{name}.png" for name in names])
    inside = folder.relative_to(root)
    return raw.make_manifest(names, [(inside / image).as_posix() for image in images], labels)


def _read_annotation(path: Path) -> dict[str, Any]:
    """What is said of each image, by its name."""
    content = raw.read_file(path)
    if len(content) > _LARGEST:
        raise LanzdmlError(f"{path} holds more than {_LARGEST // 2**20} MiB, as no original does")
    try:
        annotation = json.loads(raw.decode(content), object_pairs_hook=_once)
    except _TwiceError as error:
        raise _other(path, str(error)) from None
    except json.JSONDecodeError as error:
        raise _other(path, f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets
        raise _other(path, "it holds what no annotation has") from None
    if not isinstance(annotation, dict) or not annotation:
        raise _other(path, "it has no names of images")
    for name in annotation:
        raw.check_name(name, str(path))
    return annotation


def _other(path: Path, reason: str) -> LanzdmlError:
    return LanzdmlError(
        f"{path} is no annotation of Clevr-4: {reason}; {raw.LAYOUTS} says where it is from"
    )


class _TwiceError(ValueError):
    """A key that is there twice, of which JSON's reader would keep the last."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise _TwiceError(f"{raw.shown(repr(key))} is there twice")
        values[key] = value
    return values


def _label(of_image: Any, notion: str, where: str) -> str:
    value = of_image.get(notion) if isinstance(of_image, dict) else None
    label = str(value) if isinstance(value, int | str) else ""
    if label not in CLASSES[notion]:
        raise LanzdmlError(
            f"{where}: {notion} is {raw.shown(repr(value))}, and none of "
            f"{', '.join(CLASSES[notion])}"
        )
    return label
