"""Cluster the vectors of a run whose queries are ranked in shards."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.metrics.shards import cluster_run
    from lanzdml.metrics.task import ScoreTask

    params = snakemake.params
    task = ScoreTask.of(params.tasks[0])
    cluster_run(task, Path(snakemake.output[0]), kept=Path(params.kept))


run_as_script(main, globals())
