"""Render the table beyond the paper."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.tables.beyond import write_beyond

    write_beyond(
        [Path(path) for path in snakemake.input.runs],
        Path(snakemake.input.overview),
        Path(snakemake.output[0]).parent,
    )


run_as_script(main, globals())
