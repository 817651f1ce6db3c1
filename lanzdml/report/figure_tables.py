"""What stands beside figures: tables with the name of a figure, and sentences on them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measured import Measured
from lanzdml.figures.saliency.table import share_table
from lanzdml.report.grid import Grid, make_grids
from lanzdml.report.results import Results
from lanzdml.spreadsheet import read_csv
from lanzdml.tables.markup import Table


def figure_tables(results: Results, figure: str) -> list[Grid]:
    """What stands below a figure: the CSV table of its name, in parts."""
    path = results.csv(figure)
    if path is None:
        return []
    return make_grids(f"{figure}-table", _reader(figure)(path))


def figure_findings(results: Results, figure: str) -> list[str]:
    """What an experiment says of what it measured, in sentences."""
    path, experiment = results.csv(figure), _measured(figure)
    if path is None or experiment is None:
        return []
    said = experiment.sentences(experiment.read([path], []))
    return [text.replace("r'", "r′") for text in said]


_Reader = Callable[[Path], Sequence[Table]]


def _reader(figure: str) -> _Reader:
    """Of the figure's table, where that is printed in other words than the CSV's."""
    if figure == "saliency":
        return _saliency
    experiment = _measured(figure)
    if experiment is None:
        return _as_it_is
    return lambda path: experiment.tables(experiment.read([path], []))


def _measured(figure: str) -> type[Measured] | None:
    experiment = EXPERIMENTS.get(figure)
    return experiment if experiment is not None and issubclass(experiment, Measured) else None


def _as_it_is(path: Path) -> Sequence[Table]:
    """Rows and columns of a CSV, the first column as heads."""
    rows = read_csv(path, dtype="str", keep_default_na=False)
    first, *others = rows.columns
    table = Table(
        path.stem.replace("_", " ").capitalize(),
        [first],
        [(head,) for head in rows[first]],
        others,
        rows[others].to_numpy().tolist(),
    )
    return [table] if table.cells else []


def _saliency(path: Path) -> Sequence[Table]:
    # Only what is empty is missing: a notion may be called "null", or "007".
    texts = dict.fromkeys(["dataset", "notion"], "str")
    summary = read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    return [share_table(summary)] if len(summary) else []
