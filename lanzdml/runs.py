"""Runs: one dataset, notion, model, method, dim and seed, fitted and then evaluated."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.embeddings import read_embeddings
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.files import replacing
from lanzdml.manifest import ID, read_manifest
from lanzdml.methods import METHODS
from lanzdml.metrics import METRICS, compute_metrics
from lanzdml.transforms import (
    OK,
    load_transform,
    read_metadata,
    save_not_fitted,
    save_transform,
)

COLUMNS = {
    "dataset": "string",
    "notion": "string",
    "model": "string",
    "method": "string",
    "dim": "int64",
    "n_prompts": "int64",
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
"""Columns of ``metrics.parquet`` and their types. ``dim`` is the size of the vectors that are
scored, ``n_prompts`` the notion's prompts, ``n_images`` and ``n_classes`` count what has a label;
``fit_seconds`` is null where nothing was fitted, ``iterations`` and ``loss`` where nothing was
optimised, and the metrics where ``status`` is "not_fitted"; then ``reason`` says why."""


def new_estimator(method: str, dim: str):
    """An unfitted estimator; ``dim`` is a number, or anything for methods without one."""
    return METHODS[method](dim=int(dim)) if METHODS[method].has_dim else METHODS[method]()


def labelled_images(
    images_file: Path, manifest_file: Path, notion: str
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and labels of the images that have a label for the notion.

    Raises:
        LanzdmlError: the two files are not about the same images, or none has a label.
    """
    rows, embeddings, _ = read_embeddings(images_file)
    manifest = read_manifest(manifest_file, columns=[ID, notion])
    if not rows[ID].equals(manifest[ID]):
        raise LanzdmlError(
            f"{images_file} holds other images than {manifest_file}: delete it and run again"
        )
    labelled = manifest[notion].notna().to_numpy()
    if not labelled.any():
        raise LanzdmlError(f"{manifest_file}: no image has a label for {notion}")
    return embeddings[labelled], manifest[notion][labelled].to_numpy()


def fit_runs(
    method: str,
    dim: str,
    seeds: Sequence[int],
    *,
    prompts_file: Path,
    outputs: Sequence[Path],
    supervision: tuple[Path, Path, str] | None = None,
) -> None:
    """Fit a method for each seed and store one transform a seed.

    A method that cannot be fitted to these prompts is stored as such, with the reason.

    Args:
        method: a name of the registry.
        dim: r', or anything for methods without one.
        seeds: one run each.
        prompts_file: prompt embeddings of the notion.
        outputs: one file a seed, in the seeds' order.
        supervision: images file, manifest file and notion, for a supervised method only.
    """
    from lanzdml.methods.base import fit_seeds

    estimator = new_estimator(method, dim)
    _, prompts, _ = read_embeddings(prompts_file)
    metadata = {"n_prompts": len(prompts)}
    data, labels = (prompts, None) if supervision is None else labelled_images(*supervision)
    try:
        fitted = fit_seeds(estimator, data, seeds, labels)
    except CannotFitError as error:
        for seed, output in zip(seeds, outputs, strict=True):
            estimator.set_params(random_state=seed)
            save_not_fitted(output, estimator, str(error), **metadata)
        return
    for transform, output in zip(fitted, outputs, strict=True):
        save_transform(output, transform, **metadata)


def evaluate_runs(
    key: Mapping[str, str],
    *,
    transform_files: Sequence[Path],
    images_file: Path,
    manifest_file: Path,
    output: Path,
    n_threads: int = 1,
) -> None:
    """Transform the labelled images with each transform, score them, and write a row each.

    Args:
        key: dataset, notion, model, method and dim of the runs.
        transform_files: one a seed.
        images_file, manifest_file: the images' embeddings and labels.
        output: parquet with :data:`COLUMNS`.
        n_threads: for the metrics; the values do not depend on it.
    """
    images, labels = labelled_images(images_file, manifest_file, key["notion"])
    counts = {"n_images": len(labels), "n_classes": len(np.unique(labels))}
    rows = [
        _evaluate(path, images, labels, n_threads) | dict(key) | counts for path in transform_files
    ]
    for row in rows:
        row["dim"] = row.pop("size", key["dim"])
    write_runs(output, pd.DataFrame(rows))


def _evaluate(path: Path, images: np.ndarray, labels: np.ndarray, n_threads: int) -> dict:
    metadata = read_metadata(path)
    seed = int(metadata["seed"])
    row = {
        "seed": seed,
        **{name: metadata.get(name) for name in ("n_prompts", "fit_seconds", "iterations", "loss")},
        "status": metadata["status"],
        "reason": metadata["reason"] or None,
    }
    if metadata["status"] != OK:
        return row
    vectors = load_transform(path).transform(images)
    scores = compute_metrics(vectors, labels, seed=seed, n_threads=n_threads)
    return row | scores | {"size": vectors.shape[1]}


def write_runs(path: Path, rows: pd.DataFrame) -> None:
    """Write rows with :data:`COLUMNS` in their order and types; absent columns are null."""
    frame = rows.reindex(columns=list(COLUMNS))
    numbers = [name for name, kind in COLUMNS.items() if kind != "string"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    with replacing(path) as temporary:
        frame.astype(COLUMNS).to_parquet(temporary, index=False)


def collect_runs(paths: Sequence[Path], output: Path) -> None:
    """Put the rows of several files into one, in the order of the files."""
    write_runs(output, pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True))
