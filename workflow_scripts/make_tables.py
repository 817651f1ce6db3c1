"""Render the result tables."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.tables.paper import write_tables

    write_tables([Path(path) for path in snakemake.input], Path(snakemake.output[0]).parent)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
