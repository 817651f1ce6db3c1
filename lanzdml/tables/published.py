"""Our values beside the published ones.

The published values are those of the paper's Table 2 and appendix Table 1: OpenAI's ViT-B/32,
r' = 128, mean and population std over five seeds. They are compared with the runs of every model
at that dim.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.files import write_text
from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.protocols import RELEASED
from lanzdml.metrics.runs import notions_used, read_runs
from lanzdml.names import (
    DATASET_NAMES,
    METRIC_NAMES,
    NOTION_NAMES,
    notion_on_paper,
    on_paper,
)
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.markup import DASH, Table, markdown_escape
from lanzdml.tables.paper import is_whole, summarise
from lanzdml.tables.scale import CEILING, share_of_way

PUBLISHED = Path(__file__).with_name("published_results.csv")
DIM = 128
KEY = ["dataset", "notion", "metric", "method"]
COLUMNS = [
    "protocol", "model", "source", *KEY, "unit", "ours", "ours_std", "published", "published_std",
    "difference", "difference_in_std", "chance", "above_chance", "of_oracle",
    "published_of_oracle", "comparable", "note", "n_images", "n_classes",
]  # fmt: skip
PUBLISHED_IN = {"table2": "Table 2", "appendix_table1": "Appendix Table 1"}
_REMARKS = {
    "appendix_table1": " Of the two rows that are printed as MRR in every block, the first is MAP.",
}
_UNITS = {"percent": (100.0, 1), "fraction": (1.0, 3)}  # factor of our fractions, decimals
_MARK = "†"
INTRODUCTION = [
    f"Published are values of OpenAI's ViT-B/32 at r' = {DIM}, mean and std over five seeds.",
    "A model of ours that is another one has other values for that reason alone, and the",
    "paper's 569 car models were never published: ours are another list.",
]


def read_published() -> pd.DataFrame:
    """The published values as they are printed.

    Returns:
        source, dataset, notion, metric, method, mean, std, unit, comparable, note. ``comparable``
        is ``true``; ``released`` for what was made with another notion's labels, as the protocol
        of that name makes it; or ``false`` for what cannot have been meant to be printed.
    """
    return pd.read_csv(PUBLISHED, dtype={"comparable": "str", "note": "str"})


def compare(summary: pd.DataFrame) -> pd.DataFrame:
    """Each of our values for which there is a published one, in the published order.

    Args:
        summary: of :func:`lanzdml.tables.paper.summarise`.

    Returns:
        :data:`COLUMNS`, in the published value's unit. ``difference`` is ours minus published,
        ``difference_in_std`` the same in published standard deviations; it is missing where none
        was published or where it was rounded to zero, and so is ours where it is of some of the
        seeds. ``chance``, ``above_chance`` and ``of_oracle`` are those of ours
        (:func:`lanzdml.tables.scale.with_scale`), ``published_of_oracle`` of
        :func:`published_of_oracle`. What was made by mistake is ``comparable`` with a protocol that
        repeats the mistake.
    """
    ours = summary[(summary["dim"] == DIM) | ~summary["has_dim"]].copy()
    # Those of some of the seeds are no such means as the published ones.
    scored = ["mean", "std", "above_chance", "of_oracle"]
    ours[scored] = ours[scored].where(is_whole(ours))
    ours = ours[["protocol", "model", *KEY, *scored, "chance", "n_images", "n_classes"]]
    ours = ours.rename(columns={"mean": "ours", "std": "ours_std"})
    # A method that keeps the model's size is in the table of every dim.
    ours = ours.drop_duplicates(["protocol", "model", *KEY])
    published = read_published()
    published["published_of_oracle"] = published_of_oracle(published)
    published = published.rename(columns={"mean": "published", "std": "published_std"})
    rows = ours[["protocol", "model"]].drop_duplicates().merge(published, how="cross")
    rows = rows.merge(ours, on=["protocol", "model", *KEY])
    factors = {unit: factor for unit, (factor, _) in _UNITS.items()}
    factor = rows["unit"].map(factors).astype("float64")  # without rows it would be of strings
    in_unit = ["ours", "ours_std", "chance", "above_chance", "of_oracle", "published_of_oracle"]
    rows[in_unit] = rows[in_unit].mul(factor, axis=0)
    labels = [used.labels for used in notions_used(rows)]
    repeats = rows["notion"] != pd.Series(labels, dtype="str")
    rows["comparable"] = (rows["comparable"] == "true") | (
        (rows["comparable"] == "released") & repeats
    )
    rows["difference"] = rows["ours"] - rows["published"]
    rows["difference_in_std"] = rows["difference"] / rows["published_std"].where(
        rows["published_std"] > 0
    )
    return rows[COLUMNS]


def published_of_oracle(published: pd.DataFrame) -> pd.Series:
    """The share of the way from the published Random to the published Oracle, a published value.

    Both with the labels that the value is of; missing for what cannot have been meant.
    """
    rows = published.assign(protocol=RELEASED)
    rows["labels"] = [used.labels for used in notions_used(rows)]
    same = ["source", "dataset", "labels", "metric"]
    for end in ("random", CEILING):
        means = rows[rows["method"] == end].set_index(same)["mean"].rename(f"of {end}")
        rows = rows.join(means, on=same)
    shares = share_of_way(rows["mean"], rows["of random"], rows[f"of {CEILING}"])
    return shares.where(rows["comparable"] != "false")


def write_comparison(metrics_files: Sequence[Path], folder: Path) -> None:
    """Write ``published_comparison.csv``, a row a value, and ``.md``, in the paper's layout."""
    rows = compare(summarise(read_runs(metrics_files)))
    table = to_csv(rows)
    write_text(folder / "published_comparison.csv", table)
    write_text(folder / "published_comparison.md", render_comparison(rows))


def render_comparison(rows: pd.DataFrame) -> str:
    """The rows of :func:`compare` as Markdown: how far each protocol is off, then every value."""
    lines = ["# Our values and the published ones", "", *INTRODUCTION, ""]
    if rows.empty:
        return "\n".join([*lines, "This configuration has no run with a published value.", ""])
    for number, (explanation, table) in enumerate(comparisons(rows)):
        lines += [
            *([""] if number else []),
            f"## {markdown_escape(table.caption)}",
            "",
            *explanation,
            "",
            *table.markdown(),
        ]
    return "\n".join(lines) + "\n"


def comparisons(rows: pd.DataFrame) -> list[tuple[list[str], Table]]:
    """The tables of :func:`compare`'s rows: how far each protocol is off, every value, and shares.

    Before each is what explains it. A table without rows is left out: a distance needs a comparable
    run that could be made.
    """
    methods = in_order(rows["method"])
    explained = [(
        [
            "Over the comparable values of Table 2, and in brackets how many of those with a "
            "published",
            "std are at most two of it away.",
        ],
        _distances(rows, methods),
    )]  # fmt: skip
    of_runs = rows.groupby(["source", "protocol", "model"], sort=False)
    for (source, protocol, model), block in of_runs:
        explanation = (
            f"Ours / published, difference in {block['unit'].iloc[0]} (and in published standard "
            f"deviations).{_REMARKS.get(source, '')}"
        )
        explained.append(([explanation], _values(source, protocol, model, block, methods)))
    table2 = rows[rows["source"] == "table2"]
    for (protocol, model), block in table2.groupby(["protocol", "model"], sort=False):
        explanation = "Ours / published, in percent: 0 is as good as chance, 100 as good as Oracle."
        explained.append(([explanation], _shares(protocol, model, block, methods)))
    return [(explanation, table) for explanation, table in explained if table.cells]


def _distances(rows: pd.DataFrame, methods: list[str]) -> Table:
    table2 = rows[(rows["source"] == "table2") & rows["comparable"]].dropna(subset="difference")
    heads, values = [], []
    for (protocol, model), block in table2.groupby(["protocol", "model"], sort=False):
        cells = []
        for method in methods:
            of_method = block[block["method"] == method]
            in_std = of_method["difference_in_std"].dropna().abs()
            text = f"{of_method['difference'].abs().mean():.1f}" if len(of_method) else DASH
            cells.append(
                f"{text} ({(in_std <= 2).sum()} of {len(in_std)})" if len(in_std) else text
            )
        heads.append((protocol, model))
        values.append(cells)
    caption = "Mean absolute difference, in percentage points"
    return Table(caption, ["Protocol", "Model"], heads, _on_paper(methods), values)


def _values(
    source: str, protocol: str, model: str, block: pd.DataFrame, methods: list[str]
) -> Table:
    heads, values = [], []
    for (dataset, notion, metric), line in block.groupby(KEY[:3], sort=False):
        cells = {row.method: _cell(row) for row in line.itertuples()}
        # Of a run with another notion's labels the counts are those of that notion.
        n_images, n_classes = line[["n_images", "n_classes"]].mode().iloc[0].astype("int64")
        name = on_paper(notion, NOTION_NAMES)
        heads.append((
            on_paper(dataset, DATASET_NAMES),
            f"{name} ({n_images:,} images, {n_classes:,} classes)",
            METRIC_NAMES[metric],
        ))  # fmt: skip
        values.append([cells.get(method, DASH) for method in methods])
    caption = f"{PUBLISHED_IN[source]}, {protocol} protocol, {model}"
    names = ["Dataset", "Notion", "Metric"]
    return Table(caption, names, heads, _on_paper(methods), values, _notes(block))


def _shares(protocol: str, model: str, block: pd.DataFrame, methods: list[str]) -> Table:
    heads, values = [], []
    for (dataset, notion, metric), line in block.groupby(KEY[:3], sort=False):
        cells = {row.method: _cell_of_shares(row) for row in line.itertuples()}
        heads.append((
            on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES), METRIC_NAMES[metric],
        ))  # fmt: skip
        values.append([cells.get(method, DASH) for method in methods])
    caption = f"Share of the way from Random to Oracle, {protocol} protocol, {model}"
    names = ["Dataset", "Notion", "Metric"]
    return Table(caption, names, heads, _on_paper(methods), values, _notes(block))


def _on_paper(methods: list[str]) -> list[str]:
    return [method_on_paper(name) for name in methods]


def _cell(row: Any) -> str:
    _, decimals = _UNITS[row.unit]
    mark = "" if row.comparable else _MARK
    if pd.isna(row.ours):
        return f"{DASH} / {row.published:.{decimals}f}{mark}"
    # z: no minus sign of a value that is rounded to zero
    text = f"{row.ours:z.{decimals}f} / {row.published:.{decimals}f}{mark}, "
    text += f"{row.difference:+z.{decimals}f}"
    return text if pd.isna(row.difference_in_std) else f"{text} ({row.difference_in_std:+z.1f})"


def _cell_of_shares(row: Any) -> str:
    shares = (
        DASH if pd.isna(share) else f"{share:z.0f}"
        for share in (row.of_oracle, row.published_of_oracle)
    )
    return " / ".join(shares) + ("" if row.comparable else _MARK)


def _notes(block: pd.DataFrame) -> list[str]:
    """What is to be said of published values, once for each notion."""
    noted = block.dropna(subset="note")
    lines = []
    for (dataset, notion, note), rows in noted.groupby(["dataset", "notion", "note"], sort=False):
        methods = ", ".join(_on_paper(in_order(rows["method"])))
        mark = "" if rows["comparable"].all() else f"{_MARK} cannot be compared, "
        lines.append(f"{mark}{notion_on_paper(dataset, notion)}, {methods}: {note}")
    return lines
