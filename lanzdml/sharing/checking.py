"""What can be said of a folder of results without computing a score anew: whether its files agree.

All of its runs are looked at, as this takes no more than to read them.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from lanzdml.datasets.parquet_file import read_result
from lanzdml.embeddings.storage import PROMPTS, digest_of
from lanzdml.errors import LanzdmlError
from lanzdml.files import content_of
from lanzdml.methods import METHODS
from lanzdml.methods.needs import AGAINST
from lanzdml.methods.needs import PROMPTS as NEEDS_PROMPTS
from lanzdml.metrics.images import ScoredImages
from lanzdml.metrics.runs import PER_QUERY, RUN, traits_of
from lanzdml.plan import Fit, Run
from lanzdml.plan.jobs import score_task
from lanzdml.plan.versions import no_version
from lanzdml.sharing.agreement import differences
from lanzdml.sharing.folders import Results
from lanzdml.sharing.rows import read_rows
from lanzdml.tables.paper import write_tables
from lanzdml.transforms.storage import OK, read_metadata

_OF_MEANS = 2.0**-22
"""How far the mean of stored per-query values, float32, may lie from that of float64."""


def contradictions(results: Results) -> Iterator[str]:
    """A line for each pair of files that does not agree.

    Runs' rows with ``metrics.parquet``, with the names that they lie under, with the values of
    their queries, and with the images, labels, prompts and weights that they are said to be of;
    transforms with their names; the paper's tables with the runs.
    """
    yield from _of_rows(results)
    yield from _of_collected(results)
    yield from _of_sources(results)
    yield from _of_transforms(results)
    yield from _of_tables(results)


def _of_collected(results: Results) -> Iterator[str]:
    """Each row of a run's file is in ``metrics.parquet``, and no other."""
    path = results.at("metrics.parquet")
    if not path.is_file():
        yield f"{path} is not there"
        return
    paths = [Path(results.plan.paths.metrics(run)) for run in results.plan.runs]
    of_runs = pd.concat([read_rows(each, "metrics").assign(_file=str(each)) for each in paths])
    collected = read_rows(path, "metrics")
    if others := {*of_runs} - {"_file"} ^ {*collected}:
        yield f"{path}: only it or the runs have a column {min(others)!r}"
        return
    keys = list(RUN)
    named = {
        name: rows.assign(n_prompts=rows["n_prompts"].fillna(-1)).set_index(keys)
        for name, rows in (("runs", of_runs), ("collected", collected))
    }
    for name, rows in named.items():
        if rows.index.has_duplicates:
            yield f"{path if name == 'collected' else results.folder}: a run has two rows"
            return
    extra = named["collected"].index.difference(named["runs"].index, sort=False)
    yield from (f"{path}: {_told(row)} is in no file of a run" for row in extra[:20])
    missing = named["runs"].index.difference(named["collected"].index, sort=False)
    yield from (f"{path}: {_told(row)} is not there" for row in missing[:20])
    shared = named["runs"].index.intersection(named["collected"].index, sort=False)
    mine, theirs = named["runs"].loc[shared].reset_index(), named["collected"].loc[shared]
    theirs = theirs.reset_index().reindex(columns=[c for c in mine if c != "_file"])
    for file, rows in mine.groupby("_file", sort=False):
        others = theirs.loc[rows.index].reset_index(drop=True)
        rows = rows.drop(columns="_file").reset_index(drop=True)
        if found := differences(rows, others, ["seed"], ()):
            yield f"{file} and {path} differ: {'; '.join(found)}"


def _told(row: tuple[object, ...]) -> str:
    named = dict(zip(RUN, row, strict=True))
    if named["n_prompts"] == -1:
        del named["n_prompts"]
    return ", ".join(f"{name} {value}" for name, value in named.items())


def _of_rows(results: Results) -> Iterator[str]:
    """Rows are of the run that their path names, and means of its queries' values."""
    paths = results.plan.paths
    for run in results.plan.runs:
        path, fit = Path(paths.metrics(run)), run.fit
        rows = read_rows(path, "metrics")
        named = {key: getattr(fit, key) for key in ("dataset", "model", "notion", "method")}
        for key, value in (named | {"protocol": run.protocol}).items():
            if not (rows[key] == value).all():
                yield f"{path}: {key} is {rows[key].iloc[0]!r}, which its place does not say"
        if results.plan.external(fit) is None and METHODS.is_ours(fit.method):
            for trait, value in traits_of(fit.method).items():
                stored = rows[trait].astype("object").where(rows[trait].notna(), None)
                if not all(cell == value for cell in stored):
                    yield f"{path}: {trait} is {stored.tolist()}, and {fit.method}'s is {value}"
        if sorted(rows["seed"]) != sorted(results.plan.seeds_of(run)):
            yield f"{path}: seeds are {rows['seed'].tolist()}, not {results.plan.seeds_of(run)}"
        elif run in results.main_runs:
            yield from _of_queries(rows, path, Path(paths.queries(run)))


def _of_queries(rows: pd.DataFrame, path: Path, file: Path) -> Iterator[str]:
    queries = read_rows(file, "queries")
    means = queries.groupby("seed")[list(PER_QUERY)].agg(lambda of: of.astype("float64").mean())
    for row in rows.to_dict("records"):
        n_queries = int((queries["seed"] == row["seed"]).sum())
        expected = 0 if pd.isna(row["n_queries"]) else row["n_queries"]
        if n_queries != expected:
            said = f"{n_queries:,} queries of seed {row['seed']}"
            yield f"{file}: {said}, and {path} says {expected:,}"
            continue
        for name in PER_QUERY if n_queries else ():
            mean = float(means.loc[row["seed"], name])
            if not abs(mean - row[name]) <= _OF_MEANS:
                yield (
                    f"{file}: the mean of {name} of seed {row['seed']} is {mean:.9g}, and {path} "
                    f"says {row[name]:.9g}"
                )


def _of_sources(results: Results) -> Iterator[str]:
    """Rows are of the images, labels and weights that are there."""

    facts = cache(lambda *source: ScoredImages(*source).facts)
    for run in results.plan.runs:
        task = score_task(results.plan, run, no_version, is_main=False)
        if task.external:  # its vectors are scored, and the sample looks at these
            continue
        images, manifest, labels, queries = task.source
        columns = labels if isinstance(labels, str) else tuple(labels)
        path = Path(task.output)
        try:
            found = facts(images, manifest, columns, queries)
        except LanzdmlError as error:
            yield from (f"{path}: {line}" for line in error.lines)
            continue
        rows = read_rows(path, "metrics")
        for name, value in found.items():
            for told in rows[name][rows[name] != value].head(1):
                yield f"{path}: {name} is {told!r}, and of {manifest} and {images} {value!r}"


def _of_transforms(results: Results) -> Iterator[str]:
    """Transforms are of the method, size, seed and prompts that their path names."""
    plan = results.plan
    prompts = cache(
        lambda path: digest_of(read_result(Path(path), ["prompt"])["prompt"].to_pylist())
    )
    for fit in plan.fits:
        path = plan.paths.transform(fit)
        try:
            told = read_metadata(path)
        except LanzdmlError as error:
            yield from error.lines
            continue
        for name, value in _expected(fit).items():
            if told.get(name) != value:
                yield f"{path}: {name} is {told.get(name)!r}, and its place says {value!r}"
        dim = json.loads(told["params"]).get("dim")
        if isinstance(fit.dim, int) and not plan.parts(fit) and dim != fit.dim:
            yield f"{path}: dim is {dim}, and its place says {fit.dim}"
        if NEEDS_PROMPTS in METHODS[fit.method].needs and not plan.parts(fit):
            file = plan.paths.prompts(fit.dataset, fit.model, fit.notion)
            if told.get(PROMPTS) != prompts(file):
                yield f"{path} was fitted to other prompts than those of {file}"
    for run in plan.runs:
        if plan.external(run.fit) is None:
            yield from _of_fit(results, run)


def _expected(fit: Fit) -> dict[str, str]:
    expected = {"method": fit.method, "seed": str(fit.seed or 0)}
    if fit.n_prompts is not None:
        expected["n_prompts"] = str(fit.n_prompts)
    return expected


def _of_fit(results: Results, run: Run) -> Iterator[str]:
    """What a row says of its fit is what the transform says."""
    path = results.plan.paths.transform(results.plan.fit_of(run))
    told, file = read_metadata(path), Path(results.plan.paths.metrics(run))
    rows = read_rows(file, "metrics")
    same = [PROMPTS, "n_prompts", AGAINST, "loss", "iterations", "fit_seconds", "status"]
    if len(rows[same].drop_duplicates()) != 1:
        yield f"{file}: its rows are of one fit, and say otherwise of {', '.join(same)}"
        return
    row = rows.iloc[0]
    if told["status"] != OK and row["status"] == OK:
        yield f"{file}: status is {row['status']!r}, and that of {path} is {told['status']!r}"
    for name in (PROMPTS, "n_prompts", AGAINST):
        said = None if pd.isna(row[name]) else str(row[name])
        if said != told.get(name):
            yield f"{file}: {name} is {said}, and that of {path} is {told.get(name)}"
    for name in ("loss", "fit_seconds", "iterations"):
        stored = None if name not in told else float(told[name])
        if not (pd.isna(row[name]) if stored is None else np.isclose(row[name], stored, 1e-12)):
            yield f"{file}: {name} is {row[name]}, and that of {path} is {stored}"


def _of_tables(results: Results) -> Iterator[str]:
    """The paper's tables are those of the runs."""
    paths = [Path(results.plan.paths.metrics(run)) for run in results.plan.paper_runs]
    if not paths:
        return
    with TemporaryDirectory() as folder:
        try:
            write_tables(paths, Path(folder))
        except LanzdmlError as error:
            yield from error.lines
            return
        made = {results.at(f"tables/{path.name}"): path for path in sorted(Path(folder).iterdir())}
        if not any(stored.is_file() for stored in made):  # they are not made yet
            return
        for stored, anew in made.items():
            if not stored.is_file() or content_of(stored) != content_of(anew):
                yield f"{stored} is not the table of these runs"
