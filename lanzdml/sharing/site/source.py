"""A folder of results as the site reads it: its record, its runs, and what is kept of them.

Folders may be somebody else's. What is taken from one is numbers in their range, and texts.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.config.place import check_links
from lanzdml.datasets.manifest import ID
from lanzdml.datasets.parquet_file import read_result
from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.runs import ALL_COLUMNS, PER_QUERY, RUN, TRAITS, read_runs, traits_of
from lanzdml.metrics.scores import METRICS, MORE_METRICS
from lanzdml.names import METRIC_NAMES, one_line, shortened
from lanzdml.report.places import without_places
from lanzdml.sharing.parts import Part, read_parts
from lanzdml.sharing.record import RECORD, Record, read_record
from lanzdml.sharing.rows import read_rows
from lanzdml.significance.kept import Run, by_run, mean_draws
from lanzdml.transforms.storage import OK

_LONGEST_NAME = 60
_SCORES = [name for name, kind in ALL_COLUMNS.items() if kind == "float64"]
_SCORES = [name for name in _SCORES if name not in ("fit_seconds", "loss")]
_COUNTS = [name for name, kind in ALL_COLUMNS.items() if kind in ("int64", "Int64")]
_MOST = 10**12


@dataclass(frozen=True)
class Source:
    """A folder of results.

    Attributes:
        number: its place on the site, from 1.
        name: what the site calls it.
        folder: where it lies; the site does not tell.
        record: what it says of itself.
        runs: the rows of ``metrics.parquet``.
        parts: the folders that it was merged of, if it was.
    """

    number: int
    name: str
    folder: Path
    record: Record
    runs: pd.DataFrame
    parts: Sequence[Part] = ()

    @property
    def metrics(self) -> list[str]:
        """The metrics that its runs have."""
        return [*METRICS, *(name for name in MORE_METRICS if name in self.runs)]

    @cached_property
    def queries(self) -> dict[Run, pd.DataFrame]:
        """Scores of every query, means over the seeds, by run; of those that are kept."""
        return self._kept("queries", lambda rows: rows.groupby(ID)[list(PER_QUERY)].mean())

    @cached_property
    def draws(self) -> dict[Run, pd.DataFrame]:
        """Scores of drawn collections, as :func:`lanzdml.significance.kept.mean_draws`."""
        return self._kept("draws", mean_draws)

    def _kept(
        self, kind: str, reduce: Callable[[pd.DataFrame], pd.DataFrame]
    ) -> dict[Run, pd.DataFrame]:
        paths = sorted((self.folder / kind).rglob("*.parquet"))
        for path in paths:
            _check_kept(path, kind)
        with_dim = set(self.runs.loc[self.runs["has_dim"].fillna(False), "method"])
        try:
            return by_run(paths, reduce, with_dim)
        except (KeyError, TypeError, ValueError) as error:
            raise LanzdmlError(
                f"{self.folder / kind} is not as a run writes it: {error}; delete it and run again"
            ) from None


def _check_kept(path: Path, kind: str) -> None:
    """Raise for scores of queries or draws that no metric gives, or draws that are not all."""
    rows = read_rows(path, kind)
    for metric in PER_QUERY:
        values = rows[metric].to_numpy("float64")
        if not ((values >= 0) & (values <= 1)).all():
            raise LanzdmlError(f"{path}: {METRIC_NAMES[metric]} is no score in each row")
    if kind == "draws" and (rows["draw"] != rows.groupby("seed").cumcount()).any():
        raise LanzdmlError(f"{path}: its draws are not numbered from 0")


def read_sources(folders: Sequence[Path]) -> list[Source]:
    """Several folders of results, in their order.

    Raises:
        LanzdmlError: one is none, is there twice, holds rows that cannot be, or a link out of it.
    """
    places = [os.path.realpath(folder) for folder in folders]
    names = [folder_name(Path(place).name) for place in places]
    sources = []
    for position, (folder, place) in enumerate(zip(folders, places, strict=True)):
        number, name = position + 1, names[position]
        if place in places[:position]:
            raise LanzdmlError(f"{folder} is named twice")
        if not folder.is_dir():
            raise LanzdmlError(f"there is no folder {folder}")
        check_links(folder)
        if names.count(name) > 1:
            name = f"{name} ({number})"
        sources.append(
            Source(number, name, folder, _record(folder), _read_runs(folder), read_parts(folder))
        )
    return sources


def folder_name(name: str) -> str:
    """What the site calls a folder of that name."""
    return shortened(one_line(name), _LONGEST_NAME)


def _record(folder: Path) -> Record:
    path = folder / RECORD
    record = read_record(folder)
    try:  # it is passed on
        json.dumps(without_places(record.config), allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise LanzdmlError(f"{path}: no run has such a configuration: {error}") from None
    return record


def _read_runs(folder: Path) -> pd.DataFrame:
    path = folder / "metrics.parquet"
    if not path.is_file():
        raise LanzdmlError(f"{path} is not there: run its workflow, which makes what is missing")
    protocols = read_result(path, ["protocol"]).column(0).to_pylist()
    if unknown := sorted({str(name) for name in protocols} - {*PROTOCOLS}):
        raise LanzdmlError(f"{path}: there is no protocol {unknown[0]!r} here")
    try:
        runs = read_runs([path])
        runs = runs.astype({name: kind for name, kind in ALL_COLUMNS.items() if name in runs})
    except (TypeError, ValueError) as error:
        raise LanzdmlError(f"{path} has a column of another kind: {error}") from None
    _check_values(path, runs)
    return runs


def _check_values(path: Path, runs: pd.DataFrame) -> None:
    """Raise for what no run has: no name, or a number that no run gives."""
    if runs.empty:
        raise LanzdmlError(f"{path} has no rows: there is nothing to rank")
    for column in ("dataset", "notion", "model", "method", "has_dim", "supervised", "status"):
        if runs[column].isna().any():
            raise LanzdmlError(f"{path}: a row has no {column}")
    scores = [name for name in _SCORES if name in runs]
    for name in scores:
        _refuse(path, runs, name, runs[name].isna() | (runs[name].abs() <= 1))
    for name in (name for name in _COUNTS if name in runs):
        _refuse(path, runs, name, runs[name].isna() | runs[name].between(0, _MOST))
    for name in ("fit_seconds", "loss"):
        _refuse(path, runs, name, runs[name].isna() | np.isfinite(runs[name]))
    made = runs["status"] == OK
    for name in METRICS:
        _refuse(path, runs, name, runs[name].isna() | made)
    ours = ~runs["external"].fillna(False) & runs["method"].map(METHODS.is_ours)
    for method, of_method in runs[ours].groupby("method", sort=False):
        for trait, value in traits_of(str(method)).items():
            if trait in TRAITS:
                _refuse(path, of_method, trait, of_method[trait] == value)


def _refuse(path: Path, runs: pd.DataFrame, column: str, right: pd.Series) -> None:
    """Raise for the first row that is not right."""
    for position in np.flatnonzero(~right.fillna(False).to_numpy("bool")):
        row = runs.iloc[position]
        run = ", ".join(f"{name} {row[name]}" for name in RUN if not pd.isna(row[name]))
        raise LanzdmlError(
            f"{path}: {METRIC_NAMES.get(column, column)} of the run of {run} is {row[column]}, "
            "which no run has"
        )
