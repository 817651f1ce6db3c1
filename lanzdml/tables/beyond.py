"""The table beyond the paper: the paper's methods and all others, a row each.

The paper's own tables show the paper's methods alone.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lanzdml.files import write_text
from lanzdml.methods import PAPER_METHODS, in_order, method_on_paper
from lanzdml.metrics.runs import read_runs
from lanzdml.names import DATASET_NAMES, METHOD_NAMES, NOTION_NAMES, on_paper, one_line
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.markup import DASH, Table
from lanzdml.tables.overview import read_overview
from lanzdml.tables.paper import render, sections, summarise, table_values

NAME = "beyond"
GROUPS = PAPER, BEYOND, EXTERNAL = "Paper", "Beyond", "External"
POSTERIOR = "prompt_posterior"
_SEES = {
    "transductive": "Transductive, so uses the images that are scored",
    "sees_images": "Fitted to prompts and to all images of the dataset",
}
_LIKE = "table2"  # whose metrics and unit these are


def tables(summary: pd.DataFrame, overview: pd.DataFrame) -> list[Table]:
    """The table's parts: one a dataset, protocol, model and dim, with a row a method.

    Args:
        summary: of :func:`lanzdml.tables.paper.summarise`.
        overview: of :func:`lanzdml.tables.overview.describe`.
    """
    parts = []
    for dataset, rows in summary.groupby("dataset", sort=False):
        for section in sections(rows, _LIKE):
            # Sorting is stable: within both groups the order of the registry stays.
            external = set(rows.loc[rows["external"], "method"])
            groups = {name: _group(name, name in external) for name in section.methods}
            methods = sorted(groups, key=lambda name: GROUPS.index(groups[name]))
            of_section = rows[rows["method"].isin(methods)]
            remarks = _remarks(of_section, overview[overview["dataset"] == dataset])
            parts.append(
                Table(
                    f"Beyond the paper: {on_paper(dataset, DATASET_NAMES)} {section.setting}, in "
                    "percent",
                    ["Group", "Method"],
                    [(groups[name], method_on_paper(name)) for name in methods],
                    [f"{line.notion}, {line.metric}" for line in section.lines],
                    [[line.cells.get(name, DASH) for line in section.lines] for name in methods],
                    [*section.reasons, *remarks],
                )
            )
    return parts


def _group(method: str, external: bool) -> str:
    if external:
        return EXTERNAL
    return PAPER if method in PAPER_METHODS else BEYOND


def _remarks(rows: pd.DataFrame, overview: pd.DataFrame) -> list[str]:
    """What is to be known before methods are compared, of a dataset's rows."""
    counts = overview.set_index("notion")
    named = ", ".join(
        f"{on_paper(name, NOTION_NAMES)} {_named(counts.loc[name])}"
        for name in rows["notion"].unique()
    )
    lines = [f"Classes that are among the prompts: {named}."]
    if POSTERIOR in set(rows["method"]):
        lines.append(f"{METHOD_NAMES[POSTERIOR]} knows the classes where they are prompts.")
    for trait, words in _SEES.items():
        if methods := in_order(rows.loc[rows[trait], "method"]):
            lines.append(f"{words}, without labels: {', '.join(map(method_on_paper, methods))}.")
    lines += _against(rows)
    elsewhere = rows.dropna(subset="source").drop_duplicates(["method", "source"])
    lines += [_told(*row) for row in elsewhere[["method", "source", "external"]].to_numpy()]
    return lines


def _against(rows: pd.DataFrame) -> list[str]:
    """What methods were told must not matter, of each notion."""
    told = rows.dropna(subset="against").drop_duplicates(["notion", "method"])
    if told.empty:
        return []
    methods = ", ".join(map(method_on_paper, in_order(told["method"])))
    of_notions = told.drop_duplicates(["notion", "against"])
    notions = [
        f"{on_paper(notion, NOTION_NAMES)} by the prompts of {one_line(against)}"
        for notion, against in of_notions[["notion", "against"]].to_numpy()
    ]
    return [f"Told what must not matter, {'; '.join(notions)}: {methods}."]


def _told(method: str, source: str, external: bool) -> str:
    """Where a method comes from that is not of this package."""
    what = ": vectors that were made elsewhere," if external else " comes from"
    return f"{method_on_paper(method)}{what} {one_line(source)}."


def _named(row: pd.Series) -> str:
    if pd.isna(row["n_named"]):
        return "not known, as they are written out"
    return f"{row['n_named']:,} of {row['n_classes']:,}"


def write_beyond(metrics_files: Sequence[Path], overview_file: Path, folder: Path) -> None:
    """Write ``beyond.md``, ``.tex`` and ``.csv``, a row a value.

    Args:
        metrics_files: the rows of the main tables' runs.
        overview_file: ``table1.csv``, which counts the classes that are prompts.
        folder: where to.
    """
    summary, overview = summarise(read_runs(metrics_files)), read_overview(overview_file)
    values = table_values(summary, _LIKE)
    external = summary.groupby("method")["external"].first()
    groups = [_group(name, external[name]) for name in values["method"]]
    values.insert(0, "group", groups)
    counts = overview[["dataset", "notion", "n_prompts", "n_named"]]
    values = values.merge(counts, on=["dataset", "notion"], how="left")
    parts = tables(summary, overview)
    texts = {suffix: render(parts, suffix) for suffix in ("md", "tex")}
    texts["csv"] = to_csv(values)
    for suffix, text in texts.items():
        write_text(folder / f"{NAME}.{suffix}", text)
