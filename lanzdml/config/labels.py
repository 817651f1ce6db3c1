"""The labels of a dataset's notions: whether they are there."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from lanzdml.datasets import OwnDataset
from lanzdml.datasets.manifest import NOT_NOTIONS
from lanzdml.embeddings.prompts import FROM_LABELS
from lanzdml.errors import suggest

if TYPE_CHECKING:
    from lanzdml.config.datasets import DatasetConfig


def check_labels(
    dataset: "DatasetConfig", key: str, name: str, notion_name: str, known: Collection[str]
) -> list[str]:
    """Whether a notion has the labels that it needs, among those that are known."""
    where, notion = f"{key}.notions.{notion_name}", dataset.notions[notion_name]
    column = notion.labels or notion_name
    if notion_name in NOT_NOTIONS:
        return [f"{where}: no notion can be called {notion_name}"]
    if notion.combine is not None:
        return notion.check_parts(where, notion_name, dataset.notions, known)
    if column in known:
        own = OwnDataset(Path(dataset.labels)) if dataset.labels is not None else None
        if own and notion.labels_separator is not None and column in own.lists:
            return [
                f"{where}.labels_separator: column {column!r} of {dataset.labels} holds lists of "
                "values already; leave it out"
            ]
        if not notion.scored or own is None or column in own.labelled:
            return []
        return [
            f"{where}: {dataset.labels} has no label in column {column!r}; if that is right, say "
            "scored: false"
        ]
    none = (
        f"{name} has no notion {column!r}"
        if dataset.labels is None
        else f"{dataset.labels} has no column {column!r} of names or integers"
    )
    if dataset.torchvision:
        none = f"{key}.torchvision.notions has no {column!r}"
    if notion.labels is not None:
        return [f"{where}.labels: {none}; {suggest(column, known)}"]
    if notion.scored:
        advice = "if the notion has no labels, say scored: false"
    elif notion.takes_labels:
        advice = f"aspects: {FROM_LABELS} needs them"
    else:
        return []
    return [f"{where}: {none}; {suggest(notion_name, known)}; {advice}"]
