"""Score runs."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.metrics.scoring import Evidence, ScoreTask, score_runs

    params = snakemake.params
    tasks = [
        ScoreTask(**task | {"evidence": task["evidence"] and Evidence(**task["evidence"])})
        for task in params.tasks
    ]
    score_runs(tasks, kept=Path(params.kept), n_threads=snakemake.threads)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
