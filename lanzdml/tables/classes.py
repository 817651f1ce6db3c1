"""Which classes gain and lose by a method against CLIP, worst first."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from lanzdml.arithmetic.labels import values_of
from lanzdml.datasets.labels import LabelColumns, read_all_labels
from lanzdml.datasets.manifest import ID
from lanzdml.datasets.parquet_file import read_result
from lanzdml.errors import LanzdmlError
from lanzdml.files import write_text
from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.runs import PER_QUERY, notions_used, read_runs
from lanzdml.names import METRIC_NAMES, notion_on_paper, one_line, shortened
from lanzdml.spreadsheet import read_csv, to_csv
from lanzdml.tables.markup import DASH, LONGEST, Table, markdown_note
from lanzdml.tables.paper import by_setting, in_each_table

NAME = "classes"
BASELINE = "clip"
MOST = 5
"""Classes that are printed of a method, of those that lose and of those that gain."""
_MINUS = "_minus_clip"
_RUN = ["protocol", "model", "dim", "dataset", "notion", "method"]
_METRIC = "map_at_r"
_COLUMNS = [
    "dataset", "notion", "class", "n_images", "method", *PER_QUERY,
    *(name + _MINUS for name in PER_QUERY), "unit", "n_seeds", "protocol", "model", "dim",
]  # fmt: skip
_SIDES = ("Loses most", "Gains most")
_BESIDE = ("Images", METRIC_NAMES[_METRIC], "Difference")  # of a class
READING = (
    f"{METRIC_NAMES[_METRIC]} of the images of a class as queries, in percent, and the difference "
    f"to CLIP's in percentage points: for each method the {MOST} classes that lose most and the "
    f"{MOST} that gain most"
)
_NOTHING = (
    "CLIP has no value here, so there is nothing to compare with; classes.csv has all values."
)


def class_scores(
    metrics_files: Sequence[Path],
    queries_files: Sequence[Path],
    labels: Mapping[tuple[str, str, str], tuple[Path, LabelColumns]],
) -> pd.DataFrame:
    """A row for each class, method, notion, model, dim and protocol.

    Args:
        metrics_files: of the runs.
        queries_files: what :func:`lanzdml.metrics.scoring.score_runs` kept of their queries.
        labels: by protocol, dataset and notion, the manifest of the queries and its labels; of the
            notions whose labels protocols take, too.

    Returns:
        columns dataset, notion, class, n_images (that are queries), method, map_at_r and
        precision_at_1 (in percent: the mean over the class's queries and the seeds),
        map_at_r_minus_clip and
        precision_at_1_minus_clip (in percentage points, missing where CLIP has no value), unit,
        n_seeds, protocol, model and dim (missing of a method whose size nobody chooses). The
        classes of a method on a notion stand together, those that lose most first. A class of one
        image has no query and no row. A query of several values is one of each of these classes.

    Raises:
        LanzdmlError: a file cannot be read, or queries are not images with a label.
    """
    has_dim = read_runs(metrics_files).groupby("method")["has_dim"].first()
    columns: dict[Path, dict[str, LabelColumns]] = {}
    for (*_, notion), (manifest, where) in labels.items():
        columns.setdefault(manifest, {})[notion] = where
    read = {path: read_all_labels(path, of_path) for path, of_path in columns.items()}
    classes = {key: read[manifest].set_index(ID)[key[-1]] for key, (manifest, _) in labels.items()}
    read_all = (_sums_of(path, classes) for path in queries_files)
    if not (sums := [table for table in read_all if table is not None]):
        return pd.DataFrame(columns=_COLUMNS)
    rows = pd.concat(sums)
    rows["dim"] = rows["dim"].where(rows["method"].map(has_dim).astype("bool")).astype("Int64")
    keys = [*_RUN, "labels", "class"]
    rows = rows.groupby(keys, sort=False, dropna=False, as_index=False).sum()
    for metric in PER_QUERY:
        rows[metric] *= 100 / rows["n"]
    rows = _beside_clip(rows)
    # As many as are queries: all of a class, but where others of it are their gallery.
    rows["n_images"] = rows["n"] // rows["n_seeds"]
    # Not every reader of CSV knows where a field with line breaks ends.
    rows["class"] = [shortened(one_line(label), LONGEST) for label in rows["class"]]
    return _in_order(rows).assign(unit="percent")[_COLUMNS]


def _sums_of(path: Path, classes: Mapping[tuple[str, str, str], pd.Series]) -> pd.DataFrame | None:
    """Sums of the scores of each class's queries, and how many; None of a run without any."""
    table = read_result(path, [*_RUN, "seed", ID, *PER_QUERY]).to_pandas()
    if table.empty:
        return None
    run = table.iloc[:1][_RUN]
    (used,) = notions_used(run)
    labels = table[ID].map(classes[(*run[["protocol", "dataset"]].iloc[0], used.labels)])
    if labels.isna().any():
        raise LanzdmlError(
            f"{path} has scores of {table[ID][labels.isna()].iloc[0]!r}, which has no label for "
            f"{used.labels}: delete the folder queries and run again"
        )
    values = labels.map(values_of).explode()
    queries = table[list(PER_QUERY)].astype("float64").loc[values.index]
    scores = queries.groupby(values.to_numpy(), sort=False)
    sums = scores.sum().assign(n=scores.size(), n_seeds=table["seed"].nunique())
    sums = sums.rename_axis("class").reset_index()
    return run.assign(labels=used.labels).merge(sums, how="cross")


def _beside_clip(rows: pd.DataFrame) -> pd.DataFrame:
    """With the differences to CLIP, on the same labels, whatever its size."""
    same = ["protocol", "model", "dataset", "labels", "class"]
    clip = rows[rows["method"] == BASELINE].drop_duplicates(same).set_index(same)[list(PER_QUERY)]
    rows = rows.join(clip.add_suffix("_of_clip"), on=same)
    for metric in PER_QUERY:
        rows[metric + _MINUS] = rows[metric] - rows[f"{metric}_of_clip"]
    return rows


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Notions as they come, methods in their order, and of each the class that loses most first."""
    methods = {name: n for n, name in enumerate(in_order(rows["method"]))}
    keys = {
        "notion": rows.groupby(["protocol", "model", "dataset", "notion"], sort=False).ngroup(),
        "method": rows["method"].map(methods), "dim": rows["dim"],
        "difference": rows[_METRIC + _MINUS].round(9), "score": rows[_METRIC],
    }  # fmt: skip
    order = pd.DataFrame(keys).sort_values(list(keys), kind="stable").index
    return rows.loc[order]


def read_classes(path: Path) -> pd.DataFrame:
    """Read ``classes.csv``: what :func:`class_scores` returned."""
    texts = ["dataset", "notion", "class", "method", "unit", "protocol", "model"]
    numbers = [name for name in _COLUMNS if name not in texts]
    return read_csv(
        path,
        dtype=dict.fromkeys(texts, "str") | {"dim": "Int64"},
        keep_default_na=False,
        na_values=dict.fromkeys(numbers, ""),
    )


def class_tables(rows: pd.DataFrame) -> list[Table]:
    """The classes that lose and gain most, of each method: a table a notion, model, dim, protocol.

    Args:
        rows: of :func:`class_scores`. Where CLIP has no value there is no table.
    """
    rows = rows[rows["method"] != BASELINE].dropna(subset=_METRIC + _MINUS)
    if rows.empty:
        return []
    rows = in_each_table(rows.assign(has_dim=rows["dim"].notna()))
    return [
        _table(f"{notion_on_paper(dataset, notion)} {setting}", of_notion)
        for setting, block in by_setting(rows)
        for (dataset, notion), of_notion in block.groupby(["dataset", "notion"], sort=False)
    ]


def _table(what: str, rows: pd.DataFrame) -> Table:
    heads, cells = [], []
    for method in in_order(rows["method"]):
        of_method = rows[rows["method"] == method].sort_values(_METRIC + _MINUS, kind="stable")
        # What is printed as no difference is none.
        difference = of_method[_METRIC + _MINUS].round(1)
        losing, gaining = of_method[difference < 0][:MOST], of_method[difference > 0][::-1][:MOST]
        for row in range(max(len(losing), len(gaining), 1)):
            heads.append((method_on_paper(method),))
            cells.append([*_printed(losing, row), *_printed(gaining, row)])
    columns = [name for side in _SIDES for name in (side, *_BESIDE)]
    return Table(what, ["Method"], heads, columns, cells, texts=_SIDES)


def _printed(rows: pd.DataFrame, position: int) -> list[str]:
    if position >= len(rows):
        return ["" if len(rows) or position else DASH] + [""] * len(_BESIDE)
    row = rows.iloc[position]
    return [
        row["class"], f"{row['n_images']:,}", f"{row[_METRIC]:.1f}", f"{row[_METRIC + _MINUS]:+.1f}"
    ]  # fmt: skip


def write_classes(
    metrics_files: Sequence[Path],
    queries_files: Sequence[Path],
    labels: Mapping[tuple[str, str, str], tuple[Path, LabelColumns]],
    folder: Path,
) -> None:
    """Write ``classes.csv``, all rows, and ``.md``, those that lose and gain most.

    Arguments and errors as of :func:`class_scores`.
    """
    rows = class_scores(metrics_files, queries_files, labels)
    write_text(folder / f"{NAME}.csv", to_csv(rows))
    lines = ["# Which classes gain and lose", "", f"{READING}. `{NAME}.csv` has all.", ""]
    for table in class_tables(rows):
        lines += [f"## {markdown_note(table.caption)}", "", *table.markdown(), ""]
    write_text(
        folder / f"{NAME}.md", "\n".join(lines if len(lines) > 4 else [*lines, _NOTHING, ""])
    )
