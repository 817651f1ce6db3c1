"""The rows of a run's files, which anybody may have written: read by what their stage holds."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from lanzdml.datasets.parquet_file import read_result
from lanzdml.errors import LanzdmlError
from lanzdml.metrics.evidence import EVIDENCE_COLUMNS
from lanzdml.metrics.runs import ALL_COLUMNS, COLUMNS, LATER

ROW_KEYS = {
    "metrics": ["seed"],
    "queries": ["seed", "image_id"],
    "clusterings": ["fit_seed", "clustering_seed"],
    "draws": ["seed", "draw"],
}
"""The files of a run, by stage, and which columns name a row."""
_TYPES = {"metrics": ALL_COLUMNS, **EVIDENCE_COLUMNS}
_OPTIONAL = {"metrics": {*ALL_COLUMNS} - {*COLUMNS} | LATER}


def read_rows(path: Path, stage: str) -> pd.DataFrame:
    """The rows of one of a run's files, with the types that a run writes.

    Args:
        path: the file.
        stage: a key of :data:`ROW_KEYS`.

    Raises:
        LanzdmlError: it cannot be read, lacks a column, or has one that no run writes.
    """
    types = _TYPES[stage]
    table = read_result(path)
    here = set(table.column_names)
    if strange := here - types.keys():
        raise LanzdmlError(f"{path} has a column {min(strange)!r}, which no run writes")
    if missing := types.keys() - here - _OPTIONAL.get(stage, set()):
        raise LanzdmlError(f"{path} has no column {min(missing)!r}: delete it and run again")
    try:
        frame = plain(table)
        return frame.astype({name: types[name] for name in frame})
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise LanzdmlError(f"{path} has a column of another kind: {error}") from None


def plain(table: pa.Table) -> pd.DataFrame:
    """A table without what its metadata say of pandas, which may be anything."""
    frame: pd.DataFrame = table.replace_schema_metadata().to_pandas()
    return frame
