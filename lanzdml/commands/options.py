"""What commands have in common: their options, their errors and how they print."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

from lanzdml.errors import plain_errors
from lanzdml.methods.dim import AUTO

if TYPE_CHECKING:
    import pandas as pd
    from tqdm import tqdm

P = ParamSpec("P")
FILE = click.Path(path_type=Path)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table",
    show_default=True, help="How results are printed.",
)  # fmt: skip
LABEL = click.option("--label", required=True, help="The column of the labels.")
SEPARATOR = click.option(
    "--labels-separator", help="What separates the values in a label, where images have several."
)
QUERIES = click.option(
    "--queries", help="A column that says query or gallery: queries rank the gallery only."
)
COLUMN = click.option(
    "--column", help="The array or column of the vectors, where a file has several."
)
ID = click.option("--id", "id_column", help="The array or column of ids. [default: image_id]")
THREADS = click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True,
    help="Threads that rank; the result is the same for any number.",
)  # fmt: skip
RESULTS = click.Path(path_type=Path, file_okay=False)
METHODS = click.option(
    "--method", "methods", multiple=True,
    help="file.py:Class of a method of yours that results are of; any number of times.",
)  # fmt: skip


class DimType(click.ParamType):  # type: ignore[type-arg]  # none before click 8.4
    """r', or the word that leaves it to the prompts."""

    name = "integer|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == AUTO else click.IntRange(1).convert(value, param, ctx)


def of_labelled(command: Callable[P, None]) -> Callable[P, None]:
    """A command with the options of all that takes labelled vectors."""
    for option in (THREADS, ID, COLUMN, FORMAT, QUERIES, SEPARATOR, LABEL):
        command = option(command)
    return command


def plain(command: Callable[P, None]) -> Callable[P, None]:
    """A command that ends with a line for each thing that the user can mend."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with plain_errors():
            command(*args, **kwargs)

    return run


def progress_bar(unit: str, total: int | None = None) -> "tqdm":
    """A bar beside the results, on a terminal, for what takes more than two seconds."""
    from tqdm import tqdm

    return tqdm(total=total, unit=unit, unit_scale=True, mininterval=1, delay=2, disable=None)


def print_rows(rows: "pd.DataFrame", form: str) -> None:
    if form == "csv":
        from lanzdml.spreadsheet import to_csv

        click.echo(to_csv(rows), nl=False)
    elif form == "json":
        records = json.loads(rows.to_json(orient="records", double_precision=15))
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
    else:
        click.echo(rows.to_string(index=False, na_rep="", float_format="{:.4f}".format))
