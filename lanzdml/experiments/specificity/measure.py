"""Scores of transforms on the labels of all notions of their dataset."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lanzdml.datasets.labels import read_all_labels
from lanzdml.datasets.manifest import ID
from lanzdml.embeddings.storage import labelled_images
from lanzdml.errors import CannotFitError
from lanzdml.experiments.task import METRICS, MeasureTask
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.metrics.chance import chance_of, of_other_labels
from lanzdml.metrics.images import vectors_of
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.relevance import Relevance
from lanzdml.metrics.scores import rank_metrics


def measure(task: MeasureTask) -> pd.DataFrame:
    """A row a seed and a notion whose labels it is scored on, on images with labels of both.

    Returns:
        columns seed, scored_on; ``map_at_r`` and ``precision_at_1``, and each with ``_chance``
        (:func:`lanzdml.metrics.chance.chance_of`) and ``_labels`` behind it: what vectors would
        have that tell the labels of the notion and nothing else, more than chance where two notions
        go together; n_images, n_classes, and a ``reason`` where there is no value.
    """
    notion, protocol = task.run["notion"], PROTOCOLS[task.run["protocol"]]
    own = task.labels[notion]
    embeddings, classes, ids = labelled_images(Path(task.images), Path(task.manifest), own)
    table = read_all_labels(Path(task.manifest), task.labels).set_index(ID).loc[ids]
    rows: list[dict[str, Any]] = []
    for seed, transform in zip(task.seeds, task.transforms, strict=True):
        reason, vectors = None, None
        try:
            with reasons_of(task.run["method"]):
                vectors = vectors_of(
                    transform,
                    embeddings,
                    Path(task.manifest),
                    own,
                    unit_images=protocol.unit_images,
                )
        except CannotFitError as error:
            reason = str(error)
        for name in task.labels:
            labels = table[name]
            both = labels.notna().to_numpy()
            row: dict[str, Any] = {"seed": seed, "scored_on": name}
            row |= _facts(classes[both], labels[both].to_numpy())
            row |= {"reason": reason} if reason else {}
            if vectors is not None and "reason" not in row:
                scores = rank_metrics(
                    vectors[both], labels[both].to_numpy(), distance=protocol.distance
                )
                row |= {metric: scores[metric] for metric in METRICS}
            rows.append(row)
    columns = [name + end for name in METRICS for end in ("", "_chance", "_labels")]
    return pd.DataFrame(rows).reindex(
        columns=["seed", "scored_on", *columns, "n_images", "n_classes", "reason"]
    )


def _facts(own: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """What is known of images with labels of two notions, whatever their vectors are."""
    facts: dict[str, Any] = {"n_images": len(labels), "n_classes": 0}
    few = "fewer than two classes"
    if len(labels):
        relevance = Relevance.of(labels)
        facts["n_classes"] = relevance.n_values
        if relevance.n_values > 1:
            few = "" if relevance.n_relevant().any() else "no class with two images"
    if few:
        return facts | {"reason": f"{few} among the images that have labels of both"}
    by_chance, by_labels = chance_of(labels), of_other_labels(own, labels)
    for metric in METRICS:
        facts |= {f"{metric}_chance": by_chance[metric], f"{metric}_labels": by_labels[metric]}
    return facts
