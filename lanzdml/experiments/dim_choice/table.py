"""What rules lose against the best r' by labels: on each notion, on average and at worst."""

from collections.abc import Iterator, Sequence

import pandas as pd

from lanzdml.experiments.blocks import SETTING, blocks
from lanzdml.experiments.dim_choice.measure import GRID, UNCUT
from lanzdml.experiments.dim_choice.rules import CONFIGURED
from lanzdml.experiments.task import METRICS
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, on_paper
from lanzdml.tables.markup import DASH, Cell, Table
from lanzdml.tables.paper import NO_DIM

METRIC = "map_at_r"
"""Of the table for readers and of the figure."""
AUTO_RULE = "auto"
"""What ``dims: auto`` goes by."""
RULE_NAMES = {
    CONFIGURED: "r' of the configuration",
    "fixed_16": "r' = 16",
    "fixed_8": "r' = 8",
    AUTO_RULE: "Effective rank + 1 (auto)",
    "effective_rank": "Effective rank",
    "entropy_of_eigenvalues": "Entropy of eigenvalues",
    "participation_ratio": "Participation ratio",
    "parallel_analysis": "Parallel analysis",
    "two_halves": "Agreement of two halves",
    "largest_gap": "Largest gap",
    "stable_rank": "Stable rank",
}
_FACTS = ("n_prompts", "n_images", "n_classes", "supervised", "reason")
COLUMNS = [
    "part", *SETTING, "notion", "metric", "method", "rule", "size", "mean", "std", "best", "regret",
    "n_seeds", "n_prompts", "n_images", "n_classes", "supervised", "reason",
]  # fmt: skip
"""Of the CSV. Scores are fractions: ``mean`` over ``n_seeds`` seeds at r' = ``size``. Of the part
"grid" r' is each of the experiment's, and the ``best`` of these means is what labels choose; of
"rule" it is what the ``rule`` chooses; "uncut" is a method that needs none, which has all. Of both
``regret`` is how far ``mean`` is below ``best``."""


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a method, notion, metric and r', or rule, with :data:`COLUMNS`.

    What needs no r' has a row beside each method that has one, named by its rule.

    Args:
        rows: of :func:`lanzdml.experiments.dim_choice.measure.measure`, of all methods.
    """
    rows = rows.assign(dim=NO_DIM, rule=rows["rule"].astype("object"))
    keys = [*SETTING, "notion", "method", "part", "rule", "size"]
    parts = []
    for metric in METRICS:
        values = rows.assign(metric=metric, value=rows[metric])
        parts.append(
            values.groupby([*keys, "metric"], sort=False, dropna=False)
            .agg(
                # A mean of some of the seeds is none.
                mean=("value", lambda values: values.mean(skipna=False)),
                std=("value", lambda values: values.std(ddof=0, skipna=False)),
                n_seeds=("value", "size"),
                **{name: (name, "first") for name in _FACTS},
            )
            .reset_index()
        )
    summary = _beside_uncut(pd.concat(parts, ignore_index=True))
    of_curve = [*SETTING, "notion", "metric", "method"]
    grid = summary[summary["part"] == GRID]
    best = grid.groupby(of_curve)["mean"].max().rename("best")
    summary = summary.join(best, on=of_curve)
    summary["regret"] = (summary["best"] - summary["mean"]).where(summary["part"] != GRID)
    return summary[COLUMNS]


def _beside_uncut(summary: pd.DataFrame) -> pd.DataFrame:
    """With the rows of what needs no r' once for each method that has one."""
    uncut, others = summary[summary["part"] == UNCUT], summary[summary["part"] != UNCUT]
    methods = in_order(others["method"])
    beside = [uncut.assign(rule=uncut["method"], method=name) for name in methods]
    return pd.concat([others, *(beside or [uncut.assign(rule=uncut["method"])])])


def tables(summary: pd.DataFrame) -> list[Table]:
    """A table a dataset and model: a row a method and rule.

    Args:
        summary: of :func:`summarise`.
    """
    return [_table(*block) for block in blocks(summary)]


def rule_on_paper(name: str) -> str:
    """A rule's name, or of the method that needs none."""
    return RULE_NAMES.get(name) or f"no r': {method_on_paper(name)}"


def rules_in_order(rows: pd.DataFrame) -> list[str]:
    """The rules of some rows, each once, what needs no r' last."""
    found = set(rows["rule"].dropna())
    return [*(name for name in RULE_NAMES if name in found), *in_order(found - RULE_NAMES.keys())]


def regrets(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and worst regret over notions and datasets, by method and rule; that of all is whole.

    Args:
        rows: of the parts but the grid, of one metric.
    """
    by = rows.groupby(["method", "rule"], sort=False)["regret"]
    return by.agg(mean=lambda values: values.mean(skipna=False), worst="max").dropna()


def _table(setting: str, block: pd.DataFrame) -> Table:
    rows = block[(block["metric"] == METRIC) & (block["part"] != GRID)]
    notions = list(rows["notion"].unique())
    over, rules = regrets(rows), rules_in_order(rows)
    heads: list[tuple[str, ...]] = []
    cells: list[list[str | Cell]] = []
    for method, of_method in rows.groupby("method", sort=False):
        by_notion = of_method.set_index(["rule", "notion"])
        for rule in rules:
            heads.append((method_on_paper(method), rule_on_paper(rule)))
            line = [_cell(by_notion, (rule, notion)) for notion in notions]
            cells.append([*line, *_over(over, method, rule)])
    return Table(
        f"Regret of rules that choose r' without labels: {setting}, in points of "
        f"{METRIC_NAMES[METRIC]}",
        ["Method", "Rule"],
        heads,
        [*(on_paper(notion, NOTION_NAMES) for notion in notions), "Mean", "Worst"],
        cells,
        [*_notes(block)],
    )


def _cell(rows: pd.DataFrame, key: tuple[str, str]) -> str:
    if key not in rows.index or pd.isna(rows.loc[key, "regret"]):
        return DASH
    row = rows.loc[key]
    size = "" if row["part"] == UNCUT else f" ({row['size']})"
    return f"{100 * row['regret']:z.1f}{size}"


def _over(over: pd.DataFrame, method: str, rule: str) -> Sequence[str | Cell]:
    if (method, rule) not in over.index:
        return [DASH, DASH]
    best = over.loc[method].round(3).min()
    row = over.loc[(method, rule)]
    return [Cell(f"{100 * row[n]:z.1f}", round(row[n], 3) == best[n]) for n in ("mean", "worst")]


def _notes(block: pd.DataFrame) -> Iterator[str]:
    yield (
        "How far the score at the r' that a rule chooses, in parentheses, is below the best of "
        "those that were tried, which labels choose; below 0 where it is better than all of them. "
        "Rules look at the vectors of the prompts alone. In bold the smallest."
    )
    grid = block[(block["metric"] == METRIC) & (block["part"] == GRID)]
    if grid.empty:
        yield (
            "There is nothing to choose r' among: the experiment has no method with an r', or none "
            "of its dims is within the model's own."
        )
    for (method, notion), curve in grid.groupby(["method", "notion"], sort=False):
        what = f"{method_on_paper(method)}, {on_paper(notion, NOTION_NAMES)}"
        if curve["mean"].notna().any():
            at = curve.loc[curve["mean"].idxmax()]
            yield f"{what}: the best is {100 * at['mean']:.1f}, with r' = {at['size']}."
        for reason in dict.fromkeys(curve["reason"].dropna()):
            yield f"{DASH} {what}: {reason}"
