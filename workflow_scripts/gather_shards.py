"""Put the shards of a dataset's embeddings together."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.embeddings.shards import gather_shards

    gather_shards(
        [Path(path) for path in snakemake.input.shards],
        Path(snakemake.input.manifest),
        Path(snakemake.output[0]),
    )


run_as_script(main, globals())
