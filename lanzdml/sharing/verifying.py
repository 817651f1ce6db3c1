"""``lanzdml verify``: whether results are what their stored embeddings and transforms give.

All files are compared with each other (:mod:`lanzdml.sharing.checking`), and a seeded sample of
runs is scored anew, and some quick methods are fitted anew to the stored prompts.

Where processor and versions are those that made them, all is the same bit for bit. Others round
otherwise, and then scores may differ by :data:`HALF_A_DIGIT`, and those of clusters by as much more
as the same rounding moves them here: k-means is run again on vectors whose coordinates are each
moved by one or two units in the last place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.embeddings.storage import read_embeddings
from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.methods.needs import AGAINST, PROMPTS
from lanzdml.metrics.clusters import OF_KMEANS, cluster_metrics
from lanzdml.metrics.evidence import Evidence
from lanzdml.metrics.images import ScoredImages
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.scoring import score_runs
from lanzdml.metrics.task import ScoreTask
from lanzdml.plan import Fit, Run
from lanzdml.plan.jobs import fit_task, score_task
from lanzdml.plan.versions import no_version
from lanzdml.sharing.agreement import TIMES, differences, transforms_differ, where
from lanzdml.sharing.checking import contradictions
from lanzdml.sharing.folders import Results
from lanzdml.sharing.rows import ROW_KEYS, read_rows
from lanzdml.transforms.fitting import fit_transforms
from lanzdml.transforms.storage import OK, load_transform, read_metadata

RUNS = 20
HALF_A_DIGIT = 5e-4
"""Half of the last digit of tables, 0.1 percent: what rounding does to ranks stays far below, as it
changes the order only of what is almost equally near."""
_REFITS = 5
_MOVED = 8  # times
_APART = (*TIMES, "source")  # a method of the user's may lie elsewhere here
_EVIDENCE = ("queries", "clusterings", "draws")
_COSINES = 1e-3  # as much as TF32 rounds


@dataclass
class Verified:
    """What was found.

    Attributes:
        wrong: a line for each thing that does not agree.
        runs: how many runs were scored anew, of how many.
        exact: how many of them agree bit for bit.
        most: by how much any score of the others differs, and where.
        fits: how many fits were made anew.
        exact_fits: how many of them agree bit for bit.
    """

    runs: tuple[int, int]
    wrong: list[str] = field(default_factory=list)
    exact: int = 0
    most: tuple[float, str] = (0.0, "")
    fits: int = 0
    exact_fits: int = 0


def verify(
    folder: Path,
    *,
    runs: int = RUNS,
    seed: int = 0,
    progress: Callable[[int], object] = lambda n: None,
) -> Verified:
    """Verify a folder of results.

    Args:
        folder: of results, complete.
        runs: how many of its runs are scored anew, drawn so that datasets, models, protocols,
            notions and methods are among them as far as there are as many.
        seed: of the draw.
        progress: called with how many more runs were scored.

    Raises:
        LanzdmlError: it is no folder of results, or is not complete.
    """
    results = Results(folder)
    results.check_complete()
    rng = np.random.default_rng(seed)
    sample = sample_of(results.plan.runs, runs, rng)
    found = Verified((len(sample), len(results.plan.runs)))
    found.wrong += contradictions(results)
    with TemporaryDirectory() as temporary:
        for number, run in enumerate(sample):
            place = Path(temporary, str(number))
            try:
                _score_anew(results, run, place, found)
            except LanzdmlError as error:
                path = results.plan.paths.metrics(run)
                found.wrong += [f"{path} cannot be scored anew: {line}" for line in error.lines]
            progress(1)
        for fit in _refitted(results, rng):
            try:
                _fit_anew(results, fit, Path(temporary), found)
            except LanzdmlError as error:
                path = results.plan.paths.transform(fit)
                found.wrong += [f"{path} cannot be fitted anew: {line}" for line in error.lines]
    found.wrong = list(dict.fromkeys(found.wrong))
    return found


def sample_of(runs: Sequence[Run], n: int, rng: np.random.Generator) -> list[Run]:
    """Draw runs, each of which has as much as can be that those before it have not."""
    pending = [runs[position] for position in rng.permutation(len(runs))]
    chosen: list[Run] = []
    seen: set[tuple[str, object]] = set()
    while pending and len(chosen) < n:
        best = max(pending, key=lambda run: len(_traits(run) - seen))
        if not _traits(best) - seen:  # all has been seen: once more
            seen = set()
            best = pending[0]
        pending.remove(best)
        chosen.append(best)
        seen |= _traits(best)
    return chosen


def _traits(run: Run) -> set[tuple[str, object]]:
    fit = run.fit
    return {
        ("protocol", run.protocol), ("method", fit.method), ("dim", fit.dim),
        ("model", (fit.dataset, fit.model)), ("notion", (fit.dataset, fit.notion)),
    }  # fmt: skip


def _score_anew(results: Results, run: Run, place: Path, found: Verified) -> None:
    is_main = run in results.main_runs
    stored = score_task(results.plan, run, no_version, is_main)
    made = Evidence(*(str(place / f"{name}.parquet") for name in _EVIDENCE)) if is_main else None
    task = replace(stored, output=str(place / "metrics.parquet"), evidence=made)
    score_runs([task], kept=place / "kept")
    lines, is_exact = list[str](), True
    moved: dict[str, float] = {}
    for stage, path, anew in _pairs(stored, task):
        old, new = read_rows(Path(path), stage), read_rows(Path(anew), stage)
        keys = ROW_KEYS[stage]
        if old[keys].equals(new[keys]) and not differences(old, new, keys, _APART):
            continue
        is_exact = False
        if not moved and any(name in old for name in OF_KMEANS):
            moved = _moved(stored)
        lines += _beyond_rounding(path, old, new, keys, moved, found)
    found.exact += is_exact
    found.wrong += lines


def _pairs(stored: ScoreTask, task: ScoreTask) -> Iterator[tuple[str, str, str]]:
    """Stage, and the files that were stored and made anew."""
    yield "metrics", stored.output, task.output
    if stored.evidence is not None and task.evidence is not None:
        for stage in _EVIDENCE:
            yield stage, getattr(stored.evidence, stage), getattr(task.evidence, stage)


def _beyond_rounding(
    path: str,
    old: pd.DataFrame,
    new: pd.DataFrame,
    keys: list[str],
    moved: dict[str, float],
    found: Verified,
) -> list[str]:
    """What differs by more than rounding can make, in lines."""
    if others := set(old) ^ set(new):
        return [f"{path}: only one of it and what was made anew has {min(others)}"]
    texts = [name for name in old if not pd.api.types.is_float_dtype(old[name].dtype)]
    texts = [name for name in texts if name not in (*keys, "tied_queries")]
    first, second = old.set_index(keys), new.set_index(keys)
    if not first.index.equals(second.index):
        return [f"{path}: its rows are of other {' and '.join(keys)} than when made anew"]
    numbers = [name for name in old if name not in (*texts, *keys, *TIMES, "tied_queries")]
    lines = [
        f"{path}: {line} when made anew"
        for line in differences(old[[*keys, *texts]], new[[*keys, *texts]], keys, _APART)
    ]
    for name in numbers:
        off = (first[name] - second[name]).abs().astype("float64")
        if (first[name].isna() != second[name].isna()).any():
            lines.append(f"{path}: {name} is missing where it is not when made anew, or otherwise")
            continue
        # Of one query the order of two that are almost equally near counts, of all of them not.
        difference = float(off.mean() if "image_id" in keys else off.max())
        if not difference > 0:
            continue
        at = off.fillna(0).to_numpy().argmax()
        if difference > HALF_A_DIGIT + moved.get(name, 0.0):
            lines.append(
                f"{path}: {name} is {first[name].iloc[at]:.9g}, and {second[name].iloc[at]:.9g} "
                f"when made anew ({where(keys, first.index[at])})"
            )
        elif difference > found.most[0]:
            found.most = difference, f"{name} of {path}"
    return lines


def _moved(task: ScoreTask) -> dict[str, float]:
    """By how much metrics of clusters move with the last places of vectors, at most."""
    protocol, images = PROTOCOLS[task.run["protocol"]], ScoredImages(*task.source)
    if not images.is_single or read_rows(Path(task.output), "metrics")["status"].iloc[0] != OK:
        return {}
    vectors = images.transformed(task.transform, protocol.unit_images)
    values: dict[str, list[float]] = {}
    for number in range(_MOVED):
        rng = np.random.default_rng(number)
        units = rng.integers(-2, 3, vectors.shape).astype(np.float32)
        scores = cluster_metrics(
            vectors + units * np.spacing(vectors), images.labels, seed=task.seeds[0],
            distance=protocol.distance, metrics=OF_KMEANS, repeats=task.kmeans_repeats,
            batch_size=task.kmeans_batch_size,
        )  # fmt: skip
        for name, value in scores.items():
            values.setdefault(name, []).append(value)
    return {name: max(of) - min(of) for name, of in values.items()}


def _refitted(results: Results, rng: np.random.Generator) -> list[Fit]:
    """Some fits that take no time and need prompts only, first one a method."""
    plan = results.plan
    quick = [
        fit
        for fit in plan.fits
        if METHODS.is_ours(fit.method)
        and not METHODS[fit.method].cost
        and set(METHODS[fit.method].needs) <= {PROMPTS, AGAINST}
        and not plan.parts(fit)
        and METHODS[fit.method].has_dim
    ]
    drawn = [quick[position] for position in rng.permutation(len(quick))]
    first = {fit.method: fit for fit in reversed(drawn)}
    return [*dict.fromkeys((*first.values(), *drawn))][:_REFITS]


def _fit_anew(results: Results, fit: Fit, place: Path, found: Verified) -> None:
    plan = results.plan
    stored, anew = Path(plan.paths.transform(fit)), place / "fits" / f"{found.fits}.safetensors"
    found.fits += 1
    task = replace(fit_task(plan, fit, no_version), output=str(anew))
    fit_transforms([task], kept=place / "kept")
    if not transforms_differ(stored, anew):
        found.exact_fits += 1
        return
    states = [read_metadata(path)["status"] for path in (stored, anew)]
    if states[0] != states[1]:
        found.wrong.append(f"{stored}: status is {states[0]!r}, and {states[1]!r} when fitted anew")
    elif states[0] == OK:
        images = read_embeddings(Path(plan.paths.images(fit.dataset, fit.model)))[1][:1000]
        one, other = (_cosines(load_transform(path).transform(images)) for path in (stored, anew))
        # Axes may turn, as of equal singular values: cosines are what neighbours go by.
        if not (most := float(np.abs(one - other).max())) <= _COSINES:
            found.wrong.append(
                f"{stored} is not what {fit.method} learns from its prompts: cosines between "
                f"images differ by {most:.3g} when it is fitted anew"
            )


def _cosines(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    unit = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(float).tiny)
    product: NDArray[np.float64] = unit @ unit.T
    return product
