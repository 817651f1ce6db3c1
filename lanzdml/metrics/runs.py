"""Runs: the scores of one dataset, notion, model, protocol, method, dim and seed, a row each."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.datasets.manifest import LabelColumns, fingerprint_of
from lanzdml.embeddings.storage import PROMPTS, WEIGHTS, digest_of, labelled_images, weights_of
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import PROTOCOLS, Protocol
from lanzdml.metrics.resampling import RESAMPLED, resampled_scores
from lanzdml.metrics.scores import METRICS, cluster_metrics, mean_scores, query_scores_and_ties
from lanzdml.transforms.storage import OK, check_weights, load_transform, read_metadata

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
    "tied_queries": "Int64",
    "status": "string",
    "reason": "string",
    "labels_sha256": "string",
    PROMPTS: "string",
    WEIGHTS: "string",
}
"""Columns of ``metrics.parquet`` and their types. ``dim`` is the r' that was asked for, which is
more than some methods use; for a method without one it is the size that its vectors have.
``n_prompts`` counts the prompts that the method was given, null for a method that is fitted to
images instead, ``n_images`` and ``n_classes`` count what has a label, ``tied_queries`` the images
that are as similar to some of another class as to some of their own, so that rank metrics are
expectations; ``fit_seconds`` is null where nothing was fitted, ``iterations`` and ``loss`` where
nothing was optimised, and the metrics where ``status`` is "not_fitted", or some of them where they
are not defined; then ``reason`` says why. The digests say what was scored and what it was made of:
the images of the manifest with their labels, the notion's prompts and the model's weights."""
RUN = ("dataset", "notion", "model", "protocol", "method", "dim", "n_prompts", "seed")
"""The columns of a row's name: no two rows have the same."""
DIGESTS = ("labels_sha256", PROMPTS, WEIGHTS)

PER_QUERY = {"map_at_r": "float32", "precision_at_1": "float32"}
"""The metrics that are kept for every query, and as what."""
CLUSTERED = ("ami", "nmi")
_RUN = ["dataset", "notion", "model", "protocol", "method", "dim"]
_DRAW_COLUMNS = {"seed": "int64", "draw": "int64", **dict.fromkeys(RESAMPLED, "float64")}
_QUERY_COLUMNS = {"seed": "int64", "image_id": "string", **PER_QUERY}
_CLUSTERING_COLUMNS = {
    "fit_seed": "int64", "clustering_seed": "int64", **dict.fromkeys(CLUSTERED, "float64")
}  # fmt: skip


def evaluate_runs(
    key: Mapping[str, str],
    *,
    transform_files: Sequence[Path],
    images_file: Path,
    manifest_file: Path,
    labels: LabelColumns,
    outputs: Sequence[Path],
    queries_file: Path | None = None,
    clusterings_file: Path | None = None,
    draws_file: Path | None = None,
    n_threads: int = 1,
) -> None:
    """Transform the labelled images with each transform, score them, and write a row each.

    The protocol says what is handed to the transforms and by which distance
    their vectors are compared.

    Args:
        key: dataset, notion, model, protocol and method of the runs.
        transform_files: as many for each output, in the outputs' order.
        images_file, manifest_file: the images' embeddings and labels.
        labels: where the labels are in the manifest.
        outputs: parquet with :data:`COLUMNS`.
        queries_file: where to keep the scores of every query: parquet with dataset, notion, model,
            protocol, method and dim of the run, ``seed``, ``image_id`` and :data:`PER_QUERY`.
            Images that are alone in their class are no queries, and runs that could not be made
            have none.
        clusterings_file: where to keep what the seeds of fit and k-means do each, as a run has one
            for both: parquet with the run, ``fit_seed``, ``clustering_seed``, ami and nmi, of the
            first fit with every seed of k-means, and of every other fit with the first.
        draws_file: where to keep what the metrics are on other images: parquet with the run,
            ``seed``, ``draw`` and the metrics of :mod:`lanzdml.metrics.resampling`. Fits that are
            equal have those of the first.
        n_threads: for the metrics; the values do not depend on it.
    """
    protocol = PROTOCOLS[key["protocol"]]
    check_weights(transform_files, weights_of(images_file), images_file)
    images, classes, image_ids = labelled_images(images_file, manifest_file, labels)
    of_all = {
        "n_images": len(classes),
        "n_classes": len(np.unique(classes)),
        "labels_sha256": digest_of([fingerprint_of(manifest_file), *image_ids, *classes]),
        WEIGHTS: weights_of(images_file),
    }
    stored = map(read_metadata, transform_files)
    seeds = [int(metadata["seed"]) for metadata in stored if metadata["status"] == OK]
    # Equal fits are clustered by their own seeds, which is all there is to know.
    same = METHODS[key["method"]].deterministic
    crossed = seeds if clusterings_file and not same else []
    drawn = [] if draws_file is None else seeds[:1] if same else seeds
    scored = [
        _evaluate(path, images, classes, protocol, crossed, drawn, n_threads)
        for path in transform_files
    ]
    rows = [dict(key) | of_all | row for row, *_ in scored]
    n_seeds = len(transform_files) // len(outputs)
    for position, output in enumerate(outputs):
        write_runs(output, pd.DataFrame(rows[position * n_seeds : (position + 1) * n_seeds]))
    if queries_file:
        kept = [_query_rows(row, queries, image_ids) for row, queries, *_ in scored]
        _write_beside(queries_file, rows[0], pd.concat(kept), _QUERY_COLUMNS)
    if clusterings_file:
        clusters = {row["seed"]: of_run for row, _, of_run, _ in scored}
        pairs = [*product(seeds[:1], seeds), *product(seeds[1:], seeds[:1])]
        found = [
            {"fit_seed": fit, "clustering_seed": seed, **clusters[seed if same else fit][seed]}
            for fit, seed in pairs
        ]
        _write_beside(clusterings_file, rows[0], pd.DataFrame(found), _CLUSTERING_COLUMNS)
    if draws_file:
        draws = [pd.DataFrame(found).assign(seed=row["seed"]) for row, *_, found in scored]
        draws = [table.assign(draw=range(len(table))) for table in draws]
        _write_beside(draws_file, rows[0], pd.concat(draws), _DRAW_COLUMNS)


def _evaluate(
    path: Path,
    images: np.ndarray,
    labels: np.ndarray,
    protocol: Protocol,
    crossed: Sequence[int],
    drawn: Sequence[int],
    n_threads: int,
) -> tuple[dict, dict[str, np.ndarray], dict[int, dict[str, float]], dict[str, np.ndarray]]:
    """A run's row, its queries' scores, AMI and NMI by the seed of k-means, and scores by draw.

    The scores are (n,) a rank metric, none if the run was not made. Clusters are those of its own
    seed and, of the seeds that are crossed, of all for the first fit and of the first for others.
    Images are drawn anew for the fits of the seeds ``drawn``.
    """
    metadata = read_metadata(path)
    seed, dim = int(metadata["seed"]), json.loads(metadata["params"]).get("dim")
    row = {
        "dim": images.shape[1] if dim is None else dim,
        "seed": seed,
        **{
            name: metadata.get(name)
            for name in ("n_prompts", "fit_seconds", "iterations", "loss", PROMPTS)
        },
        "status": metadata["status"],
        "reason": metadata["reason"] or None,
    }
    if metadata["status"] != OK:
        return row, {}, {}, {}
    vectors = load_transform(path).transform(images, unit_images=protocol.unit_images)
    if dim is None:  # of a method whose size nobody chooses
        row["dim"] = vectors.shape[1]
    compared = {"distance": protocol.distance}
    queries, tied = query_scores_and_ties(vectors, labels, **compared, n_threads=n_threads)
    scores = mean_scores(queries)
    row["tied_queries"] = int(tied.sum())
    if math.isnan(scores["map_at_r"]):
        row["reason"] = "no class has two images"
    others = crossed if seed in crossed[:1] else crossed[:1]
    clusters = {
        each: cluster_metrics(vectors, labels, seed=each, **compared)
        for each in dict.fromkeys([seed, *others])
    }
    draws = {}
    if seed in drawn:
        draws = resampled_scores(vectors, labels, **compared, n_threads=n_threads)
    return row | scores | clusters[seed], queries, clusters, draws


def _query_rows(row: dict, queries: dict[str, np.ndarray], image_ids: np.ndarray) -> pd.DataFrame:
    """The kept scores of a run's queries, a row each."""
    if not queries:
        return pd.DataFrame()
    is_query = ~np.isnan(queries["map_at_r"])
    kept = {name: queries[name][is_query] for name in PER_QUERY}
    return pd.DataFrame({"seed": row["seed"], "image_id": image_ids[is_query], **kept})


def _write_beside(path: Path, run: dict, rows: pd.DataFrame, columns: dict[str, str]) -> None:
    """Write rows of one run, which its name goes before."""
    types = {name: COLUMNS[name] for name in _RUN} | columns
    frame = rows.assign(**{name: run[name] for name in _RUN}).reindex(columns=list(types))
    with replacing(path) as temporary:
        frame.astype(types).to_parquet(temporary, index=False, compression="zstd")


def write_runs(path: Path, rows: pd.DataFrame) -> None:
    """Write rows with :data:`COLUMNS` in their order and types; absent columns are null."""
    frame = rows.reindex(columns=list(COLUMNS))
    numbers = [name for name, kind in COLUMNS.items() if kind != "string"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    with replacing(path) as temporary:
        frame.astype(COLUMNS).to_parquet(temporary, index=False)


def read_runs(paths: Sequence[Path], seeds: Sequence[int] | None = None) -> pd.DataFrame:
    """The rows of several files, in the order of the files; of all seeds, or of some.

    Raises:
        LanzdmlError: a run has two rows, or runs that are compared or averaged were scored on other
            images or labels, fitted to other prompts, or made with other weights.
    """
    tables = [pd.read_parquet(path).assign(_file=str(path)) for path in paths]
    runs = pd.concat(tables, ignore_index=True)
    repeated = runs.duplicated(list(RUN), keep=False)
    if repeated.any():
        raise _contradiction(runs[repeated], "there twice")
    for digest, shared in _shared_by(runs).items():
        mixed = runs.groupby(shared, dropna=False)[digest].transform("nunique") > 1
        if mixed.any():
            raise _contradiction(runs[mixed], f"made with another {digest} than one beside it")
    runs = runs.drop(columns="_file")
    return runs if seeds is None else runs[runs["seed"].isin(seeds)]


def _shared_by(runs: pd.DataFrame) -> dict[str, list]:
    """What rows have in common that have the same digest, each."""
    sources = [
        PROTOCOLS[protocol].sources(dataset, notion, method)
        for protocol, dataset, notion, method in runs[
            ["protocol", "dataset", "notion", "method"]
        ].itertuples(index=False)
    ]
    labels = pd.Series([source.labels for source in sources], runs.index)
    prompts = pd.Series([source.prompts for source in sources], runs.index)
    shared = ["dataset", labels], ["dataset", prompts], ["model"]
    return dict(zip(DIGESTS, shared, strict=True))


def _contradiction(rows: pd.DataFrame, what: str) -> LanzdmlError:
    row = rows.iloc[0]
    run = ", ".join(f"{name} {row[name]}" for name in RUN[:-1] if not pd.isna(row[name]))
    files = " and ".join(sorted(rows["_file"].unique())[:2])
    return LanzdmlError(f"{files}: the run of {run} is {what}: delete them and run again")


def collect_runs(paths: Sequence[Path], output: Path) -> None:
    """Put the rows of several files into one, in the order of the files."""
    write_runs(output, read_runs(paths))
