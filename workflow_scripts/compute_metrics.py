"""Score runs."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.metrics.evidence import Evidence
    from lanzdml.metrics.scoring import ScoreTask, score_runs

    params = snakemake.params
    tasks = [
        ScoreTask(**task | {"evidence": task["evidence"] and Evidence(**task["evidence"])})
        for task in params.tasks
    ]
    score_runs(tasks, kept=Path(params.kept), n_threads=snakemake.threads)


run_as_script(main, globals())
