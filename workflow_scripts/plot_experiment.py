"""Draw the figure of an experiment."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.experiments import EXPERIMENTS
    from lanzdml.figures.style import write_figure

    params = snakemake.params
    experiment = EXPERIMENTS[params.experiment]
    rows = experiment.read([Path(path) for path in snakemake.input], params.seeds)
    figure = experiment.draw(rows)
    write_figure(figure, snakemake.output, params.caption)


run_as_script(main, globals())
