"""Render the table beyond the paper."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.tables.beyond import write_beyond

    write_beyond(
        [Path(path) for path in snakemake.input.runs],
        Path(snakemake.input.overview),
        Path(snakemake.output[0]).parent,
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
