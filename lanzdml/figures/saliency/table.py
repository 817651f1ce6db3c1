"""How much of the saliency is on the foreground: the table beside the figure of the maps."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from lanzdml.figures.saliency.maps import SaliencyMaps
from lanzdml.files import write_text
from lanzdml.names import DATASET_NAMES, NOTION_NAMES, on_paper, shortened
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.markup import DASH, LONGEST, Table, markdown_escape, markdown_note

COLUMNS = ["Positive difference", "95 % interval", "InDiReCT's map", "CLIP's map", "Area", "Images"]
EXPLANATION = (
    "Positive difference: of all that InDiReCT's map is higher than CLIP's, the share on the "
    "foreground, with a bootstrap interval over the images. Beside it the share of each map, and "
    "of the area, which is the share of a map that is the same everywhere."
)


def summarise_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """Means over the images, a row a notion.

    Args:
        shares: the rows that :func:`lanzdml.figures.saliency.compute.compute_saliency` makes.

    Returns:
        columns notion; difference, low and high (its 95 % bootstrap interval, NaN for less than two
        images), indirect, clip and area, in percent; n_images.
    """
    rows = []
    for notion, block in shares.groupby("notion", sort=False):
        means = 100 * block[["difference", "indirect", "clip", "area"]].mean()
        low, high = _interval(100 * block["difference"].dropna().to_numpy())
        rows.append({"notion": notion, **means, "low": low, "high": high, "n_images": len(block)})
    columns = ["notion", "difference", "low", "high", "indirect", "clip", "area", "n_images"]
    return pd.DataFrame(rows, columns=columns)


def _interval(values: np.ndarray) -> tuple[float, float]:
    if len(values) < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(0)
    # In batches, as all resamples at once would be 9,999 times the values.
    result = bootstrap((values,), np.mean, method="percentile", batch=100, rng=rng)
    return tuple(result.confidence_interval)


def write_saliency_table(
    shares: pd.DataFrame,
    maps: SaliencyMaps,
    dataset: str,
    paths: Iterable[str | os.PathLike[str]],
) -> None:
    """Write the table as what each path's suffix says, ``md`` or ``csv``.

    Args:
        shares: the rows that :func:`lanzdml.figures.saliency.compute.compute_saliency` makes.
        maps: those of the figure, whose images the Markdown names.
        dataset: its short name.
        paths: where to.
    """
    summary = summarise_shares(shares)
    for path in map(Path, paths):
        text = (
            _csv(summary, dataset) if path.suffix == ".csv" else _markdown(summary, maps, dataset)
        )
        write_text(path, text)


def _csv(summary: pd.DataFrame, dataset: str) -> str:
    rows = summary.assign(dataset=dataset, unit="percent")
    rows = rows[["dataset", *summary.columns[:-1], "unit", "n_images"]]
    return to_csv(rows)


def _markdown(summary: pd.DataFrame, maps: SaliencyMaps, dataset: str) -> str:
    name = on_paper(dataset, DATASET_NAMES)
    if summary.empty:
        none = f"{name} has no masks of the foreground, so no saliency is measured on it."
        lines = [markdown_note(none)]
    else:
        lines = [
            f"Saliency on the foreground of {markdown_escape(name)}, r' = {maps.dim}, in percent: "
            "mean over images.",
            "",
            *share_table(summary).markdown(),
        ]
    images = markdown_escape(", ".join(shortened(name, LONGEST) for name in maps.image_ids))
    lines += ["", f"Images of the figure, from the top: {images}."]
    return "\n".join(lines) + "\n"


def share_table(summary: pd.DataFrame) -> Table:
    """A row a notion, of :func:`summarise_shares` or of the CSV."""
    return Table(
        "Saliency on the foreground, in percent: mean over images",
        ["Similarity notion"],
        [(on_paper(notion, NOTION_NAMES),) for notion in summary["notion"]],
        COLUMNS,
        [_cells(row) for row in summary.itertuples()],
        [EXPLANATION],
    )


def _cells(row: Any) -> list[str]:
    interval = DASH if np.isnan(row.low) else f"{row.low:.1f} to {row.high:.1f}"
    difference = DASH if np.isnan(row.difference) else f"{row.difference:.1f}"
    shares = [f"{value:.1f}" for value in (row.indirect, row.clip, row.area)]
    return [difference, interval, *shares, f"{row.n_images:,}"]
