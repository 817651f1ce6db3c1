"""The rows of ``wording.csv``: what wordings, random changes and single prompts do to scores."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lanzdml.embeddings.prompts import ENSEMBLE, OWN
from lanzdml.experiments.blocks import SETTING, of_one_dim
from lanzdml.experiments.task import METRICS
from lanzdml.experiments.wording.influence import interval_of_change
from lanzdml.experiments.wording.measure import READS_NONE, TURNED, WITHOUT, WORDED
from lanzdml.experiments.wording.ranking import agreement, pairs_of_methods
from lanzdml.experiments.wording.variance import variance_shares
from lanzdml.methods import in_order
from lanzdml.significance.statistics import (
    DECIMALS,
    LEAST_QUERIES,
    Measured,
    StandardError,
)

SCORE, METHOD, SHARE, AGREEMENT, PAIR, ANGLE, PROMPT = (
    "score", "method", "share", "agreement", "pair", "angle", "prompt",
)  # fmt: skip
COLUMNS = [
    "part", *SETTING, "notion", "metric", "method", "other", "wording", "component", "angle",
    "prompt", "aspect", "names", "value", "low", "high", "std", "best", "best_wording", "worst",
    "worst_wording", "ensemble", "seed_std", "first", "ahead", "behind", "close", "turned",
    "same_wording", "same_best", "counted", "cut", "chance", "n", "n_wordings", "n_prompts",
    "shared", "distance", "supervised", "reason",
]  # fmt: skip
"""Of the CSV. Scores are fractions, angles degrees. ``part`` says what a row is:

- ``score``: a method under a wording; ``value`` and ``std`` (the population's) over its n seeds,
  ``chance``; of the wording ``n_prompts`` and the mean ``distance`` in degrees to the own prompts
  of the same aspects, of which there are ``shared``.
- ``method``: over ``n_wordings``, the ensemble not among them: mean (``value``), ``std``, ``best``
  and ``worst`` with their wordings; ``ensemble``; the std over seeds (``seed_std``, the root mean
  square over wordings); whether shares and rankings count it (``counted``), or the ``reason`` why
  not; under how many wordings it is the ``first`` of those that count.
- ``share``: of the variance, by ``component`` (method, wording, their interaction, seed) of n
  methods: ``value``, ``low`` to ``high``, the component's root as ``std``, and whether a negative
  estimate was ``cut`` at 0. Without a value, the ``reason``.
- ``agreement``: Kendall's tau between wordings over n methods, ``low`` to ``high``; tau of other
  images under the ``same_wording``; of which share of pairs of wordings the best method is the same
  (``same_best``). With few queries neither interval nor pairs, and the ``reason``.
- ``pair``: under how many wordings ``method`` is ``ahead`` of ``other`` beyond noise, ``behind``,
  or too ``close``; whether the order ``turned``.
- ``angle``: each own prompt turned by so many degrees at random: the mean change over n draws, and
  the ``worst``.
- ``prompt``: how much higher the score is with the prompt than without it; of those that change it
  most ``low`` to ``high``; the class that the aspect ``names``; n prompts.
"""
NO_OTHER = "its prompts have no other wording"
FEW = "fewer than two methods count"
FEW_QUERIES = f"fewer than {LEAST_QUERIES} images are queries"
SAME = "it is the same under every wording"
LABELS_SEEN = "it sees labels"
_KEYS = [*SETTING, "notion"]
_EQUAL = 1e-9
Row = dict[str, Any]


def summary_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The table, with :data:`COLUMNS`.

    Args:
        rows: of :func:`lanzdml.experiments.wording.measure.measure`, of all methods and wordings.
    """
    found = []
    for key, block in of_one_dim(rows).groupby(_KEYS, sort=False, dropna=False):
        for metric in METRICS:
            here = dict(zip(_KEYS, key, strict=True)) | {"metric": metric}
            found += [here | row for row in _of_notion(block, metric)]
    return pd.DataFrame(found, columns=COLUMNS)


def _of_notion(block: pd.DataFrame, metric: str) -> Iterator[Row]:
    worded = block[block["case"] == WORDED]
    wordings = sorted(worded["wording"].unique(), key=lambda name: name != OWN)
    of_methods = {name: worded[worded["method"] == name] for name in in_order(worded["method"])}
    compared = [name for name in wordings if name != ENSEMBLE]
    values = {
        name: {w: part.loc[part["wording"] == w, metric].to_numpy() for w in wordings}
        for name, part in of_methods.items()
    }
    reasons = {
        name: _why_not(of_methods[name], [values[name][w] for w in compared]) for name in of_methods
    }
    counted = [name for name, reason in reasons.items() if reason is None]
    for part in of_methods.values():
        yield from _scores(part, metric)
    firsts = _firsts({name: values[name] for name in counted}, compared)
    for name, part in of_methods.items():
        yield {"part": METHOD, "method": name} | _over_wordings(values[name], compared) | {
            "counted": name in counted, "reason": reasons[name], "first": firsts.get(name),
            "supervised": part["supervised"].iloc[0],
        }  # fmt: skip
    yield from _compared({name: of_methods[name] for name in counted}, compared, metric)
    for name in of_methods:
        part = block[block["method"] == name]
        yield from _angles(part, metric)
        yield from _prompts(part, metric)


def _why_not(part: pd.DataFrame, values: list[np.ndarray]) -> str | None:
    """Why a method is in no share and no ranking; None where it is."""
    part = part[part["wording"] != ENSEMBLE]
    if part["supervised"].any():
        return LABELS_SEEN
    failed = part.dropna(subset="reason")
    if len(failed):
        return str(failed["reason"].iloc[0])
    if len(values) > 1 and np.ptp(np.array(values), axis=0).max() < _EQUAL:
        return SAME
    return None


def over_all(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of the part :data:`METHOD` are of methods without labels that every wording fits.

    A mean without a wording that cannot be fitted is of others than those beside it.
    """
    return rows["reason"].isna() | rows["reason"].isin((SAME, READS_NONE))


def _scores(part: pd.DataFrame, metric: str) -> Iterator[Row]:
    for wording, of_wording in part.groupby("wording", sort=False):
        first, values = of_wording.iloc[0], of_wording[metric]
        whole = values.notna().all()
        yield {
            "part": SCORE, "method": first["method"], "wording": wording,
            "value": values.mean() if whole else np.nan,
            "std": values.std(ddof=0) if whole else np.nan,
            "chance": first[f"{metric}_chance"], "n": len(values), "n_prompts": first["n_prompts"],
            "shared": first["shared"], "distance": first["distance"],
            "supervised": first["supervised"],
            "reason": next(iter(of_wording["reason"].dropna()), None),
        }  # fmt: skip


def _firsts(values: dict[str, dict[str, np.ndarray]], wordings: list[str]) -> dict[str, int]:
    """Under how many wordings each method is first; equals are all."""
    if len(values) < 2:
        return {}
    means = np.array([[values[name][w].mean() for w in wordings] for name in values])
    means = means.round(DECIMALS)
    return dict(zip(values, (means == means.max(axis=0)).sum(axis=1).tolist(), strict=True))


def _over_wordings(values: dict[str, np.ndarray], wordings: list[str]) -> Row:
    means = pd.Series({w: values[w].mean() for w in wordings}, dtype="float64").dropna()
    row: Row = {"n_wordings": len(means)}
    if ENSEMBLE in values:
        row["ensemble"] = values[ENSEMBLE].mean()
    if means.empty:
        return row
    variances = [values[w].var() for w in means.index]
    spread = {"seed_std": np.sqrt(np.mean(variances))} if len(values[means.index[0]]) > 1 else {}
    return row | spread | {
        "value": means.mean(), "std": means.std(ddof=0),
        "best": means.max(), "best_wording": means.idxmax(),
        "worst": means.min(), "worst_wording": means.idxmin(),
    }  # fmt: skip


def _compared(parts: dict[str, pd.DataFrame], wordings: list[str], metric: str) -> Iterator[Row]:
    """Shares, agreement and pairs, of the methods that count."""
    reason = NO_OTHER if len(wordings) < 2 else FEW if len(parts) < 2 else None
    if reason:
        yield {"part": SHARE, "reason": reason}
        return
    cells = {
        name: [part[part["wording"] == w].sort_values("seed") for w in wordings]
        for name, part in parts.items()
    }
    n_seeds = max(len(cell) for of_method in cells.values() for cell in of_method)
    # A method without chance in its fit has one value for all seeds.
    values = np.array([
        [np.broadcast_to(cell[metric].to_numpy(), n_seeds) for cell in of_method]
        for of_method in cells.values()
    ])  # fmt: skip
    for component, share in variance_shares(values).iterrows():
        yield {
            "part": SHARE, "component": component, "value": share["share"], "low": share["low"],
            "high": share["high"], "std": np.sqrt(share["variance"]), "cut": share["cut"],
            "n": len(parts), "n_wordings": len(wordings),
        }  # fmt: skip
    scored = {
        name: [_measured(cell, metric) for cell in of_method] for name, of_method in cells.items()
    }
    found = agreement(
        values.mean(axis=2), np.array([[one.draws for one in each] for each in scored.values()])
    )
    n_queries = int(next(iter(parts.values()))["n_queries"].iloc[0])
    enough = n_queries >= LEAST_QUERIES  # to say what other images leave open
    interval = {"low": found.low, "high": found.high} if enough else {"reason": FEW_QUERIES}
    yield {
        "part": AGREEMENT, "value": found.tau, "same_wording": found.same_wording,
        "same_best": found.same_best, "n": len(parts), "n_wordings": len(wordings),
    } | interval  # fmt: skip
    for pair in pairs_of_methods(scored, n_queries).to_dict("records") if enough else ():
        yield {"part": PAIR, "n_wordings": len(wordings)} | pair


def _measured(cell: pd.DataFrame, metric: str) -> Measured:
    """A method under a wording."""
    values, n = cell[metric].to_numpy(), len(cell)
    fits = StandardError(float(values.std(ddof=1) / np.sqrt(n)), n - 1) if n > 1 else None
    draws = np.stack(cell[f"{metric}_draws"].to_list()).mean(axis=0)
    return Measured(float(values.mean()), draws, fits)


def _angles(part: pd.DataFrame, metric: str) -> Iterator[Row]:
    """How far random changes of each size move scores."""
    changed = part[part["case"] == TURNED]
    if changed.empty:
        return
    base = _base(part, changed)[metric]
    for angle, rows in changed.groupby("angle"):
        changes = rows[metric] - base
        yield {
            "part": ANGLE, "method": rows["method"].iloc[0], "angle": angle,
            "value": changes.mean(skipna=False), "worst": changes.min(skipna=False),
            "n": len(rows), "supervised": rows["supervised"].iloc[0],
            "reason": next(iter(rows["reason"].dropna()), None),
        }  # fmt: skip


def _prompts(part: pd.DataFrame, metric: str) -> Iterator[Row]:
    """What each prompt does."""
    without = part[part["case"] == WITHOUT]
    if without.empty:
        return
    base = _base(part, without)
    draws = f"{metric}_draws"
    for _, row in without.iterrows():
        value, low, high = base[metric] - row[metric], np.nan, np.nan
        if isinstance(row[draws], np.ndarray) and isinstance(base[draws], np.ndarray):
            drawn = base[draws] - row[draws]
            low, high = interval_of_change(value, drawn, len(without), int(base["n_queries"]))
        yield {
            "part": PROMPT, "value": value, "low": low, "high": high, "n": len(without),
            **{name: row[name] for name in
               ("method", "prompt", "aspect", "names", "supervised", "reason")},
        }  # fmt: skip


def _base(part: pd.DataFrame, changed: pd.DataFrame) -> pd.Series:
    """The fit to the own prompts, by the same seed."""
    own = part[(part["case"] == WORDED) & (part["wording"] == OWN)]
    return own[own["seed"] == changed["seed"].iloc[0]].iloc[0]
