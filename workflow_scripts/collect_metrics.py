"""Gather the rows of all runs in one file."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.metrics.runs import collect_runs

    collect_runs([Path(path) for path in snakemake.input], Path(snakemake.output[0]))


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
