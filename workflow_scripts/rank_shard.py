"""Rank the queries of a shard of a run."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.metrics.shards import rank_shard
    from lanzdml.metrics.task import ScoreTask

    params, wildcards = snakemake.params, snakemake.wildcards
    rank_shard(
        ScoreTask.of(params.tasks[0]),
        Path(snakemake.output[0]),
        (int(wildcards.shard), int(wildcards.shards)),
        kept=Path(params.kept),
        n_threads=snakemake.threads,
    )


run_as_script(main, globals())
