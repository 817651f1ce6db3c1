"""stanford40: Stanford 40 Actions, with locations and moods that others labelled.

Yao et al., "Human Action Recognition by Learning Bases of Action Attributes and Parts", ICCV 2011;
locations and moods: Kwon et al., "Image Clustering Conditioned on Text Criteria", ICLR 2024.
"""

import logging
from pathlib import Path

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.errors import LanzdmlError

SPLITS, IMAGES_FOLDER = "ImageSplits", "JPEGImages"
ARCHIVES = ("Stanford40_ImageSplits.zip", "Stanford40_JPEGImages.zip")
ADDED = {"location": "location.txt", "mood": "mood.txt"}  # what the user may add
FILES = (f"{SPLITS}/*.txt", *ADDED.values(), *ARCHIVES)
NONE = "-1"  # in place of a label
PUBLISHED = raw.Published(total=9_532, unit="images", images=9_532, classes={"action": 40})
_HEAD = "action_name"
_log = logging.getLogger(__name__)


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of all images, of both splits, in the order of their names.

    Args:
        root: the folder with ``ImageSplits/`` and ``JPEGImages/`` or their archives, and with
            ``location.txt`` and ``mood.txt`` where these notions have labels.

    Raises:
        LanzdmlError: a file is missing, a line of one is wrong, or two do not match.
    """
    folder = raw.require("stanford40", root, f"{SPLITS}/actions.txt", ARCHIVES[:1]) / SPLITS
    actions = _read_actions(folder)
    images = sorted(actions)
    labels: dict[str, list[str | None]] = {"action": [actions[image] for image in images]}
    for notion, file in ADDED.items():
        of_images = _read_added(root, notion, file, actions)
        labels[notion] = [of_images.get(image) for image in images]
    raw.check_prompts("stanford40", "stanford40_actions.txt", sorted(set(actions.values())))
    manifest = raw.make_manifest(
        [Path(image).stem for image in images],
        raw.image_rows(
            "stanford40", root, [f"{IMAGES_FOLDER}/{image}" for image in images], ARCHIVES[1:]
        ),
        labels,
    )
    raw.check_published("stanford40", len(images), manifest, PUBLISHED)
    return manifest


def _read_actions(folder: Path) -> dict[str, str]:
    """Image to action, of the lists of both splits of each action."""
    actions: dict[str, str] = {}
    for position, line in enumerate(raw.read_lines(folder / "actions.txt"), start=1):
        action, *rest = line.split() or [""]
        if position == 1 and action == _HEAD:
            continue
        if len(rest) != 1 or raw.number_of(rest[0]) is None or "/" in action:
            raise LanzdmlError(
                f"{folder / 'actions.txt'}, line {position}: {line!r:.100} is no action and its "
                "number of images"
            )
        for split in ("train", "test"):
            path = folder / f"{action}_{split}.txt"
            for number, name in enumerate(map(str.strip, raw.read_lines(path)), start=1):
                raw.check_name(name, f"{path}, line {number}")
                if not name.startswith(f"{action}_"):
                    raise LanzdmlError(
                        f"{path}, line {number}: {raw.shown(repr(name))} is no image of {action}"
                    )
                if name in actions:
                    raise LanzdmlError(f"{path}, line {number}: {raw.shown(name)} is there already")
                actions[name] = _words(action)
    return actions


def _read_added(root: Path, notion: str, file: str, known: dict[str, str]) -> dict[str, str | None]:
    """Image to label; nothing where the file was not added. Lines of an image and its label."""
    folder = raw.locate(root, file)
    if folder is None:
        _log.warning(
            "stanford40: there is no %s in %s: without it %s has no labels; %s says where it is "
            "from", file, root, notion, raw.LAYOUTS,
        )  # fmt: skip
        return {}
    labels: dict[str, str | None] = {}
    for position, line in enumerate(raw.read_lines(folder / file), start=1):
        image, _, label = line.strip().partition(" ")
        where = f"{folder / file}, line {position}"
        if not label.strip():
            raise LanzdmlError(f"{where}: {line!r:.100} is no image and its {notion}")
        if image not in known:
            raise LanzdmlError(f"{where}: {raw.shown(image)} is none of the collection's images")
        if image in labels:
            raise LanzdmlError(f"{where}: {raw.shown(image)} is there already")
        labels[image] = None if label.strip() == NONE else _words(label.strip())
    distinct = sorted({label for label in labels.values() if label})
    raw.check_prompts("stanford40", f"stanford40_{notion}s.txt", distinct)
    return labels


def _words(name: str) -> str:
    return name.replace("_", " ")
