"""Measure what experiments ask for beside the scores of runs."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.experiments.measuring import measure_runs
    from lanzdml.experiments.task import MeasureTask
    from lanzdml.progress import Progress

    params = snakemake.params
    tasks = [MeasureTask(**task) for task in params.tasks]
    progress = Progress(f"{snakemake.rule}: measured", len(tasks), "methods on notions")
    measure_runs(tasks, kept=Path(params.kept), progress=progress)


run_as_script(main, globals())
