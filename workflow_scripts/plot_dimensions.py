"""Draw MAP@R over the size of the embedding."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.figures.dimensions import draw_dimensions
    from lanzdml.figures.style import write_figure
    from lanzdml.runs import read_runs

    runs = read_runs([Path(path) for path in snakemake.input], snakemake.params.seeds)
    write_figure(draw_dimensions(runs), snakemake.output)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
