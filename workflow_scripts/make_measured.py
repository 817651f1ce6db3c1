"""Render the table of an experiment."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.experiments.measuring import write_measured

    files, paths = ([Path(path) for path in each] for each in (snakemake.input, snakemake.output))
    write_measured(snakemake.params.experiment, files, paths)


run_as_script(main, globals())
