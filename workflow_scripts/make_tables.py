"""Render the result tables."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.tables.paper import write_tables

    write_tables([Path(path) for path in snakemake.input], Path(snakemake.output[0]).parent)


run_as_script(main, globals())
