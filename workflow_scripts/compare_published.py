"""Put our values beside the published ones."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.tables.published import write_comparison

    write_comparison([Path(path) for path in snakemake.input], Path(snakemake.output[0]).parent)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
