"""All runs as the data of the page's table: columns, filters and rows."""

import json
from dataclasses import asdict, dataclass

import pandas as pd
from markupsafe import Markup

from lanzdml.methods import method_on_paper
from lanzdml.names import (
    DATASET_NAMES,
    METRIC_NAMES,
    NOTION_NAMES,
    on_paper,
    shortened,
)
from lanzdml.report.places import in_text
from lanzdml.tables.markup import LONGEST

_COLUMNS = {
    "dataset": "Dataset",
    "notion": "Notion",
    "model": "Model",
    "protocol": "Protocol",
    "method": "Method",
    "dim": "Dim",
    "dim_auto": "Dim chosen",
    "n_prompts": "Prompts",
    "seed": "Seed",
    **METRIC_NAMES,
    "fit_seconds": "Fit, s",
    "iterations": "Iterations",
    "loss": "Loss",
    "n_images": "Images",
    "n_classes": "Classes",
    "n_queries": "Queries",
    "source": "From",
    "status": "Status",
    "reason": "Reason",
}
_PRINTED = {
    "dataset": lambda name: on_paper(name, DATASET_NAMES),
    "notion": lambda name: on_paper(name, NOTION_NAMES),
    "method": method_on_paper,
}
_DECIMALS = dict.fromkeys(METRIC_NAMES, 4) | {"fit_seconds": 3, "loss": 4}
_FILTERS = ("dataset", "notion", "model", "protocol", "method", "dim", "n_prompts", "status")


@dataclass(frozen=True)
class Column:
    """A column of the table; ``decimals`` is None for text and whole numbers."""

    name: str
    label: str
    is_number: bool
    decimals: int | None
    options: list[str]
    """What it can be filtered by; nothing if it cannot."""


@dataclass(frozen=True)
class RunTable:
    """The table; what is the same in all rows is no column, but said once."""

    columns: list[Column]
    common: list[tuple[str, str]]
    n_rows: int
    json: Markup
    """Columns and rows as text of a script element."""


def run_table(runs: pd.DataFrame) -> RunTable:
    """The rows of ``metrics.parquet`` as a table, names as on paper."""
    frame = runs[[name for name in _COLUMNS if name in runs]].copy()
    for name, printed in _PRINTED.items():
        frame[name] = frame[name].map(printed)
    if "reason" in frame:
        frame["reason"] = frame["reason"].map(
            lambda reason: in_text(shortened(reason, LONGEST)), na_action="ignore"
        )
    columns, common = [], []
    for name in frame:
        values = frame[name]
        if values.isna().all():
            continue
        if name not in METRIC_NAMES and len(runs) > 1 and len(values.drop_duplicates()) == 1:
            common.append((_COLUMNS[name], str(values.iloc[0])))
            continue
        is_number = pd.api.types.is_numeric_dtype(values)
        options = _options(values, is_number) if name in _FILTERS else []
        columns.append(Column(name, _COLUMNS[name], is_number, _DECIMALS.get(name), options))
    shown = frame[[column.name for column in columns]]
    # Six decimals tell any two runs apart that the page can show apart, at half the size.
    rows = shown.round(6).astype(object).where(shown.notna(), None).to_numpy().tolist()
    data = {"columns": [asdict(column) for column in columns], "rows": rows}
    return RunTable(columns, common, len(runs), as_script_text(data))


def _options(values: pd.Series, is_number: bool) -> list[str]:
    """Numbers in their order, names as they come."""
    options = values.dropna().unique().tolist()
    if len(options) < 2:
        return []
    return [str(option) for option in (sorted(options) if is_number else options)]


def as_script_text(data: object) -> Markup:
    """JSON that is safe in a script element: it cannot hold a tag, whatever the data."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
