"""Draw MAP@R over the number of prompts."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.figures.prompt_count import draw_prompt_count
    from lanzdml.figures.style import write_figure
    from lanzdml.runs import read_runs

    runs = read_runs([Path(path) for path in snakemake.input], snakemake.params.seeds)
    write_figure(draw_prompt_count(runs), snakemake.output)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
