"""Tables below figures: a table with the name of a figure belongs to it."""

from collections.abc import Callable
from pathlib import Path

from lanzdml.figures.saliency.table import share_table
from lanzdml.report.grid import Grid, make_grid
from lanzdml.report.results import Results
from lanzdml.spreadsheet import read_csv
from lanzdml.tables.markup import Table


def figure_table(results: Results, figure: str) -> Grid | None:
    """What stands below a figure: the CSV table of its name, if there is one that has rows."""
    path = results.csv(figure)
    if path is None:
        return None
    table = _READERS.get(figure, _as_it_is)(path)
    return make_grid(f"{figure}-table", table) if table.cells else None


def _as_it_is(path: Path) -> Table:
    """Rows and columns of a CSV, the first column as heads."""
    rows = read_csv(path, dtype="str", keep_default_na=False)
    first, *others = rows.columns
    return Table(
        path.stem.replace("_", " ").capitalize(),
        [first],
        [(head,) for head in rows[first]],
        others,
        rows[others].to_numpy().tolist(),
    )


def _saliency(path: Path) -> Table:
    # Only what is empty is missing: a notion may be called "null", or "007".
    texts = dict.fromkeys(["dataset", "notion"], "str")
    summary = read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    return share_table(summary)


_READERS: dict[str, Callable[[Path], Table]] = {"saliency": _saliency}
"""Of figures whose table is printed in other words than the CSV's."""
