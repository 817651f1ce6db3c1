"""Measurements of experiments: a method on a notion each, one after the other in a job."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.datasets.parquet_file import read_result
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.task import MeasureTask
from lanzdml.files import Kept, content_of, digest, replacing, write_text
from lanzdml.methods import METHODS
from lanzdml.methods.dim import is_auto
from lanzdml.metrics.runs import AUTO_DIM
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.markup import markdown_note


def module_of(experiment: str, part: str) -> str:
    """The module ``measure`` or ``table`` of an experiment, whose code is its results' version."""
    return f"{EXPERIMENTS.module(experiment).rpartition('.')[0]}.{part}"


def measure_runs(
    tasks: Iterable[MeasureTask],
    *,
    kept: Path | Kept,
    progress: Callable[[int], object] = lambda n: None,
) -> None:
    """Measure, and write the rows of each task; what was measured before is taken from there.

    Args:
        tasks: what to measure.
        kept: what is kept, or its folder.
        progress: is called with how many more tasks are done.

    Raises:
        LanzdmlError: files do not belong together, or cannot be read.
    """
    store, content = Kept.at(kept), cache(content_of)
    for task in tasks:
        named = (
            task.run, task.dim, task.settings, task.labels, task.seeds, task.external, task.wording
        )  # fmt: skip
        contents = [content(path) for path in task.files]
        made_of = digest("measure", task.experiment, task.version, *map(_plain, named), *contents)
        if store.take(made_of, [task.output]):
            progress(1)
            continue
        rows = import_module(module_of(task.experiment, "measure")).measure(task)
        dim = AUTO_DIM if is_auto(task.dim) else task.dim
        rows = rows.assign(**task.run, dim=dim, supervised=task.supervised)
        with replacing(task.output) as temporary:
            rows.astype({"dim": "Int64"}).to_parquet(temporary, index=False)
        # What code of others lacked may be there when it runs again.
        if METHODS.is_ours(task.run["method"]) or rows["reason"].isna().all():
            store.keep(made_of, [task.output])
        progress(1)


def _plain(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, Mapping) else value


def write_measured(experiment: str, files: Sequence[Path], paths: Iterable[Path]) -> None:
    """Write an experiment's table as what each path's suffix says, ``csv`` or ``md``.

    Args:
        experiment: its name.
        files: what was measured.
        paths: where to.
    """
    table = import_module(module_of(experiment, "table"))
    rows = pd.concat([read_result(path).to_pandas() for path in files], ignore_index=True)
    summary = table.summarise(rows)
    for path in paths:
        if path.suffix == ".csv":
            write_text(path, to_csv(summary))
            continue
        parts = [
            "\n".join([f"{markdown_note(part.caption)}.", "", *part.markdown()])
            for part in table.tables(summary)
        ]
        write_text(path, "\n\n".join(parts) + "\n")
