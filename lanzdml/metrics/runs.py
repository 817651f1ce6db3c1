"""The rows of runs: what was scored, how, and what came out."""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lanzdml.datasets.parquet_file import read_result
from lanzdml.embeddings.storage import PROMPTS, WEIGHTS
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import PROTOCOLS, UsedNotions
from lanzdml.metrics.recalls import RECALLS
from lanzdml.metrics.scores import METRICS, MORE_METRICS, RANK_METRICS

TRAITS = dict.fromkeys(
    ("has_dim", "supervised", "sees_images", "deterministic", "transductive", "external"),
    "boolean",
)
"""What a row says of its method, as tables have to know it of those that are not of this package:
those of :class:`lanzdml.methods.base.Method`, and whether its vectors were made elsewhere."""
CHANCE, MACRO = "chance_", "macro_"
"""What stands before a rank metric's name in columns beside its own: of what it is by chance
(:func:`lanzdml.metrics.chance.chance`) and over classes
(:func:`lanzdml.metrics.scores.macro_scores`)."""
_OF_RANKS = (*RANK_METRICS, *RECALLS)
KMEANS_BATCH_SIZE = "kmeans_batch_size"
_MORE = {
    KMEANS_BATCH_SIZE,
    *MORE_METRICS,
    *(beside + name for beside in (CHANCE, MACRO) for name in RECALLS),
}
ALL_COLUMNS = {
    "dataset": "string",
    "notion": "string",
    "model": "string",
    "protocol": "string",
    "method": "string",
    "dim": "int64",
    "dim_auto": "boolean",
    "n_prompts": "Int64",
    "against": "string",
    "seed": "int64",
    **dict.fromkeys((*METRICS, *MORE_METRICS), "float64"),
    **{beside + name: "float64" for beside in (CHANCE, MACRO) for name in _OF_RANKS},
    KMEANS_BATCH_SIZE: "Int64",
    "fit_seconds": "float64",
    "iterations": "Int64",
    "loss": "float64",
    "n_images": "int64",
    "n_classes": "int64",
    "n_queries": "Int64",
    "tied_queries": "Int64",
    **TRAITS,
    "source": "string",
    "status": "string",
    "reason": "string",
    "labels_sha256": "string",
    PROMPTS: "string",
    WEIGHTS: "string",
}
"""Columns of ``metrics.parquet`` and their types, with those of the metrics beyond the seven, and
``kmeans_batch_size``, images a batch where clusters are of mini-batch k-means: these are there
where they were asked for."""
COLUMNS = {name: kind for name, kind in ALL_COLUMNS.items() if name not in _MORE}
"""The columns that are always there. ``dim`` is the r' that was asked for, which is
more than some methods use; for a method without one it is the size that its vectors have.
Where ``dim_auto``, what the method was fitted to says it; of a stack each part has its own, and
``dim`` is their sum.
``against`` names the prompts of what must not matter that it was told, null for a method that is
not told. ``n_prompts`` counts the prompts that the method was given, null for a method that is
fitted to images instead, ``n_images`` and ``n_classes`` count what has a label, ``n_queries`` the
images whose scores are averaged, and ``tied_queries`` those of them that are as similar to some of
another class as to some of their own, so that rank metrics are expectations; ``fit_seconds`` is
null where nothing was fitted, ``iterations`` and
``loss`` where nothing was optimised, and the metrics where ``status`` is "not_fitted", or some
of them where they are not defined; then ``reason`` says why; ``macro_<metric>`` is the mean over
classes of the mean over a class's images, ``chance_<metric>`` what images in a random order have in
expectation, whatever the method (:mod:`lanzdml.metrics.chance`); ``source`` is where a method comes
from that is not of this package. The digests say what was scored and what it was made of: the
images of the manifest with their labels, the notion's prompts and the model's weights."""
RUN = (
    "dataset", "notion", "model", "protocol", "method", "dim", "dim_auto", "n_prompts", "seed"
)  # fmt: skip
"""The columns of a row's name: no two rows have the same."""
DIGESTS = ("labels_sha256", PROMPTS, WEIGHTS)

SCORED_WITH = "scored_with"
"""Key of the metadata of a run's own file: versions of packages and of the code that scored it, as
JSON."""
LATER = {"dim_auto", "n_queries"}
"""The columns that files of earlier versions lack."""
AUTO_DIM = -1
"""In place of r' in what is grouped by it, where each notion's prompts say their own."""

PER_QUERY = {"map_at_r": "float32", "precision_at_1": "float32"}
"""The metrics that are kept for every query, and as what."""


def traits_of(method: str) -> dict[str, Any]:
    """What a row says of a method of the registry: :data:`TRAITS`, and where it comes from."""
    cls, guest = METHODS[method], METHODS.guest(method)
    traits = {trait: getattr(cls, trait, False) for trait in TRAITS}
    return traits | {"source": guest.told if guest else None}


def write_runs(path: Path, rows: pd.DataFrame, **metadata: str) -> None:
    """Write rows with :data:`COLUMNS` in their order and types; absent columns are null.

    Columns of metrics beyond the seven are written where the rows have them, and metadata is that
    of the schema.
    """
    types = columns_with(rows)
    frame = rows.reindex(columns=list(types))
    numbers = [name for name, kind in types.items() if kind != "string"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    table = pa.Table.from_pandas(frame.astype(types), preserve_index=False)
    told = {**table.schema.metadata, **metadata}
    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(told), temporary)


def columns_with(names: Container[str]) -> dict[str, str]:
    """:data:`COLUMNS` with those of :data:`ALL_COLUMNS` that are among some names, in order."""
    return {name: kind for name, kind in ALL_COLUMNS.items() if name in COLUMNS or name in names}


def read_runs(paths: Sequence[Path], seeds: Sequence[int] | None = None) -> pd.DataFrame:
    """The rows of several files, in the order of the files; of all seeds, or of some.

    Raises:
        LanzdmlError: a file lacks a column, as those of earlier versions do, a run has two rows, or
            runs that are compared or averaged were scored on other images or labels, clustered in
            batches of other sizes, fitted to other prompts, or made with other weights.
    """
    tables = [_read(path).assign(_file=str(path)) for path in paths]
    runs = pd.concat(tables, ignore_index=True)
    repeated = runs.duplicated(list(RUN), keep=False)
    if repeated.any():
        raise _contradiction(runs[repeated], "there twice")
    if KMEANS_BATCH_SIZE in runs:  # absent of k-means of all at once, which is another kind
        sizes = runs.assign(**{KMEANS_BATCH_SIZE: runs[KMEANS_BATCH_SIZE].fillna(0)})
        mixed = sizes.groupby("dataset")[KMEANS_BATCH_SIZE].transform("nunique") > 1
        if mixed.any():
            raise _contradiction(runs[mixed], "clustered in batches of other sizes than one beside")
    for digest, shared in _shared_by(runs).items():
        mixed = runs.groupby(shared, dropna=False)[digest].transform("nunique") > 1
        if mixed.any():
            raise _contradiction(runs[mixed], f"made with another {digest} than one beside it")
    runs = runs[list(columns_with(runs))]
    return runs if seeds is None else runs[runs["seed"].isin(seeds)]


def _read(path: Path) -> pd.DataFrame:
    table = read_result(path, list(ALL_COLUMNS), later=LATER | _MORE).to_pandas()
    table = table.reindex(columns=list(columns_with(table)))
    # All r' were numbers then, and all images queries but those that are alone in their class.
    dim_auto = table["dim_auto"].astype("boolean").fillna(False)
    return table.assign(dim_auto=dim_auto, n_queries=table["n_queries"].astype("Int64"))


def notions_used(rows: pd.DataFrame) -> list[UsedNotions]:
    """Where rows with protocol, dataset, notion and method take prompts and labels from, each."""
    runs = rows[["protocol", "dataset", "notion", "method"]].itertuples(index=False)
    return [PROTOCOLS[protocol].notions_used(*run) for protocol, *run in runs]


def _shared_by(runs: pd.DataFrame) -> dict[str, list[Any]]:
    """What rows have in common that have the same digest, each."""
    sources = notions_used(runs)
    labels = pd.Series([source.labels for source in sources], runs.index)
    prompts = pd.Series([source.prompts for source in sources], runs.index)
    # Finished vectors have a checksum each.
    external = runs["external"].fillna(False).astype("bool")
    models = runs["model"].mask(external, runs.index.astype("str"))
    # Of other queries and galleries there are other images.
    split = runs["protocol"].map(lambda name: PROTOCOLS[name].split)
    shared = ["dataset", labels, split], ["dataset", prompts], [models]
    return dict(zip(DIGESTS, shared, strict=True))


def _contradiction(rows: pd.DataFrame, what: str) -> LanzdmlError:
    row = rows.iloc[0]
    run = ", ".join(f"{name} {row[name]}" for name in RUN[:-1] if not pd.isna(row[name]))
    files = " and ".join(sorted(rows["_file"].unique())[:2])
    return LanzdmlError(f"{files}: the run of {run} is {what}: delete them and run again")


def collect_runs(paths: Sequence[Path], output: Path) -> None:
    """Put the rows of several files into one, in the order of the files."""
    write_runs(output, read_runs(paths))
