"""MAP@R over the size of the embedding (the paper's figure 3)."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lanzdml.figures.ablation import (
    add_legend,
    add_level,
    add_method,
    add_title,
    panels,
    series,
)
from lanzdml.figures.style import styled
from lanzdml.methods import METHODS
from lanzdml.names import METHOD_NAMES, on_paper


@styled
def draw(runs: pd.DataFrame) -> Figure:
    """A panel a notion, with a curve a method; one without a size to choose is a dashed line.

    Args:
        runs: rows as in ``metrics.parquet`` of one dataset and model.
    """
    table = series(runs, "dim")
    figure, axes = panels(runs)
    for notion, axis in axes.items():
        for method, rows in table[table["notion"] == notion].groupby("method", sort=False):
            if METHODS[method].has_dim:
                rows = rows.sort_values("dim")
                add_method(axis, method, rows["dim"], rows)
            else:
                size = f" (r = {rows['dim'].iloc[0]})" if method == "clip" else ""
                label = f"{on_paper(method, METHOD_NAMES)}{size}"
                add_level(axis, method, rows["mean"].iloc[0], rows["std"].iloc[0], label)
        axis.set_xscale("log", base=2)
        dims = sorted(table.loc[table["method"].map(lambda m: METHODS[m].has_dim), "dim"].unique())
        axis.set_xticks(dims, [str(dim) for dim in dims])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xlabel("embedding size r' (dimensions)")
        axis.set_ylim(bottom=0)
    add_title(figure, runs, runs["model"].iloc[0])
    add_legend(figure, axes.values())
    return figure
