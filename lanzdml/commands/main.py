"""The command line of ``lanzdml``: options in, tables out. What a command does is in its module.

Each command imports what it needs when it is called, so that ``lanzdml --help`` takes no time.
"""

from pathlib import Path

import click

from lanzdml.commands.options import (
    COLUMN,
    FILE,
    FORMAT,
    ID,
    METHODS,
    RESULTS,
    SEPARATOR,
    DimType,
    of_labelled,
    plain,
    print_rows,
    progress_bar,
)
from lanzdml.methods.dim import Dim


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def lanzdml() -> None:
    """Metrics and methods of language-guided metric learning, without a workflow."""


@lanzdml.command()
@click.argument("vectors", type=FILE)
@click.argument("labels", type=FILE)
@of_labelled
@click.option("--metrics", default="", help="Others beside the seven, as recall_at_5,ari.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of k-means.")
@click.option(
    "--kmeans-repeats", type=click.IntRange(1), default=1, help="Starts of k-means to average."
)
@plain
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
    with progress_bar("image", given.n_ranking) as bar:
        rows = compute(
            given.vectors, given.labels, queries=given.queries, metrics=names, seed=seed,
            kmeans_repeats=kmeans_repeats, n_threads=threads, progress=bar.update,
        )  # fmt: skip
    print_rows(rows, form)


@lanzdml.command()
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.argument("labels", type=FILE)
@of_labelled
@plain
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
    with progress_bar("image", 2 * a.n_ranking) as bar:
        rows = compute(
            a.vectors, b.vectors, a.labels, queries=a.queries, n_threads=threads,
            progress=bar.update,
        )  # fmt: skip
    print_rows(rows, form)


@lanzdml.command()
@click.argument("prompts", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The transform, .safetensors.")
@click.option(
    "--method",
    default="indirect",
    help="A method that learns from prompts; file.py:Class for yours.",
)
@click.option(
    "--dim", type=DimType(), help="r', the size of the vectors it makes; auto: as the prompts say."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the fit.")
@click.option("--against", type=FILE, help="Vectors of prompts of what must not matter.")
@click.option("--images", type=FILE, help="Vectors of images, for methods that see a collection.")
@click.option("--labels", type=FILE, help="The images' labels, for methods that see these, too.")
@click.option("--label", help="The column of the labels.")
@SEPARATOR
@COLUMN
@plain
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
@click.option(
    "-o", "--output", type=FILE, required=True,
    help="The result: .npy, .parquet, .faiss, or a new folder, a Parquet file for each of VECTORS.",
)  # fmt: skip
@click.option("--method", help="file.py:Class of the transform's method, where it is one of yours.")
@COLUMN
@ID
@plain
def transform(
    file: Path, vectors: Path, output: Path, method: str | None, column: str | None,
    id_column: str | None,
) -> None:  # fmt: skip
    """Transform VECTORS by FILE, which `lanzdml fit` or a run of the workflow wrote."""
    from lanzdml.commands.transform import transform as compute
    from lanzdml.methods.elsewhere import welcome

    if method is not None:
        welcome(method)
    with progress_bar("vector") as bar:
        n, dim = compute(
            file, vectors, output, column=column, id_column=id_column, progress=bar.update
        )
    click.echo(f"{n:,} vectors of {dim} dimensions: {output}")


@lanzdml.command("check-method")
@click.argument("method")
@plain
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
@FORMAT
@click.option("--cached", is_flag=True, help="Only weights that are in the hub's cache.")
@click.option("--parameters", is_flag=True, help="Count them, in up to a second a model.")
@plain
def models(word: str, form: str, cached: bool, parameters: bool) -> None:
    """List open_clip's models whose architecture or weights hold WORD; nothing is fetched."""
    from lanzdml.commands.models import models as compute

    rows = compute(word, cached=cached, parameters=parameters)
    click.echo(f"{len(rows):,} models of open_clip", err=True)
    if form != "table" or len(rows):
        print_rows(rows, form)


@lanzdml.command()
@click.argument("results", type=RESULTS, nargs=-1, required=True)
@click.option("-o", "--output", type=RESULTS, required=True, help="The new folder.")
@METHODS
@plain
def merge(results: tuple[Path, ...], output: Path, methods: tuple[str, ...]) -> None:
    """Merge folders of RESULTS of one benchmark to one, see docs/sharing.md.

    The same run in several folders has to be the same. What was made of other images, labels,
    prompts or weights, or by other versions, gets a name of its own.
    """
    from lanzdml.commands.merge import merge as compute

    compute(results, output, methods, click.echo)


@lanzdml.command()
@click.argument("results", type=RESULTS)
@click.option(
    "--runs", type=click.IntRange(0), default=20, help="How many runs are scored anew, by a draw."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the draw.")
@METHODS
@plain
def verify(results: Path, runs: int, seed: int, methods: tuple[str, ...]) -> None:
    """Verify that RESULTS are what their embeddings and transforms give, see docs/sharing.md.

    Ends with 1 where they are not, and says which run and file, what is stored and what it is.
    """
    from lanzdml.commands.verify import verify as compute

    with progress_bar("run", runs) as bar:
        agrees = compute(results, methods, click.echo, runs=runs, seed=seed, progress=bar.update)
    if not agrees:
        raise SystemExit(1)


@lanzdml.command()
@click.argument("results", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, required=True, help="The folder of the site.")
@click.option(
    "--own", type=FILE, multiple=True,
    help="One of RESULTS whose report and explorer are put on the site, too; may be repeated.",
)  # fmt: skip
@plain
def site(results: tuple[Path, ...], output: Path, own: tuple[Path, ...]) -> None:
    """Make a ranking for the web from folders of RESULTS, for a server or GitHub Pages.

    What two folders have alike is one row; where they contradict each other both are shown. Report
    and explorer are pages with scripts by whoever made them: --own is for folders of yours only.
    """
    from lanzdml.commands.site import site as compute

    click.echo(compute(results, output, own))


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
@FORMAT
@plain
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
        print_rows(rows_of(found), form)


def main() -> None:
    """The console command."""
    lanzdml(prog_name="lanzdml")
