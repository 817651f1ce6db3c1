"""The paper's Table 2 and appendix Table 1, rendered from the rows of all runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lanzdml.files import replacing
from lanzdml.methods import METHODS
from lanzdml.metrics import METRICS, RANK_METRICS
from lanzdml.names import DATASET_NAMES, METHOD_NAMES, METRIC_NAMES, NOTION_NAMES, on_paper

SUFFIXES = ("md", "csv", "tex")
DASH = "—"


@dataclass(frozen=True)
class TableSpec:
    """What a table shows and how: metrics, factor of the unit, decimals."""

    title: str
    metrics: Sequence[str]
    factor: float
    decimals: int
    unit: str


TABLES = {
    "table2": TableSpec("Retrieval", ("map_at_r", "precision_at_1"), 100.0, 1, "percent"),
    "appendix_table1": TableSpec("All metrics", METRICS, 1.0, 3, "fractions"),
}


@dataclass(frozen=True)
class Cell:
    """One entry: mean and, where seeds can differ, population std over the seeds."""

    text: str
    best: bool


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and population std (ddof = 0, as in the paper) over the seeds, a row a value.

    Args:
        runs: the rows of ``metrics.parquet``.

    Returns:
        columns model, dim, dataset, notion, metric, method, mean, std, n_seeds, supervised,
        deterministic, reason. ``dim`` is the table that a value belongs to: a method that keeps
        the model's own size is in the table of every dim. Values of runs that could not be made
        are NaN and ``reason`` says why.
    """
    keys = ["model", "dim", "dataset", "notion", "method"]
    long = runs.melt(
        id_vars=[*keys, "reason"], value_vars=list(METRICS), var_name="metric", value_name="value"
    )
    grouped = long.groupby([*keys, "metric"], sort=False, observed=True)
    summary = grouped.agg(
        mean=("value", "mean"),
        std=("value", lambda values: values.std(ddof=0)),
        n_seeds=("value", "count"),
        reason=("reason", "first"),
    ).reset_index()
    methods = {name: METHODS[name] for name in summary["method"].unique()}
    for trait in ("has_dim", "supervised", "deterministic"):
        summary[trait] = summary["method"].map(lambda name, t=trait: getattr(methods[name], t))
    reduced = summary[summary["has_dim"]]
    tables = (reduced if len(reduced) else summary)[["model", "dim"]].drop_duplicates()
    full = summary[~summary["has_dim"]].drop(columns="dim").merge(tables, on="model")
    return pd.concat([reduced, full], ignore_index=True).drop(columns="has_dim")


def _cells(rows: pd.DataFrame, spec: TableSpec) -> dict[str, Cell]:
    """The entries of one line by method; the best unsupervised value is marked."""
    rounded = (rows["mean"] * spec.factor).round(spec.decimals) + 0.0  # no -0.0
    candidates = rounded[~rows["supervised"]]
    best = candidates.max() if candidates.notna().any() else None
    cells = {}
    for row, value in zip(rows.itertuples(), rounded, strict=True):
        if pd.isna(row.mean):
            cells[row.method] = Cell(DASH, False)
            continue
        text = f"{value:.{spec.decimals}f}"
        # A method without a seed has no spread but that of the clustering.
        if not row.deterministic or row.metric not in RANK_METRICS:
            text += f" ± {row.std * spec.factor:.{spec.decimals}f}"
        cells[row.method] = Cell(text, not row.supervised and value == best)
    return cells


@dataclass(frozen=True)
class Line:
    """One line of a table."""

    dataset: str
    notion: str
    metric: str
    cells: dict[str, Cell]


def _lines(summary: pd.DataFrame, spec: TableSpec) -> list[Line]:
    lines = []
    for (dataset, notion), block in summary.groupby(["dataset", "notion"], sort=False):
        lines += [
            Line(
                on_paper(dataset, DATASET_NAMES),
                on_paper(notion, NOTION_NAMES),
                METRIC_NAMES[metric],
                _cells(block[block["metric"] == metric], spec),
            )
            for metric in spec.metrics
        ]
    return lines


def _without_repeats(lines: list[Line]) -> list[tuple[str, str]]:
    """Dataset and notion of each line, blank where they repeat the line above."""
    heads = []
    for above, line in zip([None, *lines[:-1]], lines, strict=True):
        same_dataset = above is not None and above.dataset == line.dataset
        same_notion = same_dataset and above.notion == line.notion
        heads.append(("" if same_dataset else line.dataset, "" if same_notion else line.notion))
    return heads


def _markdown(sections: list, spec: TableSpec) -> str:
    parts = []
    for model, dim, lines, methods, reasons in sections:
        header = ["", "", "", *(on_paper(method, METHOD_NAMES) for method in methods)]
        rows = [
            [dataset, notion, line.metric]
            + [f"**{c.text}**" if c.best else c.text for c in _row(line, methods)]
            for (dataset, notion), line in zip(_without_repeats(lines), lines, strict=True)
        ]
        align = ["---", "---", "---", *["---:"] * len(methods)]
        parts.append(
            f"{spec.title} with {model}, r' = {dim}, in {spec.unit}: mean ± std over seeds, "
            "best unsupervised value in bold.\n"
        )
        parts += ["| " + " | ".join(row) + " |" for row in [header, align, *rows]]
        parts += ["", *(f"- {DASH} {reason}" for reason in reasons), ""]
    return "\n".join(parts).rstrip() + "\n"


def _row(line: Line, methods: list[str]) -> list[Cell]:
    return [line.cells.get(method, Cell(DASH, False)) for method in methods]


def _tex_escape(text: str) -> str:
    for plain in "&%$#_{}":
        text = text.replace(plain, "\\" + plain)
    return text.replace("±", r"$\pm$").replace(DASH, "---")


def _latex(sections: list, spec: TableSpec) -> str:
    parts = ["% needs \\usepackage{booktabs}"]
    for model, dim, lines, methods, reasons in sections:
        names = " & ".join(_tex_escape(on_paper(method, METHOD_NAMES)) for method in methods)
        parts += [
            f"% {spec.title}, {model}, r' = {dim}, {spec.unit}",
            *(f"% {reason}" for reason in reasons),
            "\\begin{tabular}{lll" + "r" * len(methods) + "}",
            "\\toprule",
            f" & & & {names} \\\\",
            "\\midrule",
        ]
        for position, (head, line) in enumerate(zip(_without_repeats(lines), lines, strict=True)):
            if head[0] and position:
                parts.append("\\midrule")
            cells = [
                f"\\textbf{{{_tex_escape(c.text)}}}" if c.best else _tex_escape(c.text)
                for c in _row(line, methods)
            ]
            row = [*map(_tex_escape, head), _tex_escape(line.metric), *cells]
            parts.append(" & ".join(row) + " \\\\")
        parts += ["\\bottomrule", "\\end{tabular}"]
    return "\n".join(parts) + "\n"


def _sections(summary: pd.DataFrame, spec: TableSpec) -> list:
    methods = [name for name in METHODS if name in set(summary["method"])]
    sections = []
    for (model, dim), block in summary.groupby(["model", "dim"], sort=False):
        reasons = sorted(
            f"{on_paper(row.method, METHOD_NAMES)}, {on_paper(row.dataset, DATASET_NAMES)} "
            f"{on_paper(row.notion, NOTION_NAMES)}: {row.reason}"
            for row in block[block["mean"].isna()]
            .dropna(subset="reason")
            .drop_duplicates(["method", "dataset", "notion"])
            .itertuples()
        )
        sections.append((model, dim, _lines(block, spec), methods, reasons))
    return sections


def _csv(summary: pd.DataFrame, spec: TableSpec) -> str:
    rows = summary[summary["metric"].isin(spec.metrics)].copy()
    rows[["mean", "std"]] *= spec.factor
    rows["unit"] = spec.unit
    columns = ["dataset", "notion", "metric", "method", "mean", "std", "unit", "n_seeds",
               "model", "dim", "reason"]  # fmt: skip
    return rows[columns].to_csv(index=False, lineterminator="\n")


def render_table(summary: pd.DataFrame, table: str, suffix: str) -> str:
    """A table of :data:`TABLES`: ``md``, ``tex`` (layout of the paper) or ``csv`` (a row a value).

    One section for each model and dim.

    Args:
        summary: of :func:`summarise`.
        table: a key of :data:`TABLES`.
        suffix: one of :data:`SUFFIXES`.
    """
    spec = TABLES[table]
    if suffix == "csv":
        return _csv(summary, spec)
    render: Callable = {"md": _markdown, "tex": _latex}[suffix]
    return render(_sections(summary, spec), spec)


def write_tables(metrics_file: Path, folder: Path) -> None:
    """Write every table in every format, ``<table>.<suffix>``, from the rows of all runs."""
    summary = summarise(pd.read_parquet(metrics_file))
    for table in TABLES:
        for suffix in SUFFIXES:
            with replacing(folder / f"{table}.{suffix}") as temporary:
                temporary.write_text(render_table(summary, table, suffix), encoding="utf-8")
