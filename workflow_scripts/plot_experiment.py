"""Draw the figure of an experiment."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.experiments import EXPERIMENTS
    from lanzdml.figures.style import write_figure
    from lanzdml.metrics.runs import read_runs

    params = snakemake.params
    runs = read_runs([Path(path) for path in snakemake.input], params.seeds)
    figure = EXPERIMENTS[params.experiment].draw(runs)
    write_figure(figure, snakemake.output, params.caption)


run_as_script(main, globals())
