"""The command line of ``lanzdml``: options in, tables out. What a command does is in its module.

Each command imports what it needs when it is called, so that ``lanzdml --help`` takes no time.
"""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

from lanzdml.errors import LanzdmlError, plain_errors
from lanzdml.methods.dim import AUTO, Dim

if TYPE_CHECKING:
    import pandas as pd
    from tqdm import tqdm


P = ParamSpec("P")
_EXTRAS = {
    "torch": "fit",
    "open_clip": "clip",
    "pydantic": "workflow",
    "yaml": "workflow",
}  # what a command may lack, and the extra that brings it
FILE = click.Path(path_type=Path)
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table",
    show_default=True, help="How results are printed.",
)  # fmt: skip
_LABEL = click.option("--label", required=True, help="The column of the labels.")
_SEPARATOR = click.option(
    "--labels-separator", help="What separates the values in a label, where images have several."
)
_QUERIES = click.option(
    "--queries", help="A column that says query or gallery: queries rank the gallery only."
)
_COLUMN = click.option(
    "--column", help="The array or column of the vectors, where a file has several."
)
_ID = click.option("--id", "id_column", help="The array or column of ids. [default: image_id]")
_THREADS = click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True,
    help="Threads that rank; the result is the same for any number.",
)  # fmt: skip


class _Dim(click.ParamType):  # type: ignore[type-arg]  # none before click 8.4
    """r', or the word that leaves it to the prompts."""

    name = "integer|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == AUTO else click.IntRange(1).convert(value, param, ctx)


def _of_labelled(command: Callable[P, None]) -> Callable[P, None]:
    """A command with the options of all that takes labelled vectors."""
    for option in (_THREADS, _ID, _COLUMN, _FORMAT, _QUERIES, _SEPARATOR, _LABEL):
        command = option(command)
    return command


def _plain(command: Callable[P, None]) -> Callable[P, None]:
    """A command that ends with a line for each thing that the user can mend."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with plain_errors():
            try:
                command(*args, **kwargs)
            except ModuleNotFoundError as error:
                if error.name not in _EXTRAS:
                    raise
                raise LanzdmlError(
                    f"this needs {error.name}, which is not installed: install lanzdml with its "
                    f"extra {_EXTRAS[error.name]}, as by `pip install '.[{_EXTRAS[error.name]}]'`"
                ) from None

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def lanzdml() -> None:
    """Metrics and methods of language-guided metric learning, without a workflow."""


@lanzdml.command()
@click.argument("vectors", type=FILE)
@click.argument("labels", type=FILE)
@_of_labelled
@click.option("--metrics", default="", help="Others beside the seven, as recall_at_5,ari.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of k-means.")
@click.option(
    "--kmeans-repeats", type=click.IntRange(1), default=1, help="Starts of k-means to average."
)
@_plain
def score(
    vectors: Path, labels: Path, label: str, labels_separator: str | None, queries: str | None,
    form: str, column: str | None, id_column: str | None, metrics: str, seed: int,
    kmeans_repeats: int, threads: int,
) -> None:  # fmt: skip
    """Score VECTORS by the seven metrics, and by others that are named.

    Chance is what images in a random order have on average, which the sizes of the classes decide;
    of several values, with how many images each shares one, and with --queries, with how many of
    the gallery. NMI has none.

    Low to high is a 95 % interval for what the column "interval" says: for other images of MAP@R
    and Prec@1; only for other queries to the same images of R-Prec, MAP, MRR and Recall@k, which is
    narrower. AMI, NMI and others of clusters have none.

    Others are recall_at_1, recall_at_5, recall_at_10, recall_at_20, clustering_accuracy, ari,
    homogeneity and silhouette.

    LABELS is a .csv, .tsv or .parquet file, a row a vector; where both have a column image_id they
    are joined by it. VECTORS is .npy, .npz, .safetensors, .pt or .parquet, or a folder of these.
    """
    from lanzdml.commands.labelled import read_labelled
    from lanzdml.commands.score import score as compute
    from lanzdml.metrics.scores import METRICS, in_order

    names = in_order((*METRICS, *filter(None, map(str.strip, metrics.split(",")))))
    given = read_labelled(
        vectors, labels, label, separator=labels_separator, queries=queries, column=column,
        id_column=id_column,
    )  # fmt: skip
    click.echo(given.described(), err=True)  # not among the results, which go to other programs
    with _progress("image", given.n_ranking) as bar:
        rows = compute(
            given.vectors, given.labels, queries=given.queries, metrics=names, seed=seed,
            kmeans_repeats=kmeans_repeats, n_threads=threads, progress=bar.update,
        )  # fmt: skip
    _print_rows(rows, form)


@lanzdml.command()
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.argument("labels", type=FILE)
@_of_labelled
@_plain
def compare(
    first: Path, second: Path, labels: Path, label: str, labels_separator: str | None,
    queries: str | None, form: str, column: str | None, id_column: str | None, threads: int,
) -> None:  # fmt: skip
    """Compare the vectors FIRST with SECOND on the same labelled images, query by query.

    The difference is FIRST minus SECOND, low to high its 95 % interval for other images, and it is
    decided where that leaves 0 out; better and worse are numbers of queries.

    Files are as those of `lanzdml score`.
    """
    from lanzdml.commands.compare import compare as compute
    from lanzdml.commands.labelled import read_labelled

    given = [
        read_labelled(
            path,
            labels,
            label,
            separator=labels_separator,
            queries=queries,
            column=column,
            id_column=id_column,
        )
        for path in (first, second)
    ]
    for each in given:
        click.echo(each.described(), err=True)
    a, b = given
    with _progress("image", 2 * a.n_ranking) as bar:
        rows = compute(
            a.vectors, b.vectors, a.labels, queries=a.queries, n_threads=threads,
            progress=bar.update,
        )  # fmt: skip
    _print_rows(rows, form)


@lanzdml.command()
@click.argument("prompts", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The transform, .safetensors.")
@click.option(
    "--method",
    default="indirect",
    help="A method that learns from prompts; file.py:Class for yours.",
)
@click.option(
    "--dim", type=_Dim(), help="r', the size of the vectors it makes; auto: as the prompts say."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the fit.")
@click.option("--against", type=FILE, help="Vectors of prompts of what must not matter.")
@click.option("--images", type=FILE, help="Vectors of images, for methods that see a collection.")
@click.option("--labels", type=FILE, help="The images' labels, for methods that see these, too.")
@click.option("--label", help="The column of the labels.")
@_SEPARATOR
@_COLUMN
@_plain
def fit(
    prompts: Path, output: Path, method: str, dim: Dim | None, seed: int, against: Path | None,
    images: Path | None, labels: Path | None, label: str | None, labels_separator: str | None,
    column: str | None,
) -> None:  # fmt: skip
    """Fit a method to the vectors PROMPTS of a notion's prompts."""
    from lanzdml.commands.fit import fit as compute

    told = {"against": against, "images": images, "labels": labels}
    click.echo(
        compute(
            prompts,
            output,
            method,
            dim=dim,
            seed=seed,
            label=label,
            labels_separator=labels_separator,
            column=column,
            **told,
        )
    )


@lanzdml.command()
@click.argument("file", type=FILE)
@click.argument("vectors", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The result, .npy or .parquet.")
@click.option("--method", help="file.py:Class of the transform's method, where it is one of yours.")
@_COLUMN
@_ID
@_plain
def transform(
    file: Path, vectors: Path, output: Path, method: str | None, column: str | None,
    id_column: str | None,
) -> None:  # fmt: skip
    """Transform VECTORS by FILE, which `lanzdml fit` or a run of the workflow wrote."""
    from lanzdml.commands.transform import transform as compute
    from lanzdml.methods.elsewhere import welcome

    if method is not None:
        welcome(method)
    with _progress("vector") as bar:
        n, dim = compute(
            file, vectors, output, column=column, id_column=id_column, progress=bar.update
        )
    click.echo(f"{n:,} vectors of {dim} dimensions: {output}")


@lanzdml.command("check-method")
@click.argument("method")
@_plain
def check_method(method: str) -> None:
    """Check METHOD against the contract that all methods keep.

    METHOD is a path with a class, as my_methods/prompt_span.py:PromptSpan, or a method's name. It
    is fitted to small made-up vectors; what it does not keep is said in a line each.
    """
    from lanzdml.commands.check_method import check_method as compute

    if not compute(method, click.echo):
        raise SystemExit(1)


@lanzdml.command()
@click.argument("word", default="")
@_FORMAT
@click.option("--cached", is_flag=True, help="Only weights that are in the hub's cache.")
@click.option("--parameters", is_flag=True, help="Count them, in up to a second a model.")
@_plain
def models(word: str, form: str, cached: bool, parameters: bool) -> None:
    """List open_clip's models whose architecture or weights hold WORD; nothing is fetched."""
    from lanzdml.commands.models import models as compute

    rows = compute(word, cached=cached, parameters=parameters)
    click.echo(f"{len(rows):,} models of open_clip", err=True)
    if form != "table" or len(rows):
        _print_rows(rows, form)


@lanzdml.command("estimate")
@click.option("--configfile", type=FILE, default=Path("config.yaml"), help="As that of Snakemake.")
@click.option("--cores", type=click.IntRange(1), help="As those of Snakemake. [default: all]")
@click.option(
    "--measured",
    type=FILE,
    multiple=True,
    default=[Path("results")],
    help="Folders of results that this machine made, whose jobs say how fast it is.",
)
@_FORMAT
@_plain
def tell_estimate(
    configfile: Path, cores: int | None, measured: tuple[Path, ...], form: str
) -> None:  # fmt: skip
    """Tell what a run of the workflow will cost: jobs, hours, memory, disk and downloads.

    By the configuration's plan, and by how long finished jobs took on this machine; what is done
    already costs nothing. Nothing is started, and no data has to be there.
    """
    from lanzdml.commands.estimate import cores_here, read_estimate, rows_of, summary

    found = read_estimate(configfile, measured)
    click.echo("\n".join(summary(found, cores or cores_here())), err=form != "table")
    if found.left:
        _print_rows(rows_of(found), form)


def _progress(unit: str, total: int | None = None) -> "tqdm":
    """A bar beside the results, on a terminal, for what takes more than two seconds."""
    from tqdm import tqdm

    return tqdm(total=total, unit=unit, unit_scale=True, mininterval=1, delay=2, disable=None)


def _print_rows(rows: "pd.DataFrame", form: str) -> None:
    if form == "csv":
        from lanzdml.spreadsheet import to_csv

        click.echo(to_csv(rows), nl=False)
    elif form == "json":
        records = json.loads(rows.to_json(orient="records", double_precision=15))
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
    else:
        click.echo(rows.to_string(index=False, na_rep="", float_format="{:.4f}".format))


def main() -> None:
    """The console command."""
    lanzdml(prog_name="lanzdml")
