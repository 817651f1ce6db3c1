"""What is said of differences between methods: the table ``significance``, for readers.

Each setting (protocol, model and dim) has a sentence or two that can be quoted, and tables.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lanzdml.files import write_text
from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.names import (
    DATASET_NAMES,
    METRIC_NAMES,
    NOTION_NAMES,
    notion_on_paper,
    on_paper,
)
from lanzdml.significance.comparisons import (
    CLUSTERING_STD,
    DIFFERENCE,
    FIT_STD,
    FRIEDMAN,
    METRIC,
    NOTION,
    RANK,
    TEST,
    TIE,
    critical_limit,
    ranked,
)
from lanzdml.significance.notion_tables import rank_table, smallest_table
from lanzdml.significance.pairs import (
    LEVEL_TEXT,
    NOTHING,
    REST_TEXT,
    interval_text,
    pairs_of,
    verdict_on,
)
from lanzdml.significance.sentences import finding
from lanzdml.significance.statistics import LEAST_DIFFERING, LEAST_QUERIES, LEVEL, N_PERMUTATIONS
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.markup import DASH, Table, markdown_escape, markdown_note
from lanzdml.tables.paper import by_setting

_OTHER_CLASSES = (
    "Where classes are a sample of more, the second interval is for other classes and their images."
)


def write_significance(rows: pd.DataFrame, paths: Iterable[str | os.PathLike[str]]) -> None:
    """Write the rows as what each path's suffix says, ``csv`` or ``md``."""
    for path in map(Path, paths):
        csv = path.suffix == ".csv"
        text = to_csv(rows) if csv else _markdown(rows)
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
        rows: of :func:`lanzdml.significance.compute.compute_significance`.
    """
    written = []
    for setting, block in by_setting(rows):
        tables = (
            _differences(block),
            rank_table(block),
            smallest_table(block),
            _ranks(block),
            _tests(block),
            _spreads(block),
        )
        written.append(Block(setting, finding(block), [table for table in tables if table]))
    return written


def _markdown(rows: pd.DataFrame) -> str:
    lines = []
    for block in blocks(rows):
        setting, said = markdown_escape(block.setting), markdown_note(block.finding)
        lines += [f"# Significance {setting}", "", said, ""]
        for table in block.tables:
            lines += [f"{markdown_note(table.caption)}.", "", *table.markdown(), ""]
    return "\n".join(lines).rstrip() + "\n"


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"  # no -0.00


def _differences(block: pd.DataFrame) -> Table | None:
    pairs = pairs_of(block, DIFFERENCE)
    if pairs is None:
        return None
    reference, rows = pairs
    ours = method_on_paper(reference)
    by_classes = rows["low_classes"].notna().any()
    heads: list[tuple[str, ...]] = []
    cells: list[list[str]] = []
    for (dataset, notion), notion_rows in rows.groupby(NOTION, sort=False):
        for other, pair in notion_rows.groupby("other", observed=True):
            names = on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES)
            heads.append((*names, method_on_paper(other)))
            cells.append([])
            for metric in PER_QUERY:
                row = pair[pair["metric"] == metric].iloc[0]
                cells[-1] += [
                    _signed(row["value"]),
                    interval_text(row["low"], row["high"]),
                    *(
                        [interval_text(row["low_classes"], row["high_classes"])]
                        if by_classes
                        else []
                    ),
                    verdict_on(row),
                ]
    left_out = block[(block["part"] == DIFFERENCE) & block["reason"].notna()]
    other_classes = [f"{LEVEL_TEXT} interval, other classes"] if by_classes else []
    columns = [
        column
        for metric in PER_QUERY
        for column in (METRIC_NAMES[metric], f"{LEVEL_TEXT} interval", *other_classes, f"{ours} is")
    ]
    notes = [
        "Intervals are for other images of these classes, queries and references alike, and other "
        "fits of the methods that have a seed: from draws of the images with replacement and from "
        "the spread over the seeds. They are not corrected for their number.",
        *_decided(block),
        f'A difference is "open" where its interval holds 0, below {LEAST_QUERIES} queries, too '
        f"few for an interval, and where fewer than {LEAST_DIFFERING} queries differ; it is a "
        f'"tie" below {TIE:g} points with an interval that is below {NOTHING:g}.',
        *([_OTHER_CLASSES] if by_classes else []),
        *_notes(rows),
        *(f"{DASH} {method_on_paper(row.method)}, "
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


def _decided(block: pd.DataFrame) -> list[str]:
    """How many of all pairs are decided, one by one and with false discoveries held down."""
    rows = block[(block["part"] == DIFFERENCE) & block["p_fdr"].notna()]
    if rows.empty:
        return []
    n_pairs = rows["metric"].value_counts().max()

    def by_metric(found: pd.Series) -> str:
        counts = found.astype("int").groupby(rows["metric"], sort=False).sum()
        return " and ".join(f"{count} by {METRIC_NAMES[name]}" for name, count in counts.items())

    decided, kept = by_metric(rows["decided"]), by_metric(rows["p_fdr"] <= 1 - LEVEL)
    return [
        f"Of the {n_pairs:,} pairs of methods that see no labels, those of all notions, intervals "
        f"decide {decided}. Where {REST_TEXT} of what is decided may be false it is {kept} "
        "(Benjamini and Hochberg)."
    ]


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
        f"{REST_TEXT} level) are not told apart, nor are any where Friedman's p, of the hypothesis "
        f"that all methods rank alike, is above {1 - LEVEL:.2g}. The critical difference holds for "
        "many notions; with three it parts fewer than it should, and with two it cannot part any. "
        f"Friedman's p is of {N_PERMUTATIONS:,} permutations of each notion's ranks. Ranks depend "
        "on the methods they are among: another one can turn the order of two.",
        *(f"{method_on_paper(row['method'])} is not ranked: {row['reason']}."
          for _, row in left_out.iterrows()),
        *(f"{method_on_paper(row['method'])}: {row['note']}."
          for _, row in noted.iterrows()),
    ]  # fmt: skip
    names = [method_on_paper(name) for name in methods]
    return Table(
        f"Mean ranks over {n_notions} notions, 1 is the best",
        ["Metric"],
        [(METRIC_NAMES[metric],) for metric in PER_QUERY],
        [*names, "Critical difference", "p (Friedman)"],
        cells,
        notes,
    )


def _tests(block: pd.DataFrame) -> Table | None:
    pairs = pairs_of(block, TEST)
    if pairs is None:
        return None
    reference, rows = pairs
    by_method = rows.sort_values("other")
    rows = pd.concat([by_method[by_method["metric"] == metric] for metric in PER_QUERY])
    ours = method_on_paper(reference)
    heads = [(METRIC_NAMES[row.metric], method_on_paper(row.other)) for row in rows.itertuples()]
    cells = [
        [
            _signed(row.value),
            f"{row.better:.0f} of {row.n:.0f}",
            _p(row.p),
            _p(row.p_holm_reference),
            _p(row.p_fdr),
        ]
        for row in rows.itertuples()
    ]
    columns = ["Mean difference", f"{ours} better on", "p", "p (Holm)", "p (FDR)"]
    notes = [
        "Wilcoxon's signed-rank test, two-sided. Holm's correction is for the number of these "
        "pairs, of each metric by itself. With p (FDR) 0.05 is the share of what is found among "
        "all pairs of ranked methods that may be false (Benjamini and Hochberg). Notions count as "
        "independent, which those of one dataset, with the same images, are not: of methods that "
        f"are equal over all notions more than {REST_TEXT} then seem to differ.",
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
    heads: list[tuple[str, ...]] = []
    cells: list[list[str]] = []
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
        [method_on_paper(name) for name in methods],
        cells,
        notes,
    )
