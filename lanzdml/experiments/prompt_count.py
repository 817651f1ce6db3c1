"""MAP@R over the number of prompts (the paper's figure 5)."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lanzdml.figures.ablation import (
    add_legend,
    add_level,
    add_method,
    add_title,
    panels,
    series,
    size_of,
)
from lanzdml.figures.style import styled
from lanzdml.names import METHOD_NAMES, on_paper


@styled
def draw(runs: pd.DataFrame) -> Figure:
    """A panel a notion: a curve a method, and a dashed line for what it reaches with all prompts.

    Args:
        runs: rows as in ``metrics.parquet`` of one dataset, model and dim. Of each notion and
            method those with the most prompts are the dashed line.
    """
    table = series(runs, "n_prompts")
    figure, axes = panels(runs)
    for notion, axis in axes.items():
        for method, rows in table[table["notion"] == notion].groupby("method", sort=False):
            *some, everything = rows.sort_values("n_prompts").index
            rows, full = rows.loc[some], rows.loc[everything]
            if len(rows):
                add_method(axis, method, rows["n_prompts"].astype(int), rows)
            label = f"{on_paper(method, METHOD_NAMES)}, all prompts"
            add_level(axis, method, full["mean"], full["std"], label)
        most = table.loc[table["notion"] == notion, "n_prompts"].max()
        axis.set_xlabel(f"number of prompts (of {most})" if pd.notna(most) else "number of prompts")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
    add_title(figure, runs, runs["model"].iloc[0], *size_of(runs))
    add_legend(figure, axes.values())
    return figure
