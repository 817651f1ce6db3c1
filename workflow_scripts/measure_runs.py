"""Measure what experiments ask for beside the scores of runs."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.experiments.measuring import measure_runs
    from lanzdml.experiments.task import MeasureTask

    params = snakemake.params
    measure_runs([MeasureTask(**task) for task in params.tasks], kept=Path(params.kept))


run_as_script(main, globals())
