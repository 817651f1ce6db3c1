"""Score runs."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.metrics.scoring import score_runs
    from lanzdml.metrics.task import ScoreTask

    params = snakemake.params
    tasks = [ScoreTask.of(task) for task in params.tasks]
    score_runs(tasks, kept=Path(params.kept), n_threads=snakemake.threads)


run_as_script(main, globals())
