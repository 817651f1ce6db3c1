"""What a run cost: the seconds of fits, and the seconds, CPU and memory of jobs."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from lanzdml.files import check_stays
from lanzdml.methods import METHODS, QUICK, in_order
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.spreadsheet import read_csv

_SCORED = ["protocol", "dataset", "notion", "method"]  # what says which notion a run's fit is of
_FIT = ["dataset", "notion", "model", "method", "dim", "dim_auto", "n_prompts", "seed"]
_MEASURED = ["s", "cpu_time", "max_rss"]
# Stages in the order of the work, and the parts of a benchmark's path that tell their kinds of jobs
# apart: images from prompts, and the methods that are fitted. Scoring hardly depends on the method.
_KINDS: dict[str, Sequence[str]] = {
    "datasets": (),
    "embeddings": ("images", "shards", "prompts"),
    "transforms": (*METHODS, QUICK),
    "metrics": ("shards", "clusters"),
}
ALL = "all"
_BESIDE = "collections"  # no part of the benchmark, but may be called as a dataset is
_DENSE, _SPARSE = 15, 30  # seconds, of Snakemake's looking at a job
_MOST = 1e9  # seconds are thirty years, and MiB a petabyte: more is of a damaged file


def fit_costs(runs: pd.DataFrame) -> pd.DataFrame:
    """What the fits of each method took; of methods that learn anything.

    A fit that several runs share, by protocols or by notions that a protocol mixes up, counts once.

    Args:
        runs: with the columns of :data:`lanzdml.metrics.runs.COLUMNS`.

    Returns:
        a row for each method, in the registry's order: number of ``fits``; ``median``, ``longest``
        and ``sum`` of their seconds; mean ``iterations``, and median milliseconds an iteration
        (``iteration_ms``), NaN for a method that is not optimised.
    """
    runs = runs.dropna(subset="fit_seconds")
    methods = [name for name in in_order(runs["method"]) if _learns(name)]
    runs = runs[runs["method"].isin(methods)]
    fitted_to = [_fitted_to(*run) for run in runs[[*_SCORED, "supervised"]].itertuples(index=False)]
    # A method that is the same for every seed is fitted once; the seconds tell such fits apart.
    of_fit = runs["seed"].mask(runs["deterministic"].astype("bool"), runs["fit_seconds"])
    fits = runs.assign(notion=fitted_to, seed=of_fit).drop_duplicates(_FIT)
    fits = fits.astype({"fit_seconds": "float64", "iterations": "float64"})
    fits["iteration_ms"] = 1000 * fits["fit_seconds"] / fits["iterations"]
    costs = fits.groupby("method").agg(
        fits=("fit_seconds", "size"),
        median=("fit_seconds", "median"),
        longest=("fit_seconds", "max"),
        sum=("fit_seconds", "sum"),
        iterations=("iterations", "mean"),
        iteration_ms=("iteration_ms", "median"),
    )
    return costs.reindex(methods)


def _learns(method: str) -> bool:
    """Whether a method learns anything; one that is not known here, with seconds of a fit, does."""
    return method not in METHODS or bool(METHODS[method].learned)


def _fitted_to(protocol: str, dataset: str, notion: str, method: str, supervised: bool) -> str:
    """The notion that a run's transform was fitted to."""
    sources = PROTOCOLS[protocol].notions_used(dataset, notion, method)
    return sources.labels if supervised else sources.prompts


def job_costs(folder: Path, datasets: Collection[str]) -> pd.DataFrame:
    """What the jobs of each stage and kind took.

    Args:
        folder: of Snakemake's benchmark files; a job's is the one of its latest run.
        datasets: whose jobs count: others may have run in the same folder.

    Returns:
        a row for each ``stage`` and ``kind``, in the order of the work: number of ``jobs``;
        ``median``, ``longest`` and ``sum`` of their seconds; sum of their ``cpu`` seconds; largest
        ``memory`` in MiB. ``kind`` is the method that is fitted, or "quick" of several; what is
        embedded; or :data:`ALL` of a stage. What was not measured is left out of all but ``jobs``;
        NaN where nothing was.

    Raises:
        LanzdmlError: a file is no such table, or a link that leads elsewhere.
    """
    jobs = []
    for path in folder.rglob("*.tsv"):
        job = path.relative_to(folder).with_suffix("")
        stage, *_ = parts = job.parts
        if stage == _BESIDE or not set(datasets) & set(parts[1:2]):
            continue
        check_stays(path, folder)
        # The last such part: a dataset may be called as a kind is.
        kind = next((part for part in reversed(parts) if part in _KINDS.get(stage, ())), ALL)
        jobs.append((stage, kind, path))
    jobs.sort(key=lambda job: (*_place(job[0], _KINDS), *_place(job[1], METHODS)))
    rows = [{"stage": stage, "kind": kind} | _measured(path) for stage, kind, path in jobs]
    frame = pd.DataFrame(rows, columns=["stage", "kind", *_MEASURED])
    costs = frame.groupby(["stage", "kind"], sort=False).agg(
        jobs=("s", "size"),
        median=("s", "median"),
        longest=("s", "max"),
        sum=("s", _sum),
        cpu=("cpu_time", _sum),
        memory=("max_rss", "max"),
    )
    return costs.reset_index()


def used(path: Path, folder: Path) -> dict[str, float]:
    """What a job used: ``cpu``, its seconds of a core, and ``memory``, MiB; NaN if not measured.

    Snakemake looks at a job every half second, after fifteen every thirty. What a job used after it
    was last looked at is taken to be at the rate of before.

    Args:
        path: of the job's benchmark file.
        folder: of all these, out of which no link may lead.

    Raises:
        LanzdmlError: the file is no such table, or a link that leads elsewhere.
    """
    check_stays(path, folder)
    measured = _measured(path)
    last = measured["s"]
    if last > _DENSE:
        last -= (last - _DENSE) % _SPARSE
    share = measured["s"] / last if last > 0 else 1.0
    return {"cpu": measured["cpu_time"] * share, "memory": measured["max_rss"]}


def _measured(path: Path) -> dict[str, float]:
    """Seconds, CPU seconds and memory in MiB of a job; NaN for what could not be measured."""
    # As texts: pandas makes truth values of "True", and fails at numbers of many digits.
    table = read_csv(path, sep="\t", dtype=str).reindex(columns=_MEASURED)
    # What could not be measured says "-" or "NA".
    table = table.apply(pd.to_numeric, errors="coerce").astype("float64")
    table = table.where((table >= 0) & (table <= _MOST))
    # A job that was sampled before it began has used no CPU, and its memory is not its own yet.
    table.loc[table["cpu_time"] == 0, ["cpu_time", "max_rss"]] = None
    return {
        "s": _sum(table["s"]),
        "cpu_time": _sum(table["cpu_time"]),
        "max_rss": table["max_rss"].max(),
    }


def _sum(values: pd.Series) -> float:
    """The sum of what is there; NaN, not zero, where nothing is."""
    return float(values.sum(min_count=1))


def _place(name: str, known: Collection[str]) -> tuple[int, str]:
    """Sorts names as the known ones are, and others behind them by name."""
    names = list(known)
    return (names.index(name) if name in names else len(names)), name


def total(fits: pd.DataFrame, jobs: pd.DataFrame) -> str:
    """In a sentence what all jobs took, and the fits in them; empty where nothing was measured.

    Args:
        fits: of :func:`fit_costs`.
        jobs: of :func:`job_costs`.
    """
    working, fitting = _sum(jobs["sum"]), _sum(fits["sum"])
    if pd.isna(working):
        return "" if pd.isna(fitting) else f"Added up, the fits took {duration(fitting)}."
    if pd.isna(fitting):
        return f"Added up, the jobs took {duration(working)}."
    told = f"Added up, the jobs took {duration(working)} and the fits"
    # Fits that ran side by side, or whose jobs have no benchmark any more, can exceed the jobs.
    if fitting > working:
        return f"{told} {duration(fitting)}."
    # Jobs of earlier configurations count, their fits do not.
    return (
        f"{told} in them {duration(fitting)}; the rest is starting processes, reading, embedding, "
        "scoring, computing pictures, and any fits whose runs are not on this page."
    )


def duration(seconds: float) -> str:
    """Seconds as they are said."""
    if seconds < 0.01:
        return "under 0.01 s"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
