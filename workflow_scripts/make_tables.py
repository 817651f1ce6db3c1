"""Render the result tables."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.tables import write_tables

    write_tables(Path(snakemake.input[0]), [Path(path) for path in snakemake.output])


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
