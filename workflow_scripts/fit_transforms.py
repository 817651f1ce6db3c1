"""Fit methods to notions."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.progress import Progress
    from lanzdml.transforms.fitting import FitTask, fit_transforms

    params = snakemake.params
    tasks = [FitTask(**task) for task in params.tasks]
    fit_transforms(
        tasks,
        kept=Path(params.kept),
        n_threads=snakemake.threads,
        progress=Progress(f"{snakemake.rule}: fitted", len(tasks), "transforms"),
    )


run_as_script(main, globals())
