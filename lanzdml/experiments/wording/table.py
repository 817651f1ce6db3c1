"""Tables for readers: methods over wordings, whose variance it is, rankings, changes, prompts."""

from collections.abc import Iterator

import pandas as pd

from lanzdml.embeddings.prompts import OWN
from lanzdml.experiments.blocks import blocks, notes_on_reasons
from lanzdml.experiments.wording.influence import most
from lanzdml.experiments.wording.measure import SHOWN
from lanzdml.experiments.wording.summary import (
    AGREEMENT,
    ANGLE,
    METHOD,
    NO_OTHER,
    PAIR,
    PROMPT,
    SCORE,
    SHARE,
    over_all,
    summary_of,
)
from lanzdml.experiments.wording.variance import COMPONENTS, SEED
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES, NOTION_NAMES, notion_on_paper, on_paper
from lanzdml.significance.statistics import LEVEL
from lanzdml.tables.markup import DASH, Cell, Table

METRIC = "map_at_r"
"""Of the tables for readers and of the figure."""
_NAMES = dict(zip(COMPONENTS, ("Method", "Wording", "Method × wording", "Seed"), strict=True))
_NOTION, _METHOD = "Similarity notion", "Method"
_EQUAL = 1e-9
_MOST_PAIRS = 10
_LEVEL = f"{100 * LEVEL:.0f} %"


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``wording.csv``, with :data:`lanzdml.experiments.wording.summary.COLUMNS`.

    Args:
        rows: of :func:`lanzdml.experiments.wording.measure.measure`, of all methods and wordings.
    """
    return summary_of(rows)


def tables(summary: pd.DataFrame) -> list[Table]:
    """Of each dataset and model those that have rows.

    Args:
        summary: of :func:`summarise`.
    """
    rows = summary[summary["metric"] == METRIC]
    makers = (_methods, _shares, _rankings, _turned_pairs, _angles, _prompts)
    made = [make(*block) for block in blocks(rows) for make in makers]
    return [table for table in made if table is not None]


def _of(block: pd.DataFrame, part: str) -> pd.DataFrame:
    return block[block["part"] == part]


def _methods(setting: str, block: pd.DataFrame) -> Table:
    rows, scores = _of(block, METHOD), _of(block, SCORE)
    heads: list[tuple[str, ...]] = []
    cells: list[list[str | Cell]] = []
    for notion, method, row in _by_notion(rows):
        of_notion = rows[rows["notion"] == notion]
        competes = over_all(of_notion)
        best = _percent(of_notion.loc[competes, "value"].max())
        own = scores[(scores["notion"] == notion) & (scores["method"] == method)]
        own = own.loc[own["wording"] == OWN, "value"]
        mean = _percent(row["value"])
        compared = row["n_wordings"] > 1 and row["std"] > _EQUAL
        heads.append((on_paper(notion, NOTION_NAMES), method_on_paper(method)))
        cells.append([
            _percent(own.max()),
            Cell(mean, competes[of_notion["method"] == method].all() and mean == best != DASH),
            _end(row, "best") if compared else DASH,
            _end(row, "worst") if compared else DASH,
            _percent(row["std"]) if compared else DASH,
            _percent(row["seed_std"]),
            _percent(row["ensemble"]),
        ])  # fmt: skip
    columns = ["Own", "Mean", "Best", "Worst", "Std", "Std over seeds", "Ensemble"]
    return Table(
        f"Wordings: {setting}, by {METRIC_NAMES[METRIC]}, in percent", [_NOTION, _METHOD], heads,
        columns, cells, [*_notes_on_wordings(rows, scores)], ["Best", "Worst"],
    )  # fmt: skip


def _by_notion(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    for notion, part in rows.groupby("notion", sort=False):
        by_method = part.set_index("method")
        for method in in_order(part["method"]):
            yield str(notion), method, by_method.loc[method]


def _end(row: pd.Series, which: str) -> str:
    return DASH if pd.isna(row[which]) else f"{_percent(row[which])} ({row[f'{which}_wording']})"


def _percent(value: float, sign: str = "") -> str:
    return DASH if pd.isna(value) else f"{100 * value:{sign}z.1f}"


def _notes_on_wordings(rows: pd.DataFrame, scores: pd.DataFrame) -> Iterator[str]:
    dataset = rows["dataset"].iloc[0]
    yield (
        "Own: the prompts as configured. Mean, best, worst and std are over the wordings, own "
        "included; the ensemble averages the embeddings of several templates and is not among "
        "them. In bold the best mean over all wordings of a method that sees no labels."
    )
    for notion, part in scores.groupby("notion", sort=False):
        wordings = part.drop_duplicates("wording")
        others = [row for row in wordings.itertuples() if row.wording != OWN]
        own = wordings.loc[wordings["wording"] == OWN, "n_prompts"].max()
        said = "; ".join(f"{row.wording}, {_far(row)}" for row in others)
        said = said or f"{DASH} {NO_OTHER}"
        yield f"{notion_on_paper(dataset, str(notion))}: own, {own:.0f} prompts; {said}."
    left_out = rows.dropna(subset="reason").groupby(["reason", "notion"], sort=False)["method"]
    by_names = left_out.agg(lambda names: ", ".join(map(method_on_paper, in_order(names))))
    for (reason, names), part in by_names.reset_index().groupby(["reason", "method"], sort=False):
        yield f"{names}, {_names(part['notion'])}, in no share and no ranking: {reason}."


def _names(notions: pd.Series) -> str:
    return ", ".join(on_paper(name, NOTION_NAMES) for name in notions)


def _far(row: pd.Series) -> str:
    prompts = f"{row.n_prompts:.0f} prompts"
    if row.shared == 0 or pd.isna(row.distance):
        return f"{prompts} with other aspects"
    if row.distance < _EQUAL and row.shared == row.n_prompts:
        return f"{row.n_prompts:.0f} of the own prompts"
    far = f"{row.distance:.0f}° on average from the own prompts of the same aspects"
    return f"{prompts}, {far}" + (f" ({row.shared:.0f})" if row.shared < row.n_prompts else "")


def _shares(setting: str, block: pd.DataFrame) -> Table | None:
    rows = _of(block, SHARE)
    if rows["value"].notna().sum() == 0:
        return None
    heads, cells, notes = [], [], []
    for notion, part in rows.groupby("notion", sort=False):
        heads.append((on_paper(str(notion), NOTION_NAMES),))
        by_name = part.dropna(subset="component").set_index("component").reindex([*COMPONENTS])
        cells.append([_share(row) for _, row in by_name.iterrows()])
        notes += [
            f"{DASH} {on_paper(str(notion), NOTION_NAMES)}: {reason}."
            for reason in part["reason"].dropna()
        ]
        cut = [_NAMES[name].lower() for name in by_name.index[by_name["cut"].eq(True)]]
        if cut:
            notes.append(
                f"{on_paper(str(notion), NOTION_NAMES)}: the estimate of {' and '.join(cut)} was "
                "negative, and is cut at 0."
            )
    one_seed = rows.loc[rows["component"] == SEED, "value"].isna().any()
    notes.insert(
        0,
        "Variance components of the crossed design as shares of their sum (Searle, Casella and "
        f"McCulloch, 1992), with {_LEVEL} intervals; behind each, its root in points. Few wordings "
        "leave wide intervals. "
        + (
            "As no method has fits of several seeds, what chance in a fit does is in method × "
            "wording."
            if one_seed
            else "Seed is a mean over methods, in which those without chance in their fit are 0."
        ),
    )
    return Table(
        f"Shares of the variance: {setting}, of {METRIC_NAMES[METRIC]}, in percent", [_NOTION],
        heads, [*_NAMES.values()], cells, notes,
    )  # fmt: skip


def _share(row: pd.Series) -> str:
    if pd.isna(row["value"]):
        return DASH
    low, high = (f"{100 * row[end]:.0f}" for end in ("low", "high"))
    return f"{100 * row['value']:.0f} ({low} to {high}), {100 * row['std']:.1f}"


def _rankings(setting: str, block: pd.DataFrame) -> Table | None:
    rows = _of(block, AGREEMENT)
    if rows.empty:
        return None
    heads, cells = [], []
    for row in rows.to_dict("records"):
        pairs = _of(block, PAIR)
        pairs = pairs[pairs["notion"] == row["notion"]]
        heads.append((on_paper(row["notion"], NOTION_NAMES),))
        cells.append([
            f"{row['n_wordings']:.0f}", f"{row['n']:.0f}",
            _tau(row["value"]) if pd.isna(row["low"]) else
            f"{_tau(row['value'])} ({_tau(row['low'])} to {_tau(row['high'])})",
            _tau(row["same_wording"]), f"{100 * row['same_best']:.0f} %",
            f"{pairs['turned'].astype('bool').sum()} of {len(pairs)}" if len(pairs) else DASH,
        ])  # fmt: skip
    columns = [
        "Wordings", "Methods", "Tau between wordings", "Of other images",
        "Same best method", "Pairs that turn",
    ]  # fmt: skip
    notes = [
        "Kendall's tau: 1 is the same order of methods under every wording, 0 no more in common "
        f"than by chance; mean over pairs of wordings, with the {_LEVEL} interval for other "
        "images. Of other images: tau between these images and draws of others under the same "
        "wording. A pair turns if each of the two is ahead under some wording beyond noise, with "
        "Holm's correction for all pairs and wordings."
    ]
    if _of(block, METHOD)["seed_std"].isna().all():
        notes[0] += " Noise is that of other images only, as no method has fits of several seeds."
    notes += [
        f"{DASH} {_names(few['notion'])}: {reason}."
        for reason, few in rows.dropna(subset="reason").groupby("reason", sort=False)
    ]
    caption = f"Do rankings hold: {setting}, by {METRIC_NAMES[METRIC]}"
    return Table(caption, [_NOTION], heads, columns, cells, notes)


def _tau(value: float) -> str:
    return DASH if pd.isna(value) else f"{value:z.2f}"


def _turned_pairs(setting: str, block: pd.DataFrame) -> Table | None:
    rows = _of(block, PAIR)
    rows = rows[rows["turned"].astype("bool")]
    if rows.empty:
        return None
    clear = rows[["ahead", "behind"]].min(axis=1).rename("clear")
    shown = rows.assign(clear=clear).sort_values("clear", ascending=False, kind="stable")
    shown = shown.groupby("notion", sort=False).head(_MOST_PAIRS).index
    notes = [f"The {_MOST_PAIRS} of a notion that turn most clearly; the CSV has all."]
    notes, rows = notes if len(shown) < len(rows) else [], rows.loc[sorted(shown)]
    heads = [
        (on_paper(row.notion, NOTION_NAMES),
         f"{method_on_paper(row.method)} and {method_on_paper(row.other)}")
        for row in rows.itertuples()
    ]  # fmt: skip
    cells = [
        [f"{row.ahead:.0f}", f"{row.behind:.0f}", f"{row.close:.0f}"] for row in rows.itertuples()
    ]
    columns = ["First is ahead", "Second is ahead", "Too close"]
    return Table(
        f"Pairs of methods whose order turns: {setting}, by {METRIC_NAMES[METRIC]}, in how many "
        "wordings", [_NOTION, "Pair"], heads, columns, cells, notes,
    )  # fmt: skip


def _angles(setting: str, block: pd.DataFrame) -> Table | None:
    rows = _of(block, ANGLE)
    if rows.empty:
        return None
    angles = sorted(rows["angle"].unique())
    heads, cells = [], []
    same: dict[str, list[str]] = {}
    for (notion, method), part in rows.groupby(["notion", "method"], sort=False):
        if (part["value"].abs() < _EQUAL).all() and (part["worst"].abs() < _EQUAL).all():
            same.setdefault(method_on_paper(str(method)), []).append(str(notion))
            continue
        by_angle = part.set_index("angle")
        heads.append((on_paper(str(notion), NOTION_NAMES), method_on_paper(str(method))))
        cells.append([_change(by_angle.loc[angle]) for angle in angles])
    n = rows["n"].max()
    notes = [
        f"Mean change in points over {n:.0f} draw{'' if n == 1 else 's'}, and the worst: each of "
        "the own prompts turned towards a random direction at right angles to it, the same for "
        "every method. How far other wordings are from the own is said below the first table."
    ]
    if same:
        unchanged = "; ".join(f"{name}, {_names(pd.Series(of))}" for name, of in same.items())
        notes.append(f"Not shown, as nothing changes: {unchanged}.")
    notes += notes_on_reasons(rows)
    return Table(
        f"Prompts turned by random angles: {setting}, {METRIC_NAMES[METRIC]} less that of the own",
        [_NOTION, _METHOD], heads, [f"{angle:g}°" for angle in angles], cells, notes,
    )  # fmt: skip


def _change(row: pd.Series) -> str:
    if pd.isna(row["value"]):
        return DASH
    return f"{_percent(row['value'], '+')} ({_percent(row['worst'], '+')})"


def _prompts(setting: str, block: pd.DataFrame) -> Table | None:
    rows = _of(block, PROMPT)
    if rows.empty:
        return None
    heads: list[tuple[str, ...]] = []
    cells: list[list[str | Cell]] = []
    notes = [
        f"How many points of {METRIC_NAMES[METRIC]} higher the score is with the prompt than "
        f"without it, the {SHOWN} that help and hurt most. The intervals are for other images, "
        f"{_LEVEL} of all prompts of the notion at once; in bold those that leave out 0. Class: "
        "which of the scored ones the prompt names."
    ]
    for (notion, method), part in rows.groupby(["notion", "method"], sort=False):
        names = (on_paper(str(notion), NOTION_NAMES), method_on_paper(str(method)))
        sides = {"helps": most(part, SHOWN, hurt=False), "hurts": most(part, SHOWN, hurt=True)}
        heads += [(*names, word) for word, side in sides.items() for _ in range(len(side))]
        cells += [_prompt(row) for side in sides.values() for _, row in side.iterrows()]
        if all(side.empty for side in sides.values()):
            reason = next(iter(part["reason"].dropna()), "no single prompt changes anything")
            notes.append(f"{DASH} {names[1]}, {names[0]}: {reason}.")
    return Table(
        f"Prompts that help and hurt: {setting}", [_NOTION, _METHOD, "Prompt that"], heads,
        ["Prompt", "Class", "Points", f"{_LEVEL} interval"], cells, notes, ["Prompt", "Class"],
    )  # fmt: skip


def _prompt(row: pd.Series) -> list[str | Cell]:
    names = DASH if pd.isna(row["names"]) else str(row["names"])
    bounds = DASH
    if pd.notna(row["low"]):
        bounds = " to ".join(f"{100 * row[end]:+z.2f}" for end in ("low", "high"))
    sure = bool(row["low"] > 0 or row["high"] < 0)
    return [str(row["prompt"]), names, Cell(f"{100 * row['value']:+z.2f}", sure), bounds]
