"""Put the shards of a collection together."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.collections.gathering import gather_collection

    n, dim = gather_collection(
        [Path(path) for path in snakemake.input],
        Path(snakemake.output.ids),
        Path(snakemake.output.vectors),
    )
    print(f"{n:,} vectors of {dim} dimensions")


run_as_script(main, globals())
