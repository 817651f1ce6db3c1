"""Score runs."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.metrics.scoring import score_runs
    from lanzdml.metrics.task import ScoreTask
    from lanzdml.progress import Progress

    params = snakemake.params
    tasks = [ScoreTask.of(task) for task in params.tasks]
    score_runs(
        tasks,
        kept=Path(params.kept),
        n_threads=snakemake.threads,
        progress=Progress(f"{snakemake.rule}: scored", len(tasks), "runs"),
    )


run_as_script(main, globals())
