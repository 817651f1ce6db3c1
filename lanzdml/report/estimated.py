"""What a run was to take, as written down before its jobs ran, beside what it took."""

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded
from lanzdml.report.cost import used

NAME = "estimate.json"
VERSION = 1
_TEXTS, _NUMBERS = ("stage", "kind", "benchmark"), ("seconds", "memory")


def read_estimate(folder: Path) -> dict[str, dict[str, Any]]:
    """The jobs of a folder of results by where they are measured; none where nothing was written.

    Of each its ``stage`` and ``kind``; ``seconds`` of a core and MiB of ``memory`` by the shipped
    rates; and, where that was written before it ran, ``estimated``, the seconds here.

    Raises:
        LanzdmlError: the file is none of ours.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    try:
        values = json.loads(read_bounded(path))
        jobs = {job["benchmark"]: _checked(job) for job in values["jobs"]}
        if values["version"] != VERSION:
            raise ValueError(f"it is of version {values['version']!r}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LanzdmlError(
            f"{path} cannot be read: {error!r}; delete it, and the next run writes it anew"
        ) from None
    return jobs


def _checked(job: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: job[name] for name in _TEXTS}
    numbers = {name: job[name] for name in _NUMBERS}
    if (estimated := job.get("estimated")) is not None:
        numbers["estimated"] = estimated
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a text is none")
    if ".." in Path(texts["benchmark"]).parts or Path(texts["benchmark"]).is_absolute():
        raise ValueError(f"{texts['benchmark']} leads elsewhere")
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(f"{name} is {number!r}")
        if not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{name} is {number!r}")
    return texts | numbers


def beside_taken(
    estimate: Mapping[str, Mapping[str, Any]], benchmarks: Path, datasets: Collection[str]
) -> pd.DataFrame:
    """Jobs that were estimated before they ran, and were measured.

    Args:
        estimate: of :func:`read_estimate`.
        benchmarks: folder of Snakemake's benchmark files.
        datasets: whose jobs count.

    Returns:
        a row a ``stage``: number of ``jobs``, seconds of a core ``estimated`` and ``taken``.

    Raises:
        LanzdmlError: a benchmark file is none.
    """
    rows = []
    for name, job in estimate.items():
        path = benchmarks / f"{name}.tsv"
        if "estimated" not in job or not path.is_file() or not {*datasets} & {*Path(name).parts}:
            continue
        taken = used(path, benchmarks)["cpu"]
        rows.append((job["stage"], job["estimated"], taken))
    frame = pd.DataFrame(rows, columns=["stage", "estimated", "taken"]).dropna()
    found = frame.groupby("stage", sort=False).agg(
        jobs=("taken", "size"), estimated=("estimated", "sum"), taken=("taken", "sum")
    )
    return found.reset_index()
