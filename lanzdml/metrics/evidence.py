"""What statistics need of a run beside its metrics, and where it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.files import replacing
from lanzdml.metrics.clusters import CLUSTER_METRICS
from lanzdml.metrics.resampling import RESAMPLED
from lanzdml.metrics.runs import AUTO_DIM, COLUMNS, PER_QUERY

_RUN = ["dataset", "notion", "model", "protocol", "method", "dim"]
_COLUMNS = {
    "queries": {"seed": "int64", "image_id": "string", **PER_QUERY},
    "clusterings": {
        "fit_seed": "int64", "clustering_seed": "int64",
        **dict.fromkeys(CLUSTER_METRICS, "float64"),
    },
    "draws": {"seed": "int64", "draw": "int64", **dict.fromkeys(RESAMPLED, "float64")},
}  # fmt: skip
EVIDENCE_COLUMNS = {
    stage: {name: COLUMNS[name] for name in _RUN} | columns for stage, columns in _COLUMNS.items()
}
"""The columns of each file of :class:`Evidence`, which begin with the run's, and their types."""


@dataclass(frozen=True)
class Evidence:
    """Parquet files of a run beside its metrics, which name it in each row,
    with :data:`lanzdml.metrics.runs.AUTO_DIM` as dim where the prompts say r'.

    Attributes:
        queries: ``seed``, ``image_id`` and the metrics of :data:`lanzdml.metrics.runs.PER_QUERY`, a
            row a query. Images that are alone in their class are no queries, and runs that could
            not be made have none.
        clusterings: ``fit_seed``, ``clustering_seed``, ami and nmi: what the seeds of fit and
            k-means do each, as a run has one for both. Of the first fit with the seed of each run,
            and of each fit with the first seed.
        draws: ``seed``, ``draw`` and the metrics of :mod:`lanzdml.metrics.resampling`: what they
            are on other images.
    """

    queries: str
    clusterings: str
    draws: str


def write_evidence(
    evidence: Evidence,
    row: Mapping[str, Any],
    seeds: Sequence[int],
    ids: NDArray[Any],
    queries: dict[str, NDArray[np.float64]],
    pairs: dict[tuple[int, int], dict[str, float]],
    draws: dict[str, NDArray[np.float64]],
) -> None:
    """Write all files of a run.

    Args:
        evidence: where to.
        row: the columns of the run.
        seeds: of the run.
        ids: (n,) of the images.
        queries: (n,) scores by metric; nothing of what could not be made.
        pairs: metrics of clusters by the seeds of fit and k-means.
        draws: (n_draws,) scores by metric.
    """
    table = {"dim": AUTO_DIM} if row["dim_auto"] else {}
    run = {name: row[name] for name in _RUN} | table
    of_queries = pd.concat([_query_rows(seed, queries, ids) for seed in seeds])
    _write_rows(evidence.queries, run, of_queries, EVIDENCE_COLUMNS["queries"])
    clusterings = [
        {"fit_seed": fit, "clustering_seed": seed, **values}
        for (fit, seed), values in pairs.items()
    ]
    _write_rows(
        evidence.clusterings, run, pd.DataFrame(clusterings), EVIDENCE_COLUMNS["clusterings"]
    )
    # Those of equal fits are equal.
    of_draws = pd.DataFrame(draws).assign(seed=seeds[0])
    of_draws = of_draws.assign(draw=range(len(of_draws)))
    _write_rows(evidence.draws, run, of_draws, EVIDENCE_COLUMNS["draws"])


def _query_rows(
    seed: int, queries: dict[str, NDArray[np.float64]], ids: NDArray[Any]
) -> pd.DataFrame:
    """The kept scores of a run's queries, a row each."""
    if not queries:
        return pd.DataFrame()
    is_query = ~np.isnan(queries["map_at_r"])
    kept = {name: queries[name][is_query] for name in PER_QUERY}
    return pd.DataFrame({"seed": seed, "image_id": ids[is_query], **kept})


def _write_rows(path: str, run: dict[str, Any], rows: pd.DataFrame, types: dict[str, str]) -> None:
    """Write rows of one run, which its name goes before."""
    frame = rows.assign(**run).reindex(columns=list(types))
    with replacing(path) as temporary:
        frame.astype(types).to_parquet(temporary, index=False, compression="zstd")
