"""Fits to a wording of a notion; and to its own prompts turned a little, and without each of them.

What a fit scores on draws of the images (:mod:`lanzdml.metrics.resampling`) is kept beside its
scores, where something is to be told apart from noise.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.embeddings.prompts import ENSEMBLE, OWN
from lanzdml.errors import CannotFitError
from lanzdml.experiments.source import Prompts, Source
from lanzdml.experiments.task import METRICS, MeasureTask
from lanzdml.files import digest
from lanzdml.methods import METHODS
from lanzdml.methods.base import Method, normalise
from lanzdml.methods.elsewhere import reasons_of
from lanzdml.methods.needs import PROMPTS
from lanzdml.metrics.chance import chance_of
from lanzdml.metrics.relevance import Relevance
from lanzdml.metrics.resampling import FEWEST_DRAWS
from lanzdml.metrics.scores import mean_scores
from lanzdml.transforms.stacked import Stacked
from lanzdml.transforms.storage import load_transform

WORDED, TURNED, WITHOUT = "worded", "turned", "without"
"""What a row is: a fit to a wording, to turned prompts, to all prompts but one."""
READS_NONE = "it reads no prompts"
SHOWN = 5
"""How many prompts that help, and that hurt, are told apart from noise."""
COLUMNS = [
    "case", "wording", "seed", *METRICS, *(f"{metric}_draws" for metric in METRICS),
    *(f"{metric}_chance" for metric in METRICS), "n_queries", "n_prompts", "shared", "distance",
    "angle", "draw", "prompt", "aspect", "names", "reason",
]  # fmt: skip
Row = dict[str, Any]


def measure(task: MeasureTask) -> pd.DataFrame:
    """Rows of a method fitted to one wording, and of the own one the two kinds of changes.

    Returns:
        :data:`COLUMNS`. A row of :data:`WORDED` a seed, with ``n_queries``, ``n_prompts``, and the
        mean ``distance`` in degrees between prompts and the own ones of the same aspect, of which
        there are ``shared``; of :data:`TURNED` an ``angle`` in degrees and a ``draw``; of
        :data:`WITHOUT` a ``prompt``, with its ``aspect`` and the class that it ``names``. Both are
        of the first seed. ``_draws`` are lists of scores. The ensemble and methods that see labels,
        which are compared with nothing, have none, and of prompts those have them that change MAP@R
        most, :data:`SHOWN` up and as many down. A ``reason`` where there is no value.
    """
    source, method, settings = Source(task), task.run["method"], task.settings
    rows = _worded(task, source)
    if PROMPTS in METHODS[method].needs and task.wording == OWN:
        of_turned = settings["turned"]
        if (not METHODS[method].cost) if of_turned is None else method in of_turned:
            rows += _turned(task, source)
        if method in (settings["influence"] or ()):
            rows += _without_each(task, source, rows[0])
    return pd.DataFrame(rows).reindex(columns=COLUMNS).assign(wording=task.wording)


def _worded(task: MeasureTask, source: Source) -> list[Row]:
    reads = PROMPTS in METHODS[task.run["method"]].needs
    compared = task.wording != ENSEMBLE and not task.supervised
    by_chance = chance_of(source.labels)
    n_queries = np.count_nonzero(Relevance.of(source.labels).n_relevant())
    shared, distance = distance_of(source.prompts, source.own_prompts)
    facts: Row = {
        "case": WORDED, "n_queries": n_queries,
        "n_prompts": len(source.prompts.texts), "shared": shared, "distance": distance,
        **{f"{metric}_chance": by_chance[metric] for metric in METRICS},
    }  # fmt: skip

    def fitted(turn: int, seed: int) -> Method | Stacked:
        return load_transform(task.transforms[turn]) if task.transforms else source.fit(seed)

    return [
        facts | {"seed": seed} | _scored(task, source, partial(fitted, turn, seed), draws=compared)
        if reads or task.wording == OWN
        else facts | {"seed": seed, "reason": READS_NONE}
        for turn, seed in enumerate(task.seeds)
    ]


def _turned(task: MeasureTask, source: Source) -> list[Row]:
    seed, settings = task.seeds[0], task.settings
    return [
        {"case": TURNED, "seed": seed, "angle": angle, "draw": draw}
        | _scored(task, source, partial(source.fit, seed, prompts=prompts))
        for draw in range(settings["draws"])
        for angle in settings["angles"]
        for prompts in [turned(source.prompts, angle, draw)]
    ]


def _without_each(task: MeasureTask, source: Source, base: Row) -> list[Row]:
    """Without each prompt in turn.

    Args:
        base: the row of all prompts.
    """
    prompts, seed, metric = source.prompts, task.seeds[0], METRICS[0]
    classes = {label.casefold(): label for label in source.classes}
    positions = range(len(prompts.texts))

    def fit(left_out: int) -> Method:
        if len(positions) == 1:
            raise CannotFitError("it is the only prompt")
        return source.fit(seed, prompts=np.arange(len(positions)) != left_out)

    rows: list[Row] = [
        {"case": WITHOUT, "seed": seed, "prompt": prompts.texts[n], "aspect": prompts.aspects[n],
         "names": classes.get(prompts.aspects[n].casefold())}
        | _scored(task, source, partial(fit, n))
        for n in positions
    ]  # fmt: skip
    known = [n for n in positions if metric in rows[n]] if metric in base else []
    known.sort(key=lambda n: rows[n][metric])
    for n in {*known[:SHOWN], *known[-SHOWN:]}:  # fitted again: all vectors may not fit in memory
        rows[n] |= _scored(task, source, partial(fit, n), draws=True)
    return rows


def _scored(
    task: MeasureTask,
    source: Source,
    fit: Callable[[], Method | Stacked],
    *,
    draws: bool = False,
) -> Row:
    """The scores of a fit, and on draws of the images; or why there are none."""
    try:
        with reasons_of(task.run["method"]):
            fitted = fit()
            scored = source.scores_and_draws(fitted, FEWEST_DRAWS) if draws else None
            queries = scored.queries if scored else source.query_scores(fitted)
    except CannotFitError as error:
        return {"reason": str(error)}
    scores = mean_scores(queries)
    row: Row = {metric: scores[metric] for metric in METRICS}
    of_draws = scored.draws if scored else {}
    return row | {f"{metric}_draws": values for metric, values in of_draws.items()}


def turned(prompts: Prompts, angle: float, draw: int) -> NDArray[np.float64]:
    """Unit prompts (m, r), each turned by an angle towards a direction at right angles to it.

    Directions are drawn at random: the same ones for every angle and method, others for each draw
    and each list of texts.

    Args:
        prompts: of any lengths.
        angle: in degrees.
        draw: number of the draw.
    """
    unit = prompts.vectors / np.linalg.norm(prompts.vectors.astype(np.float64), axis=1)[:, None]
    rng = np.random.default_rng([int(digest(*prompts.texts)[:16], 16), draw])
    towards = rng.standard_normal(unit.shape)
    towards -= (towards * unit).sum(axis=1, keepdims=True) * unit
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    radians = np.deg2rad(angle)
    return np.cos(radians) * unit + np.sin(radians) * towards


def distance_of(prompts: Prompts, own: Prompts) -> tuple[int, float]:
    """How many aspects two lists share, whatever their case, and the mean angle between these.

    Returns:
        the number, and degrees; NaN where they share none.
    """
    places = {aspect.casefold(): n for n, aspect in enumerate(own.aspects)}
    pairs = [
        (n, places[aspect.casefold()])
        for n, aspect in enumerate(prompts.aspects)
        if aspect.casefold() in places
    ]
    if not pairs:
        return 0, np.nan
    here, there = np.array(pairs).T
    ours, theirs = normalise(prompts.vectors[here]), normalise(own.vectors[there])
    # By the chord: the cosine of a small angle is rounded away.
    half_chords = np.linalg.norm(ours.astype(np.float64) - theirs, axis=1) / 2
    return len(pairs), float(2 * np.rad2deg(np.arcsin(np.minimum(half_chords, 1))).mean())
