"""What is said of differences between methods: the table ``significance``, for readers.

Each setting (protocol, model and dim) has a sentence or two that can be quoted, and tables.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.files import write_text
from lanzdml.methods import METHODS, in_order
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.names import (
    DATASET_NAMES,
    METHOD_NAMES,
    METRIC_NAMES,
    NOTION_NAMES,
    notion_on_paper,
    on_paper,
)
from lanzdml.significance.comparisons import (
    BASELINE,
    CLUSTERING_STD,
    DIFFERENCE,
    FIT_STD,
    FRIEDMAN,
    METRIC,
    NOTION,
    ONE_SEED,
    RANK,
    TEST,
    TIE,
    critical_limit,
    ranked,
    reference_method,
)
from lanzdml.significance.statistics import (
    LEAST_DIFFERING,
    LEAST_QUERIES,
    LEVEL,
    N_PERMUTATIONS,
    least_p,
)
from lanzdml.tables.markup import DASH, Table
from lanzdml.tables.paper import by_setting

_OTHER_CLASSES = (
    "Where classes are a sample of more, the second interval is for other classes and their images."
)
_BOUNDS = [("low", "high"), ("low_queries", "high_queries"), ("low_classes", "high_classes")]
_LEVEL, _REST = (f"{100 * share:.0f} %" for share in (LEVEL, 1 - LEVEL))


def write_significance(rows: pd.DataFrame, paths: Iterable[str | os.PathLike[str]]) -> None:
    """Write the rows as what each path's suffix says, ``csv`` or ``md``."""
    for path in map(Path, paths):
        csv = path.suffix == ".csv"
        text = rows.to_csv(index=False, lineterminator="\n") if csv else _markdown(rows)
        write_text(path, text)


@dataclass(frozen=True)
class Block:
    """What is to be said of a protocol, model and dim: in a sentence or two, and in tables."""

    setting: str
    finding: str
    tables: list[Table]


def blocks(rows: pd.DataFrame) -> list[Block]:
    """The table for readers, in Markdown and in the report: a block a setting.

    Args:
        rows: of :func:`lanzdml.significance.comparisons.compute_significance`.
    """
    found = []
    for setting, block in by_setting(rows):
        tables = (_differences(block), _ranks(block), _tests(block), _spreads(block))
        found.append(Block(setting, finding(block), [table for table in tables if table]))
    return found


def _markdown(rows: pd.DataFrame) -> str:
    lines = []
    for block in blocks(rows):
        lines += [f"# Significance {block.setting}", "", block.finding, ""]
        for table in block.tables:
            lines += [f"{table.caption}.", "", *table.markdown(), ""]
    return "\n".join(lines).rstrip() + "\n"


def _against(rows: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """The pairs of one method that see no labels, turned so that it is ``method``."""
    swapped = [("method", "other"), ("better", "worse"), *_BOUNDS]
    names = dict(swapped) | {second: first for first, second in swapped}
    turned = rows[rows["other"] == reference].rename(columns=names)
    turned[["value", *(name for bounds in _BOUNDS for name in bounds)]] *= -1
    rows = pd.concat([rows[rows["method"] == reference], turned])
    rows = rows[[not METHODS[name].supervised for name in rows["other"]]] if len(rows) else rows
    others = pd.Categorical(rows["other"], in_order(rows["other"]), ordered=True)
    return rows.assign(other=others).sort_index()


def _pairs(block: pd.DataFrame, part: str) -> tuple[str | None, pd.DataFrame]:
    """The reference among the methods of a part, and its pairs."""
    rows = block[(block["part"] == part) & block["other"].notna()]
    reference = reference_method([*rows["method"], *rows["other"]])
    return reference, _against(rows, reference)


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"  # no -0.00


def _interval(low: float, high: float, decimals: int = 2) -> str:
    """With more decimals where fewer would print a 0 that the interval leaves out."""
    if pd.isna(low):
        return DASH
    while (low > 0 or high < 0) and 0 in (round(low, decimals), round(high, decimals)):
        decimals += 1
    low, high = (round(value, decimals) + 0.0 for value in (low, high))
    return f"{low:.{decimals}f} to {high:.{decimals}f}"


_NOTHING = 0.01  # percent points: what tables round away


def _verdict(row: pd.Series) -> str:
    # Some won and as many lost are no tie.
    if abs(row["value"]) < TIE and not row["high"] - row["low"] >= _NOTHING:
        return "tie"
    return ("higher" if row["value"] > 0 else "lower") if row["decided"] else "open"


def _differences(block: pd.DataFrame) -> Table | None:
    reference, rows = _pairs(block, DIFFERENCE)
    if rows.empty:
        return None
    ours = on_paper(reference, METHOD_NAMES)
    by_classes = rows["low_classes"].notna().any()
    heads, cells = [], []
    for (dataset, notion), notion_rows in rows.groupby(NOTION, sort=False):
        for other, pair in notion_rows.groupby("other", observed=True):
            names = on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES)
            heads.append((*names, on_paper(other, METHOD_NAMES)))
            cells.append([])
            for metric in PER_QUERY:
                row = pair[pair["metric"] == metric].iloc[0]
                cells[-1] += [
                    _signed(row["value"]),
                    _interval(row["low"], row["high"]),
                    *([_interval(row["low_classes"], row["high_classes"])] if by_classes else []),
                    _verdict(row),
                ]
    left_out = block[(block["part"] == DIFFERENCE) & block["reason"].notna()]
    other_classes = [f"{_LEVEL} interval, other classes"] if by_classes else []
    columns = [
        column
        for metric in PER_QUERY
        for column in (METRIC_NAMES[metric], f"{_LEVEL} interval", *other_classes, f"{ours} is")
    ]
    notes = [
        "Intervals are for other images of these classes, queries and references alike, and other "
        "fits of the methods that have a seed: from draws of the images with replacement and from "
        "the spread over the seeds. They are not corrected for their number.",
        f'A difference is "open" where its interval holds 0, below {LEAST_QUERIES} queries, too '
        f"few for an interval, and where fewer than {LEAST_DIFFERING} queries differ; it is a "
        f'"tie" below {TIE:g} points with an interval that is below {_NOTHING:g}.',
        *([_OTHER_CLASSES] if by_classes else []),
        *_notes(rows),
        *(f"{DASH} {on_paper(row.method, METHOD_NAMES)}, "
          f"{notion_on_paper(row.dataset, row.notion)}: {row.reason}"
          for row in left_out.itertuples()),
    ]  # fmt: skip
    return Table(
        f"{ours} minus each method that sees no labels, in percent points",
        ["Dataset", "Notion", "Against"],
        heads,
        columns,
        cells,
        notes,
        [f"{ours} is"],
    )


def _notes(rows: pd.DataFrame) -> list[str]:
    """What is not in the intervals of some rows, and of which notions."""
    said: dict[str, list[str]] = {}
    for row in rows.dropna(subset="note").itertuples():
        for note in row.note.split("; "):
            said.setdefault(note, []).append(notion_on_paper(row.dataset, row.notion))
    everywhere = len(rows.groupby(NOTION))
    return [
        f"{note[0].upper()}{note[1:]}"
        + ("." if len(set(where)) == everywhere else f" ({', '.join(dict.fromkeys(where))}).")
        for note, where in said.items()
    ]


def _ranks(block: pd.DataFrame) -> Table | None:
    methods = list(ranked(block).index)
    if not methods:
        return None
    cells = []
    _, n_notions = critical_limit(block)
    for metric in PER_QUERY:
        ranks = ranked(block, metric)
        cells.append([f"{ranks[name]:.2f}" for name in methods])
        limit, _ = critical_limit(block, metric)
        cells[-1].append(f"{limit:.2f}")
        omnibus = block[(block["part"] == FRIEDMAN) & (block["metric"] == metric)]
        cells[-1].append(_p(omnibus["p"].iloc[0]) if len(omnibus) else DASH)
    here = block[(block["part"] == RANK) & (block["metric"] == METRIC)]
    left_out, noted = here[here["value"].isna()], here[here["note"].notna()]
    notes = [
        "Ranks and tests count no notion that combines others, and of those with the same labels "
        "the first.",
        "Mean ranks that differ by less than the critical difference (Nemenyi, "
        f"{_REST} level) are not told apart, nor are any where Friedman's p, of the hypothesis "
        f"that all methods rank alike, is above {1 - LEVEL:.2g}. The critical difference holds for "
        "many notions; with three it parts fewer than it should, and with two it cannot part any. "
        f"Friedman's p is of {N_PERMUTATIONS:,} permutations of each notion's ranks. Ranks depend "
        "on the methods they are among: another one can turn the order of two.",
        *(f"{on_paper(row['method'], METHOD_NAMES)} is not ranked: {row['reason']}."
          for _, row in left_out.iterrows()),
        *(f"{on_paper(row['method'], METHOD_NAMES)}: {row['note']}."
          for _, row in noted.iterrows()),
    ]  # fmt: skip
    names = [on_paper(name, METHOD_NAMES) for name in methods]
    return Table(
        f"Mean ranks over {n_notions} notions, 1 is the best",
        ["Metric"],
        [(METRIC_NAMES[metric],) for metric in PER_QUERY],
        [*names, "Critical difference", "p (Friedman)"],
        cells,
        notes,
    )


def _tests(block: pd.DataFrame) -> Table | None:
    reference, rows = _pairs(block, TEST)
    if rows.empty:
        return None
    by_method = rows.sort_values("other")
    rows = pd.concat([by_method[by_method["metric"] == metric] for metric in PER_QUERY])
    ours = on_paper(reference, METHOD_NAMES)
    heads = [
        (METRIC_NAMES[row.metric], on_paper(row.other, METHOD_NAMES)) for row in rows.itertuples()
    ]
    cells = [
        [
            _signed(row.value),
            f"{row.better:.0f} of {row.n:.0f}",
            _p(row.p),
            _p(row.p_holm_reference),
        ]
        for row in rows.itertuples()
    ]
    columns = ["Mean difference", f"{ours} better on", "p", "p (Holm)"]
    notes = [
        "Wilcoxon's signed-rank test, two-sided. Holm's correction is for the number of these "
        "pairs, of each metric by itself. Notions count as independent, which those of one "
        "dataset, with the same images, are not: of methods that are equal over all notions more "
        f"than {_REST} then seem to differ.",
    ]
    caption = f"{ours} against each ranked method over the notions"
    return Table(caption, ["Metric", "Against"], heads, columns, cells, notes)


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def _spreads(block: pd.DataFrame) -> Table | None:
    rows = block[block["part"].isin((FIT_STD, CLUSTERING_STD))]
    if rows.empty:
        return None
    values = rows.set_index([*NOTION, "metric", "method", "part"])["value"]
    methods = in_order(rows["method"])
    heads, cells = [], []
    for dataset, notion, metric in rows[[*NOTION, "metric"]].drop_duplicates().to_numpy():
        names = on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES)
        heads.append((*names, METRIC_NAMES[metric]))
        cells.append([])
        for method in methods:
            key = dataset, notion, metric, method
            both = (values.get((*key, part)) for part in (FIT_STD, CLUSTERING_STD))
            texts = [f"{value:.3f}" for value in both if value is not None]
            cells[-1].append(" / ".join(texts) or DASH)
    notes = [
        "MAP@R and Prec@1: std over the seeds of the fit. AMI and NMI: std over the seeds of the "
        "fit with k-means by the first seed / over the seeds of k-means with the first fit. A run "
        "has one seed for both, so the std of the table of all metrics mixes them.",
    ]
    return Table(
        "What seeds do: population std, as fractions",
        ["Dataset", "Notion", "Metric"],
        heads,
        [on_paper(name, METHOD_NAMES) for name in methods],
        cells,
        notes,
    )


def finding(block: pd.DataFrame) -> str:
    """What a setting's rows say, in sentences that can be quoted."""
    sentences = [_compared(block), _ranks_first(block), _over_notions(block)]
    return " ".join(filter(None, sentences)) or "There are no two methods to compare."


def _compared(block: pd.DataFrame) -> str:
    """InDiReCT beside CLIP on the notions; without one of them, the reference beside each other.

    Of notions that repeat others only where there are no others.
    """
    reference, rows = _pairs(block, DIFFERENCE)
    rows = rows[rows["metric"] == METRIC]
    counted = rows["counted"].astype("bool")
    rows = rows[counted] if counted.any() else rows
    if (rows["other"] == BASELINE).any():
        rows = rows[rows["other"] == BASELINE]
    return " ".join(
        _beside(on_paper(reference, METHOD_NAMES), on_paper(other, METHOD_NAMES), pairs)
        for other, pairs in rows.groupby("other", observed=True)
    )


def _beside(ours: str, theirs: str, rows: pd.DataFrame) -> str:
    """Two methods, by their names on paper, on the notions of the rows."""
    metric = METRIC_NAMES[METRIC]
    verdicts = rows.apply(_verdict, axis=1)
    basis = _basis(rows)
    if len(rows) == 1:
        row, verdict = rows.iloc[0], verdicts.iloc[0]
        together = {"open": "are not told apart", "tie": "are equal"}
        found = (
            f"{ours}'s and {theirs}'s {metric} {together[verdict]}"
            if verdict in together
            else f"{ours}'s {metric} is {verdict} than {theirs}'s"
        )
        where = f"On {notion_on_paper(row['dataset'], row['notion'])} ({_queries(row)})"
        return f"{where} {found}: the difference is {_points(row)}{basis}."
    words = {"higher": "higher than", "lower": "lower than", "open": "not told apart from",
             "tie": "equal to"}  # fmt: skip
    counts = [
        f"{word} {theirs}'s on {count} of {len(rows)} notions"
        for verdict, word in words.items()
        if (count := int((verdicts == verdict).sum()))
    ]
    least, most = (
        f"{_points(row)} on {notion_on_paper(row['dataset'], row['notion'])} ({_queries(row)})"
        for row in (rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()])
    )
    return (
        f"{ours}'s {metric} is {', '.join(counts)}; the difference{basis} goes from {least} to "
        f"{most}."
    )


def _basis(rows: pd.DataFrame) -> str:
    """What the intervals of two methods' rows are for, in brackets."""
    if rows["low"].isna().all():
        return ""
    some = "interval" if len(rows) == 1 else "intervals"
    what = f"{_LEVEL} {some} for other images of these classes"
    if (rows["se_fits"] > 0).any():
        what += " and other fits of these methods"
    if any(ONE_SEED in note for note in rows["note"].dropna()):
        what += f"; {ONE_SEED}, chance in fitting is not in {'it' if len(rows) == 1 else 'them'}"
    return f" ({what})"


def _queries(row: pd.Series) -> str:
    return f"{row['n']:,.0f} {'query' if row['n'] == 1 else 'queries'}"


def _points(row: pd.Series) -> str:
    """A difference in points with its interval."""
    value = f"{round(row['value'], 1) + 0.0:.1f} points"
    if pd.isna(row["low"]):
        return f"{value} [too few queries for an interval]"
    bounds = _interval(row["low"], row["high"], 1)
    if pd.notna(row["low_classes"]):
        others = _interval(row["low_classes"], row["high_classes"], 1)
        bounds += f"; for other classes, too, {others}"
    return f"{value} [{bounds}]"


def _ranks_first(block: pd.DataFrame) -> str:
    ranks = ranked(block)
    if ranks.empty:
        return ""
    _, n_notions = critical_limit(block)
    best = ranks[np.isclose(ranks, ranks.min())]
    names = [on_paper(name, METHOD_NAMES) for name in best.index]
    together = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    rank = "rank first together" if len(names) > 1 else "ranks first"
    return (
        f"Of the {len(ranks)} methods that see no labels and have a value on each of {n_notions} "
        f"notions, {together} {rank} by {METRIC_NAMES[METRIC]} on average (mean rank "
        f"{best.iloc[0]:.2f})."
    )


def _over_notions(block: pd.DataFrame) -> str:
    """Whether the notions can decide anything, and if so, how much they do."""
    reference, tests = _pairs(block, TEST)
    tests = tests[tests["metric"] == METRIC]
    if tests.empty:
        return ""
    n_notions, n_pairs = int(tests["n"].iloc[0]), len(tests)
    single, corrected = least_p(n_notions, 1), least_p(n_notions, n_pairs)
    if corrected > 1 - LEVEL:
        after = "" if n_pairs == 1 else f", {corrected:.2g} after correction for {n_pairs} pairs"
        return (
            f"Over {n_notions} notions signed ranks can tell no two methods apart: they give p = "
            f"{single:.2g} at the least{after}."
        )
    decided = int((tests["p_holm_reference"] <= 1 - LEVEL).sum())
    return (
        f"Over {n_notions} notions {on_paper(reference, METHOD_NAMES)} differs significantly from "
        f"{decided} of {n_pairs} methods (signed ranks, {_REST} level after Holm's correction)."
    )
