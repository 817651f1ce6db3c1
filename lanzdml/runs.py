"""Runs: the scores of one dataset, notion, model, protocol, method, dim and seed, a row each."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.embeddings import labelled_images, weights_of
from lanzdml.files import replacing
from lanzdml.metrics import METRICS, compute_metrics
from lanzdml.protocols import PROTOCOLS, Protocol
from lanzdml.transforms import OK, check_weights, load_transform, read_metadata

COLUMNS = {
    "dataset": "string",
    "notion": "string",
    "model": "string",
    "protocol": "string",
    "method": "string",
    "dim": "int64",
    "n_prompts": "Int64",
    "seed": "int64",
    **dict.fromkeys(METRICS, "float64"),
    "fit_seconds": "float64",
    "iterations": "Int64",
    "loss": "float64",
    "n_images": "int64",
    "n_classes": "int64",
    "status": "string",
    "reason": "string",
}
"""Columns of ``metrics.parquet`` and their types. ``dim`` is the r' that was asked for, which is
more than some methods use; for a method without one it is the size of the embeddings.
``n_prompts`` counts the prompts that the method was given, null for a method that is fitted to
images instead, ``n_images`` and ``n_classes`` count what has a label; ``fit_seconds`` is null where
nothing was fitted, ``iterations`` and ``loss`` where nothing was optimised, and the metrics where
``status`` is "not_fitted", or some of them where they are not defined; then ``reason`` says why."""


def evaluate_runs(
    key: Mapping[str, str],
    *,
    transform_files: Sequence[Path],
    images_file: Path,
    manifest_file: Path,
    outputs: Sequence[Path],
    labels: str | None = None,
    n_threads: int = 1,
) -> None:
    """Transform the labelled images with each transform, score them, and write a row each.

    The protocol says which labels count, what is handed to the transforms and by which distance
    their vectors are compared.

    Args:
        key: dataset, notion, model, protocol and method of the runs.
        transform_files: as many for each output, in the outputs' order.
        images_file, manifest_file: the images' embeddings and labels.
        outputs: parquet with :data:`COLUMNS`.
        labels: the manifest's column of the labels; the notion that the protocol takes them from
            unless given.
        n_threads: for the metrics; the values do not depend on it.
    """
    protocol = PROTOCOLS[key["protocol"]]
    labels = labels or protocol.sources(key["dataset"], key["notion"], key["method"]).labels
    check_weights(transform_files, weights_of(images_file), images_file)
    images, classes = labelled_images(images_file, manifest_file, labels)
    counts = {"n_images": len(classes), "n_classes": len(np.unique(classes))}
    n_seeds = len(transform_files) // len(outputs)
    for position, output in enumerate(outputs):
        rows = [
            dict(key) | counts | _evaluate(path, images, classes, protocol, n_threads)
            for path in transform_files[position * n_seeds : (position + 1) * n_seeds]
        ]
        write_runs(output, pd.DataFrame(rows))


def _evaluate(
    path: Path, images: np.ndarray, labels: np.ndarray, protocol: Protocol, n_threads: int
) -> dict:
    metadata = read_metadata(path)
    seed = int(metadata["seed"])
    row = {
        # a method without a dim keeps the size of the embeddings
        "dim": json.loads(metadata["params"]).get("dim", images.shape[1]),
        "seed": seed,
        **{name: metadata.get(name) for name in ("n_prompts", "fit_seconds", "iterations", "loss")},
        "status": metadata["status"],
        "reason": metadata["reason"] or None,
    }
    if metadata["status"] != OK:
        return row
    vectors = load_transform(path).transform(images, unit_images=protocol.unit_images)
    scores = compute_metrics(
        vectors, labels, seed=seed, distance=protocol.distance, n_threads=n_threads
    )
    if math.isnan(scores["map_at_r"]):
        row["reason"] = "no class has two images"
    return row | scores


def write_runs(path: Path, rows: pd.DataFrame) -> None:
    """Write rows with :data:`COLUMNS` in their order and types; absent columns are null."""
    frame = rows.reindex(columns=list(COLUMNS))
    numbers = [name for name, kind in COLUMNS.items() if kind != "string"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    with replacing(path) as temporary:
        frame.astype(COLUMNS).to_parquet(temporary, index=False)


def read_runs(paths: Sequence[Path], seeds: Sequence[int] | None = None) -> pd.DataFrame:
    """The rows of several files, in the order of the files; of all seeds, or of some."""
    runs = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    return runs if seeds is None else runs[runs["seed"].isin(seeds)]


def collect_runs(paths: Sequence[Path], output: Path) -> None:
    """Put the rows of several files into one, in the order of the files."""
    write_runs(output, read_runs(paths))
