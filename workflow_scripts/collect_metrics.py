"""Gather the rows of all runs in one file."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.metrics.runs import collect_runs

    collect_runs([Path(path) for path in snakemake.input], Path(snakemake.output[0]))


run_as_script(main, globals())
