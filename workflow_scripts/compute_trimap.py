"""Compute the points of the TriMap picture."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.figures.trimap.points import compute_trimap

    transforms = zip(snakemake.params.notions, snakemake.input.transforms, strict=True)
    compute_trimap(
        Path(snakemake.input.images),
        Path(snakemake.input.manifest),
        {notion: Path(path) for notion, path in transforms},
        snakemake.params.seed,
        Path(snakemake.output[0]),
    )


run_as_script(main, globals())
