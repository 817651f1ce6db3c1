"""Fit methods to notions."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.transforms.fitting import FitTask, fit_transforms

    params = snakemake.params
    tasks = [FitTask(**task) for task in params.tasks]
    fit_transforms(tasks, kept=Path(params.kept), n_threads=snakemake.threads)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
