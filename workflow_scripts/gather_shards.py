"""Put the shards of a dataset's embeddings together."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.embeddings.shards import gather_shards

    gather_shards(
        [Path(path) for path in snakemake.input.shards],
        Path(snakemake.input.manifest),
        Path(snakemake.output[0]),
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
