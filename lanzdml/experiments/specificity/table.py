"""Scores on other notions' labels beside chance and CLIP, and what is off-target."""

from typing import Any

import numpy as np
import pandas as pd

from lanzdml.experiments.blocks import SETTING, blocks, of_one_dim
from lanzdml.experiments.task import METRICS
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, notion_on_paper, on_paper
from lanzdml.significance.comparisons import BASELINE
from lanzdml.tables.markup import DASH, Cell, Table

METRIC = "precision_at_1"
"""Of the table for readers and of the figure: whether the nearest image agrees."""
_NOTHING = 0.01  # above chance: a share of less is noise

COLUMNS = [
    *SETTING, "notion", "scored_on", "metric", "method", "mean", "std", "n_seeds", "n_runs",
    "chance", "by_labels", "of_clip", "off_target", "off_target_std", "n_images", "n_classes",
    "supervised", "reason",
]  # fmt: skip
"""Of the CSV. Scores are fractions, shares percent: ``of_clip`` is how much of what CLIP has above
chance a method has, ``off_target`` the same of all notions together but the one that was learned
(0 is none, 100 all; empty where CLIP has less than a hundredth), and ``by_labels`` what vectors
would score that tell the learned notion's labels and nothing else."""


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Means and population stds over the seeds, with :data:`COLUMNS`.

    Args:
        rows: of :func:`lanzdml.experiments.specificity.measure.measure`, of all methods.
    """
    rows = of_one_dim(rows)
    keys = [*SETTING, "notion", "scored_on"]
    parts = []
    for metric in METRICS:
        part = rows.rename(
            columns={metric: "value", f"{metric}_chance": "chance", f"{metric}_labels": "by_labels"}
        )
        clip = part[part["method"] == BASELINE].groupby(keys, dropna=False)["value"].mean()
        part = part.assign(metric=metric).join(clip.rename("clip"), on=keys)
        parts.append(part.drop(columns=[c for c in part.columns if c.startswith(METRICS)]))
    long = pd.concat(parts, ignore_index=True)
    long["above"], long["most"] = long["value"] - long["chance"], long["clip"] - long["chance"]
    long["of_clip"] = _share(long["above"], long["most"])
    by = [*SETTING, "notion", "scored_on", "metric", "method"]
    summary = long.groupby(by, sort=False, dropna=False).agg(
        mean=("value", "mean"),
        std=("value", lambda values: values.std(ddof=0)),
        n_seeds=("value", "count"),
        n_runs=("value", "size"),
        of_clip=("of_clip", "mean"),
        **{name: (name, "first") for name in
           ("chance", "by_labels", "n_images", "n_classes", "supervised", "reason")},
    )  # fmt: skip
    # Where no image has labels of both, or none has another of its class, nothing can be left.
    others = long[(long["notion"] != long["scored_on"]) & long["chance"].notna()]
    of_run = [*SETTING, "notion", "metric", "method"]
    sums = others.groupby([*of_run, "seed"], sort=False, dropna=False)[["above", "most"]].agg(_sum)
    left = _share(sums["above"], sums["most"]).groupby(of_run, sort=False, dropna=False)
    off = left.agg(off_target="mean", off_target_std=lambda values: values.std(ddof=0))
    return summary.reset_index().join(off, on=of_run)[COLUMNS]


def _sum(values: pd.Series) -> float:
    return float(values.sum(skipna=False))


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return 100 * part / whole.where(whole >= _NOTHING)


def tables(summary: pd.DataFrame) -> list[Table]:
    """A table a dataset and model: a row a method, for each notion its own score and what is left.

    Args:
        summary: of :func:`summarise`.
    """
    return [_table(*block) for block in blocks(summary)]


def _table(setting: str, block: pd.DataFrame) -> Table:
    rows = block[block["metric"] == METRIC]
    notions = list(rows["notion"].unique())
    own = rows[rows["notion"] == rows["scored_on"]].set_index(["method", "notion"])
    methods = in_order(rows["method"])
    cells: list[list[str | Cell]] = []
    least = {notion: _least(own.xs(notion, level="notion")) for notion in notions}
    for method in methods:
        cells.append([])
        for notion in notions:
            row = own.loc[(method, notion)] if (method, notion) in own.index else None
            cells[-1] += _cells(row, least[notion])
    names = [on_paper(notion, NOTION_NAMES) for notion in notions]
    return Table(
        f"Specificity: {setting}, by {METRIC_NAMES[METRIC]}, in percent",
        ["Method"],
        [(method_on_paper(method),) for method in methods],
        [column for name in names for column in (name, f"{name}, off-target")],
        cells,
        _notes(rows, notions),
    )


def _competes(rows: pd.DataFrame | pd.Series) -> Any:
    """Whether a method, by all of its seeds and without labels, beats CLIP on its own notion."""
    return (rows["of_clip"] > 100) & ~rows["supervised"] & (rows["n_seeds"] == rows["n_runs"])


def _least(of_notion: pd.DataFrame) -> float:
    """The least that is left of other notions, by what competes."""
    return float(of_notion.loc[_competes(of_notion), "off_target"].round(1).min())


def _cells(row: pd.Series | None, least: float) -> list[str | Cell]:
    if row is None or pd.isna(row["mean"]):
        return [DASH, DASH]
    some = f" ({row['n_seeds']} of {row['n_runs']})" if row["n_seeds"] < row["n_runs"] else ""
    score = f"{100 * row['mean']:.1f}{some}"
    if pd.isna(row["off_target"]):
        return [score, DASH]
    text = f"{row['off_target'] + 0.0:.1f}"
    if row["n_seeds"] > 1 and row["off_target_std"] > 0:
        text += f" ± {row['off_target_std']:.1f}"
    best = bool(_competes(row)) and round(row["off_target"], 1) == least
    return [score, Cell(f"{text}{some}", best)]


def _notes(rows: pd.DataFrame, notions: list[str]) -> list[str]:
    others = rows[rows["notion"] != rows["scored_on"]]
    dataset = rows["dataset"].iloc[0]

    def names(values: pd.Series) -> str:
        return ", ".join(dict.fromkeys(notion_on_paper(dataset, name) for name in values))

    notes = [
        "Of each notion a method's own score, and how much is left of what CLIP has of the other "
        "notions above chance: 0 is none of it, 100 all. In bold the least that is left by a "
        "method that scores higher than CLIP on its own notion and sees no labels."
    ]
    if BASELINE not in set(rows["method"]):
        notes.append("CLIP, beside which off-target is measured, is not among the methods.")
    for notion in notions:
        part = others[others["notion"] == notion]
        facts = part.dropna(subset="chance").drop_duplicates("scored_on")
        said = [
            f"{notion_on_paper(dataset, row.scored_on)}, chance {100 * row.chance:.1f}"
            + _together(row)
            for row in facts.itertuples()
        ]
        if said:
            notes.append(f"{notion_on_paper(dataset, notion)} is scored on {'; '.join(said)}.")
    unscored = others[others["chance"].isna()].drop_duplicates(["notion", "scored_on"])
    notes += [
        f"{notion_on_paper(dataset, row.notion)} is not scored on "
        f"{notion_on_paper(dataset, row.scored_on)}: {row.reason}."
        for row in unscored.itertuples()
    ]
    failed = rows[rows["reason"].notna() & (rows["notion"] == rows["scored_on"])]
    by_reason = failed.groupby(["method", "reason"], sort=False)["notion"].agg(names)
    notes += [
        f"{DASH} {method_on_paper(method)}, {where}: {reason}"
        for (method, reason), where in by_reason.items()
    ]
    return notes


def _together(row: Any) -> str:
    """What the learned notion's labels tell of the other's themselves, where it is not nothing."""
    if np.isnan(row.by_labels) or row.by_labels - row.chance < _NOTHING:
        return ""
    return f" (its labels alone give {100 * row.by_labels:.1f}, as the two go together)"
