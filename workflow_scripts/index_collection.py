"""Write a faiss index of a collection's vectors."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.collections.writing import write_index
    from lanzdml.files import replacing

    with replacing(snakemake.output[0]) as temporary:
        write_index(Path(snakemake.input[0]), temporary, snakemake.params.distance)


run_as_script(main, globals())
