"""Draw MAP@R over several CLIP models."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.figures.clip_size import draw_clip_size
    from lanzdml.figures.style import write_figure
    from lanzdml.runs import read_runs

    runs = read_runs([Path(path) for path in snakemake.input], snakemake.params.seeds)
    write_figure(draw_clip_size(runs), snakemake.output)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
