"""Read a dataset's original files and write its manifest."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.datasets import DATASETS
    from lanzdml.manifest import write_manifest

    name = snakemake.wildcards.dataset
    manifest = DATASETS[name].read_manifest(Path(snakemake.params.root))
    write_manifest(Path(snakemake.output[0]), manifest, DATASETS[name].notions, name)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
