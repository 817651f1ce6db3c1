"""The comparison with published values as tables: paper by paper, and protocol by protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lanzdml.methods import in_order, method_on_paper
from lanzdml.methods.dim import AUTO, size_on_paper
from lanzdml.metrics.protocols import QUERY_GALLERY
from lanzdml.metrics.runs import AUTO_DIM
from lanzdml.names import (
    DATASET_NAMES,
    METRIC_NAMES,
    NOTION_NAMES,
    in_a_row,
    on_paper,
    one_line,
)
from lanzdml.tables.markup import DASH, Table, markdown_escape, markdown_note
from lanzdml.tables.published_sentences import (
    LACKS,
    MARK,
    how_made,
    lacks_ours,
    notes,
    protocol_on_paper,
    source_on_paper,
    why_apart,
)
from lanzdml.tables.published_values import UNITS, kind_of

INTRODUCTION = (
    "Values that papers print stand beside ours of the same protocol and metric. A model of ours "
    "that is another one has other values for that reason alone."
)
NOTHING = "This configuration has no run with a published value."
_DECIMALS = {"percent": 1, "fraction": 3}
_MOST_DECIMALS = 6
_LINE = ["dataset", "notion", "metric"]
_NAMES = ["Dataset", "Notion", "Metric"]
_RUN = {"protocol": "Protocol", "model": "Model"}


@dataclass(frozen=True)
class PaperTables:
    """What is shown of one paper.

    Attributes:
        paper: its name.
        texts: how its values were made, and why some cannot be compared.
        tables: each behind what explains it.
    """

    paper: str
    texts: Sequence[str]
    tables: Sequence[tuple[str, Table]]


def render_comparison(rows: pd.DataFrame, left_out: Mapping[str, str] | None = None) -> str:
    """The rows of :func:`lanzdml.tables.published.compare` as Markdown.

    Args:
        rows: of it.
        left_out: papers of which they have nothing, each with the reason.
    """
    lines = ["# Our values and the published ones", "", INTRODUCTION, ""]
    if rows.empty:
        lines += [NOTHING, ""]
    for name, reason in (left_out or {}).items():
        lines += [markdown_note(f"Nothing is shown of {one_line(name)}: {reason}."), ""]
    if rows.empty:
        return "\n".join(lines)
    for paper in comparisons(rows):
        lines += [f"## {markdown_escape(paper.paper)}", ""]
        lines += [line for text in paper.texts for line in (markdown_note(text), "")]
        for explanation, table in paper.tables:
            title, explained = markdown_escape(table.caption), markdown_note(explanation)
            lines += [f"### {title}", "", explained, "", *table.markdown(), ""]
    return "\n".join(lines)


def comparisons(rows: pd.DataFrame) -> list[PaperTables]:
    """What :func:`lanzdml.tables.published.compare` found, paper by paper.

    Of each how far each protocol is off, every value, and shares; and then what cannot be compared.
    A table without rows is left out: a distance needs a comparable run that could be made.
    """
    shown = []
    for paper, block in rows.groupby("paper", sort=False):
        is_theirs, is_ours = block["protocol"] == "", block["published"].isna()
        beside, theirs, ours = block[~is_theirs & ~is_ours], block[is_theirs], block[is_ours]
        texts = [*how_made(block), *why_apart(theirs, ours)]
        tables = [*_beside(beside), *_apart(theirs, ours)]
        shown.append(
            PaperTables(one_line(paper), texts, [table for table in tables if table[1].cells])
        )
    return shown


def _beside(rows: pd.DataFrame) -> list[tuple[str, Table]]:
    """Tables of two values in a cell."""
    if rows.empty:
        return []
    in_first = rows[rows["source"] == rows["source"].iloc[0]]
    tables = [_distances(in_first)]
    keys = ["source", "unit", "protocol", "model"]
    units = rows.groupby("source")["unit"].nunique()
    tables += [
        _values(block, _in_unit(block) if units[source] > 1 else "")
        for (source, *_), block in rows.groupby(keys, sort=False)
    ]
    on_the_way = in_first.dropna(subset=["n_images", "published_of_oracle"])
    tables += [_shares(block) for _, block in on_the_way.groupby(keys[2:], sort=False)]
    return tables


def _distances(rows: pd.DataFrame) -> tuple[str, Table]:
    compared = rows[rows["comparable"]].dropna(subset="difference")
    methods = in_order(rows.dropna(subset="n_images")["method"])
    points = compared["difference"] * 100 / compared["unit"].map(UNITS).astype("float64")
    compared = compared.assign(points=points.astype("float64"))
    by = _RUN | _by_model(rows)
    heads, values = [], []
    for head, block in compared.groupby([*by], sort=False):
        cells = []
        for method in methods:
            of_method = block[block["method"] == method]
            in_std = of_method["difference_in_std"].dropna().abs()
            text = f"{of_method['points'].abs().mean():.1f}" if len(of_method) else DASH
            cells.append(
                f"{text} ({(in_std <= 2).sum()} of {len(in_std)})" if len(in_std) else text
            )
        heads.append(tuple(map(one_line, head)))
        values.append(cells)
    caption = "Mean absolute difference, in percentage points"
    of_source = source_on_paper(rows["source"].iloc[0], "the paper")
    explanation = f"Over the comparable values of {of_source}"
    if rows["published_std"].notna().any():
        explanation += (
            ", and in brackets how many of those with a published std are at most two of it away"
        )
    return f"{explanation}.", Table(caption, [*by.values()], heads, _on_paper(methods), values)


def _values(block: pd.DataFrame, in_unit: str) -> tuple[str, Table]:
    first = block.iloc[0]
    decimals = _decimals(block)
    explanation = f"Ours / published, difference in {first.unit}"
    if block["published_std"].notna().any():
        explanation += " (and in published standard deviations)"
    explanation += "."
    chosen = block[block["published_dim"].isna()]["dim"].dropna().unique()
    if len(chosen):
        explanation += f" Ours at {_size(chosen[0])}, the first here, as none is published."
    if block["n_images"].isna().any():
        explanation += f" {DASH} / published: there is no such run here, or not with this metric."
    if lacks_ours(block).any():
        explanation += f" {LACKS}: a run of ours without this value, for the reason below."
    table = _table(
        f"{source_on_paper(first.source, 'All values')}, {_of_ours(block)}{in_unit}",
        block,
        lambda row: _cell(row, decimals),
        counted=True,
    )
    return explanation, table


def _shares(block: pd.DataFrame) -> tuple[str, Table]:
    caption = f"Share of the way from Random to Oracle, {_of_ours(block)}"
    explanation = "Ours / published, in percent: 0 is as good as chance, 100 as good as Oracle."
    return explanation, _table(caption, block, _cell_of_shares)


def _apart(theirs: pd.DataFrame, ours: pd.DataFrame) -> list[tuple[str, Table]]:
    """Tables of published values that no run can be held against, and of ours of the same."""
    tables = []
    units = theirs.groupby(["source", "published_protocol"])["unit"].nunique()
    for (source, protocol, unit), block in theirs.groupby(
        ["source", "published_protocol", "unit"], sort=False
    ):
        decimals = _decimals(block)
        name = f"{source_on_paper(source, 'All values')}, not compared"
        in_unit = _in_unit(block) if units[source, protocol] > 1 else ""
        caption = f"{name}: {protocol_on_paper(protocol)}{_with(block)}{in_unit}"
        shown = _table(caption, block, _alone("published", decimals))
        tables.append((f"Published values alone, in {unit}.", shown))
        same = (
            (ours["source"] == source)
            & (ours["published_protocol"] == protocol)
            & (ours["unit"] == unit)
        )
        if (block := ours[same]).empty:
            continue
        kinds = dict.fromkeys(protocol_on_paper(kind_of(run_by)) for run_by in block["protocol"])
        explanation = f"Our values alone, in {unit}."
        if len(dims := block["dim"].dropna().unique()) == 1:
            explanation += f" At {_size(dims[0])}."
        shown = _table(
            f"{name}: ours, {in_a_row([*kinds])}{in_unit}",
            block,
            _alone("ours", decimals),
            by=_RUN,
        )
        tables.append((explanation, shown))
    return tables


def _table(
    caption: str,
    block: pd.DataFrame,
    cell: Callable[[Any], str],
    *,
    by: Mapping[str, str] | None = None,
    counted: bool = False,
) -> Table:
    """A line a notion and metric, and of each of these one for what else heads lines.

    Unless ``by`` names that, it is the published model, where there are several.
    """
    methods = in_order(block["method"])
    by = _by_model(block) if by is None else by
    keys = [*_LINE, *by]
    # How many rank a gallery is a matter of choice, and values go by it.
    split = block["published_protocol"].iloc[0] == QUERY_GALLERY
    counted_as = ["images", "classes", *(["queries"] if split else [])]
    counts = block.groupby(_LINE[:2], sort=False)[[f"n_{what}" for what in counted_as]]
    heads, values = [], []
    for head, line in block.groupby(keys, sort=False):
        dataset, notion, metric, *others = head
        cells = {row.method: cell(row) for row in line.itertuples()}
        name = on_paper(notion, NOTION_NAMES)
        if counted and not (known := counts.get_group((dataset, notion)).dropna()).empty:
            # Of a run with another notion's labels the counts are those of that notion.
            numbers = zip(known.mode().iloc[0].astype("int64"), counted_as, strict=True)
            name += f" ({', '.join(f'{number:,} {what}' for number, what in numbers)})"
        heads.append(
            (on_paper(dataset, DATASET_NAMES), name, METRIC_NAMES[metric], *map(one_line, others))
        )
        values.append([cells.get(method, DASH) for method in methods])
    names = [*_NAMES, *by.values()]
    return Table(one_line(caption), names, heads, _on_paper(methods), values, notes(block))


def _on_paper(methods: Sequence[str]) -> list[str]:
    return [method_on_paper(name) for name in methods]


def _in_unit(block: pd.DataFrame) -> str:
    """What tells a caption from that of the same values in another unit."""
    return f", in {block['unit'].iloc[0]}"


def _size(dim: int) -> str:
    return size_on_paper(AUTO if dim == AUTO_DIM else int(dim))


def _by_model(block: pd.DataFrame) -> dict[str, str]:
    """What heads lines of several published models."""
    several = len(block["published_model"].unique()) > 1
    return {"published_model": "Published with"} if several else {}


def _of_ours(block: pd.DataFrame) -> str:
    """Whose two values stand in a cell, for a caption."""
    first = block.iloc[0]
    return f"{first.protocol} protocol: ours with {first.model}{_with(block)}"


def _with(block: pd.DataFrame) -> str:
    """The model of published values, where there is one, for a caption."""
    models = block["published_model"].unique()
    return f", published with {models[0]}" if len(models) == 1 and models[0] != "-" else ""


def _decimals(block: pd.DataFrame) -> int:
    """As many as the unit has, or as are printed."""
    printed = (len(repr(float(value)).partition(".")[2]) for value in block["published"])
    return min(_MOST_DECIMALS, max(_DECIMALS[block["unit"].iloc[0]], *printed))


def _cell(row: Any, decimals: int) -> str:
    mark = "" if row.comparable else MARK
    if pd.isna(row.ours):
        none = DASH if pd.isna(row.n_images) else LACKS
        return f"{none} / {row.published:.{decimals}f}{mark}"
    # z: no minus sign of a value that is rounded to zero
    text = f"{row.ours:z.{decimals}f} / {row.published:.{decimals}f}{mark}, "
    text += f"{row.difference:+z.{decimals}f}"
    return text if pd.isna(row.difference_in_std) else f"{text} ({row.difference_in_std:+z.1f})"


def _alone(column: str, decimals: int) -> Callable[[Any], str]:
    """What a cell is of one value of a row."""

    def cell(row: Any) -> str:
        value = getattr(row, column)
        return DASH if pd.isna(value) else f"{value:z.{decimals}f}"

    return cell


def _cell_of_shares(row: Any) -> str:
    percent = 100 / UNITS[row.unit]
    shares = (
        DASH if pd.isna(share) else f"{share * percent:z.0f}"
        for share in (row.of_oracle, row.published_of_oracle)
    )
    return " / ".join(shares) + ("" if row.comparable else MARK)
