"""Draw the methods' mean ranks over notions."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.figures.critical_difference.draw import draw
    from lanzdml.figures.style import write_figure
    from lanzdml.significance.comparisons import read_significance

    write_figure(
        draw(read_significance(Path(snakemake.input[0]))),
        snakemake.output,
        snakemake.params.caption,
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
