"""Draw the methods' mean ranks over notions."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.figures.critical_difference.draw import draw
    from lanzdml.figures.style import write_figure
    from lanzdml.significance.comparisons import read_significance

    write_figure(
        draw(read_significance(Path(snakemake.input[0]))),
        snakemake.output,
        snakemake.params.caption,
    )


run_as_script(main, globals())
