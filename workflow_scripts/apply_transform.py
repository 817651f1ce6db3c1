"""Apply a transform to one file of a collection's vectors."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.collections.applying import apply_transform
    from lanzdml.embeddings.vectors.reading import Source

    apply_transform(
        Path(snakemake.input.transform),
        Source(*map(Path, snakemake.input.vectors)),
        Path(snakemake.output[0]),
        **snakemake.params.settings,
    )


run_as_script(main, globals())
