"""The table beyond the paper: the paper's methods and all others, a row each.

The paper's own tables show the paper's methods alone.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lanzdml.files import write_text
from lanzdml.methods import METHODS, PAPER_METHODS
from lanzdml.metrics.runs import read_runs
from lanzdml.names import DATASET_NAMES, METHOD_NAMES, NOTION_NAMES, on_paper
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.markup import DASH, Table
from lanzdml.tables.overview import read_overview
from lanzdml.tables.paper import render, sections, summarise, table_values

NAME = "beyond"
PAPER, BEYOND = "Paper", "Beyond"
POSTERIOR = "prompt_posterior"
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
            methods = sorted(section.methods, key=lambda name: name not in PAPER_METHODS)
            remarks = _remarks(methods, rows["notion"].unique(), overview, dataset)
            parts.append(
                Table(
                    f"Beyond the paper: {on_paper(dataset, DATASET_NAMES)} {section.setting}, in "
                    "percent",
                    ["Group", "Method"],
                    [(_group(name), on_paper(name, METHOD_NAMES)) for name in methods],
                    [f"{line.notion}, {line.metric}" for line in section.lines],
                    [[line.cells.get(name, DASH) for line in section.lines] for name in methods],
                    [*section.reasons, *remarks],
                )
            )
    return parts


def _group(method: str) -> str:
    return PAPER if method in PAPER_METHODS else BEYOND


def _remarks(
    methods: Sequence[str], notions: Sequence[str], overview: pd.DataFrame, dataset: str
) -> list[str]:
    """What is to be known before methods are compared."""
    counts = overview[overview["dataset"] == dataset].set_index("notion")
    named = ", ".join(
        f"{on_paper(name, NOTION_NAMES)} {_named(counts.loc[name])}" for name in notions
    )
    lines = [f"Classes that are among the prompts: {named}."]
    if POSTERIOR in methods:
        lines.append(f"{METHOD_NAMES[POSTERIOR]} knows the classes where they are prompts.")
    transductive = [name for name in methods if METHODS[name].transductive]
    if transductive:
        names = ", ".join(on_paper(name, METHOD_NAMES) for name in transductive)
        lines.append(f"Transductive, so uses the images that are scored, without labels: {names}.")
    return lines


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
    values.insert(0, "group", values["method"].map(_group))
    counts = overview[["dataset", "notion", "n_prompts", "n_named"]]
    values = values.merge(counts, on=["dataset", "notion"], how="left")
    parts = tables(summary, overview)
    texts = {suffix: render(parts, suffix) for suffix in ("md", "tex")}
    texts["csv"] = to_csv(values)
    for suffix, text in texts.items():
        write_text(folder / f"{NAME}.{suffix}", text)
