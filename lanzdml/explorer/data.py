"""What is shown as the data of the page, which `app/data.js` reads."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lanzdml.explorer.packing import packed, packed_numbers, shown
from lanzdml.explorer.shown import DatasetShown, MethodShown, NotionShown
from lanzdml.methods import METHODS, method_on_paper
from lanzdml.names import DATASET_NAMES, NOTION_NAMES, on_paper
from lanzdml.report.places import in_text

_MOST_CONFUSIONS = 2_000  # the largest; others are one image or two


def as_data(dataset: DatasetShown, n_images: int) -> dict[str, Any]:
    """A dataset of the page, with pictures to be filled in.

    Args:
        dataset: what is shown.
        n_images: how many images could be looked at, if the page had room.
    """
    most = len(dataset.ids)
    return {
        "name": dataset.dataset,
        "label": shown(on_paper(dataset.dataset, DATASET_NAMES)),
        "n_images": n_images,
        "n_queries": dataset.n_queries,
        "ids": [shown(text) for text in dataset.ids],
        "rows": packed_numbers(dataset.rows, int(dataset.rows.max(initial=0))),
        "thumbnails": [0] * most,
        "notions": [_notion(notion, most) for notion in dataset.notions],
    }


def _notion(notion: NotionShown, most: int) -> dict[str, Any]:
    return {
        "name": notion.notion,
        "label": shown(on_paper(notion.notion, NOTION_NAMES)),
        "several": notion.several,
        "n_images": notion.n_images,
        "n_queries": notion.n_queries,
        "queries": packed_numbers(notion.pictures, most),
        "possible": packed(notion.possible, "u1"),
        "classes": [shown(name) for name in notion.classes],
        "labels": _labels(notion, len(notion.classes)),
        "groups": notion.groups,
        "methods": [_method(method, most) for method in notion.methods],
    }


def _labels(notion: NotionShown, n_classes: int) -> Any:
    """The classes of each picture: a number, or where there may be several a list of them."""
    if notion.several:
        return notion.labels
    return packed_numbers([names[0] if names else -1 for names in notion.labels], n_classes)


def _method(method: MethodShown, most: int) -> dict[str, Any]:
    told = {
        "name": method.method,
        "label": shown(method_on_paper(method.method)),
        "supervised": method.method in METHODS and METHODS[method.method].supervised,
        "dim": method.dim,
        "scores": {name: round(value, 6) for name, value in method.scores.items()},
    }
    if method.reason is not None or method.found is None:
        return told | {"reason": shown(in_text(method.reason or ""))}
    found = method.found
    largest = sorted(found.confusions.items(), key=lambda pair: (-pair[1], pair[0]))
    return told | {
        "k": found.neighbours.shape[1],
        "neighbours": packed_numbers(found.neighbours, most),
        "tied": packed(found.tied, "u1"),
        "beyond": packed(found.beyond, "u4"),
        "queries": {name: packed(scores, "f4") for name, scores in method.of_queries.items()},
        "elsewhere": method.elsewhere,
        "confusions": [[*pair, round(n, 4)] for pair, n in largest[:_MOST_CONFUSIONS]],
        "points": None if method.points is None else packed(_scaled(method.points), "u2"),
        "no_points": method.no_points and shown(method.no_points),
    }


def _scaled(points: ArrayLike) -> Any:
    """Points of the unit square as whole numbers."""
    return np.round(np.clip(points, 0, 1) * (2**16 - 1))
