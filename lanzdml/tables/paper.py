"""The paper's Table 2 and appendix Table 1, rendered from the rows of all runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lanzdml.files import write_text
from lanzdml.methods import in_order, method_on_paper
from lanzdml.methods.dim import AUTO, size_on_paper
from lanzdml.metrics.clusters import OF_KMEANS
from lanzdml.metrics.protocols import DEFAULT
from lanzdml.metrics.runs import AUTO_DIM, CHANCE, KMEANS_BATCH_SIZE, MACRO, TRAITS, read_runs
from lanzdml.metrics.scores import METRICS, MORE_METRICS
from lanzdml.names import (
    DATASET_NAMES,
    METRIC_NAMES,
    NOTION_NAMES,
    PROTOCOL_NAMES,
    on_paper,
)
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.markup import DASH, NEEDS_BOOKTABS, Cell, Table, markdown_note
from lanzdml.tables.notes import notes
from lanzdml.tables.poor_fits import poor_fits
from lanzdml.tables.scale import with_scale

SUFFIXES = ("md", "csv", "tex")
_OF_METHOD = (*TRAITS, "source", "against")
SETTING = ["protocol", "model", "dim"]
"""What a section of a table is of."""
NO_DIM = 0
"""The dim of a section of methods that have none. Not a null, which grouping drops."""


@dataclass(frozen=True)
class TableSpec:
    """What a table shows and how: metrics where runs have them, factor of the unit, decimals."""

    title: str
    metrics: Sequence[str]
    factor: float
    decimals: int
    unit: str


TABLES = {
    "table2": TableSpec("Retrieval", ("map_at_r", "precision_at_1"), 100.0, 1, "percent"),
    "appendix_table1": TableSpec("All metrics", (*METRICS, *MORE_METRICS), 1.0, 3, "fractions"),
}


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and population std (ddof = 0, as in the paper) over the seeds, a row a value.

    Args:
        runs: the rows of ``metrics.parquet``.

    Returns:
        columns protocol, model, dim, dataset, notion, metric, method, mean, std, macro_mean (over
        classes, of a rank metric), chance, n_seeds, n_runs, n_images, n_classes, n_queries,
        against, tied_queries, kmeans_batch_size, poor_fits, reason, ``source``, the traits of
        :data:`lanzdml.metrics.runs.TRAITS`, and ``above_chance`` and ``of_oracle`` of
        :func:`lanzdml.tables.scale.with_scale`. ``dim`` is the table that a value belongs to: a
        method whose size nobody chooses is in the table of every dim, or in one without,
        :data:`NO_DIM`, where no other method was run with the model; where the prompts say r' it
        is :data:`lanzdml.metrics.runs.AUTO_DIM`, and ``chosen_dim`` is r'. A value is that of the
        ``n_seeds`` among ``n_runs`` seeds that have one, NaN where none has, and ``reason``
        says why the first of the others has none; ``tied_queries`` is the most of any seed, and
        ``poor_fits`` lists :class:`lanzdml.tables.poor_fits.PoorFit`.
    """
    keys = [*SETTING, "dataset", "notion", "method"]
    # A size that nobody chooses may be another for each seed.
    chosen = runs["dim_auto"]
    table = runs["dim"].where(runs["has_dim"].astype("bool"), NO_DIM).mask(chosen, AUTO_DIM)
    runs = runs.assign(dim=table, chosen_dim=runs["dim"].astype("Int64").where(chosen))
    if KMEANS_BATCH_SIZE not in runs:
        runs[KMEANS_BATCH_SIZE] = pd.Series(pd.NA, runs.index, "Int64")
    metrics = [*METRICS, *(name for name in MORE_METRICS if name in runs)]
    long = runs.melt(
        id_vars=[
            *keys,
            *_OF_METHOD,
            "chosen_dim",
            "n_images",
            "n_classes",
            "n_queries",
            "tied_queries",
            KMEANS_BATCH_SIZE,
            "reason",
        ],
        value_vars=metrics,
        var_name="metric",
        value_name="value",
    )
    for name, beside in (("macro", MACRO), ("chance", CHANCE)):
        # In the order of the values; there is none beside metrics of clusters.
        of_metrics = runs.reindex(columns=[beside + metric for metric in metrics])
        long[name] = of_metrics.astype("float64").melt()["value"]
    grouped = long.groupby([*keys, "metric"], sort=False, observed=True)
    summary = grouped.agg(
        mean=("value", "mean"),
        std=("value", lambda values: values.std(ddof=0)),
        macro_mean=("macro", "mean"),
        chance=("chance", "first"),
        n_seeds=("value", "count"),
        n_runs=("value", "size"),
        chosen_dim=("chosen_dim", "first"),
        n_images=("n_images", "first"),
        n_classes=("n_classes", "first"),
        n_queries=("n_queries", "max"),
        tied_queries=("tied_queries", "max"),
        kmeans_batch_size=(KMEANS_BATCH_SIZE, "first"),
        reason=("reason", "first"),
        **{name: (name, "first") for name in _OF_METHOD},
    ).reset_index()
    summary = summary.join(poor_fits(runs, keys).rename("poor_fits"), on=keys)
    return with_scale(in_each_table(summary.astype(dict.fromkeys(TRAITS, "bool"))))


def in_each_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with ``has_dim``; those without are in the table of every dim, or in one without."""
    reduced, full = rows[rows["has_dim"]], rows[~rows["has_dim"]]
    tables = reduced[SETTING].drop_duplicates()
    full = full.drop(columns="dim").merge(tables, how="left", on=["protocol", "model"])
    full["dim"] = full["dim"].fillna(NO_DIM).astype("int64")
    return pd.concat([reduced, full], ignore_index=True)


def _cells(rows: pd.DataFrame, spec: TableSpec) -> dict[str, Cell]:
    """The entries of one line by method; the best unsupervised value is marked.

    Not one of some of its seeds, which says so: those that failed might have been the bad ones.
    """
    rounded = (rows["mean"] * spec.factor).round(spec.decimals) + 0.0  # no -0.0
    competes = ~rows["supervised"] & is_whole(rows)
    candidates = rounded[competes]
    best = candidates.max() if candidates.notna().any() else None
    cells = {}
    for row, value, may_be_best in zip(rows.itertuples(), rounded, competes, strict=True):
        if pd.isna(row.mean):
            cells[row.method] = Cell(DASH, False)
            continue
        text = f"{value:.{spec.decimals}f}"
        # A method without a seed has no spread but that of the clustering.
        if row.n_seeds > 1 and (not row.deterministic or row.metric in OF_KMEANS):
            text += f" ± {row.std * spec.factor:.{spec.decimals}f}"
        if row.n_seeds < row.n_runs:
            text += f" ({row.n_seeds} of {row.n_runs})"
        cells[row.method] = Cell(text, may_be_best and value == best)
    return cells


def is_whole(rows: pd.DataFrame) -> pd.Series:
    """Which values of :func:`summarise` are those of all seeds."""
    return rows["n_seeds"] == rows["n_runs"]


@dataclass(frozen=True)
class Line:
    """One line of a table."""

    dataset: str
    notion: str
    metric: str
    cells: dict[str, Cell]


def _lines(summary: pd.DataFrame, spec: TableSpec) -> list[Line]:
    lines, shown = [], set(summary["metric"])
    for (dataset, notion), block in summary.groupby(["dataset", "notion"], sort=False):
        lines += [
            Line(
                on_paper(dataset, DATASET_NAMES),
                on_paper(notion, NOTION_NAMES),
                METRIC_NAMES[metric],
                _cells(block[block["metric"] == metric], spec),
            )
            for metric in spec.metrics
            if metric in shown
        ]
    return lines


@dataclass(frozen=True)
class Section:
    """The lines of one protocol, model and dim, and what is to be said of some of their entries."""

    setting: str
    title: str
    methods: list[str]
    lines: list[Line]
    reasons: list[str]

    def table(self) -> Table:
        """Methods side by side, as in the paper."""
        return Table(
            self.title,
            ["Dataset", "Notion", "Metric"],
            [(line.dataset, line.notion, line.metric) for line in self.lines],
            [method_on_paper(method) for method in self.methods],
            [[line.cells.get(method, DASH) for method in self.methods] for line in self.lines],
            self.reasons,
        )


def by_setting(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each protocol, model and dim, with what these are called."""
    one_protocol = len(rows["protocol"].unique()) == 1
    named = []
    for (protocol, model, dim), block in rows.groupby(SETTING, sort=False):
        asked = AUTO if dim == AUTO_DIM else dim
        size = "" if dim == NO_DIM else f", {size_on_paper(asked)}"
        # The default is named only where there is another one.
        note = "" if one_protocol and protocol == DEFAULT else f", {PROTOCOL_NAMES[protocol]}"
        named.append((f"with {model}{size}{note}", block))
    return named


def sections(summary: pd.DataFrame, table: str) -> list[Section]:
    """What a table shows, whatever it is printed as: one section a protocol, model and dim.

    Args:
        summary: of :func:`summarise`.
        table: a key of :data:`TABLES`.
    """
    spec = TABLES[table]
    methods = in_order(summary["method"])
    shown = []
    for setting, block in by_setting(summary):
        of_table = block[block["metric"].isin(spec.metrics)]
        missing = of_table[of_table["mean"].isna() | ~is_whole(of_table)].dropna(subset="reason")
        reasons = notes(block, missing, of_table)
        title = f"{spec.title} {setting}, in {spec.unit}"
        shown.append(Section(setting, title, methods, _lines(block, spec), reasons))
    return shown


def render(tables: Sequence[Table], suffix: str) -> str:
    """Tables of means and stds as ``md`` or ``tex``."""
    if suffix == "tex":
        return (
            "\n".join([NEEDS_BOOKTABS, *(line for table in tables for line in table.latex())])
            + "\n"
        )
    reading = "mean ± std over seeds, best unsupervised value in bold."
    parts = [
        "\n".join([f"{markdown_note(table.caption)}: {reading}", "", *table.markdown()])
        for table in tables
    ]
    return "\n\n".join(parts) + "\n"


def table_values(summary: pd.DataFrame, table: str) -> pd.DataFrame:
    """The values of a table, a row each, in its unit."""
    spec = TABLES[table]
    rows = summary[summary["metric"].isin(spec.metrics)].copy()
    scores = ["mean", "std", "macro_mean", "chance", "above_chance", "of_oracle"]
    rows[scores] *= spec.factor
    rows["unit"] = spec.unit
    columns = ["dataset", "notion", "metric", "method", *scores, "unit", "n_seeds",
               "n_runs", "protocol", "model", "dim", "chosen_dim", "n_images", "n_classes",
               "n_queries", "tied_queries", "reason"]  # fmt: skip
    if rows[KMEANS_BATCH_SIZE].notna().any():
        columns.append(KMEANS_BATCH_SIZE)
    return rows[columns]


def render_table(summary: pd.DataFrame, table: str, suffix: str) -> str:
    """A table of :data:`TABLES`: ``md``, ``tex`` (layout of the paper) or ``csv`` (a row a value).

    One section for each protocol, model and dim.

    Args:
        summary: of :func:`summarise`.
        table: a key of :data:`TABLES`.
        suffix: one of :data:`SUFFIXES`.
    """
    if suffix == "csv":
        return to_csv(table_values(summary, table))
    return render([section.table() for section in sections(summary, table)], suffix)


def write_tables(metrics_files: Sequence[Path], folder: Path) -> None:
    """Write every table in every format, ``<table>.<suffix>``, from the rows of its runs."""
    summary = summarise(read_runs(metrics_files))
    for table in TABLES:
        for suffix in SUFFIXES:
            write_text(folder / f"{table}.{suffix}", render_table(summary, table, suffix))
