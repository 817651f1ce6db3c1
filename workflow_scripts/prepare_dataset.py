"""Read a dataset's original files and write its manifest."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.datasets import manifest_reader
    from lanzdml.manifest import write_manifest

    dataset, notions = snakemake.wildcards.dataset, snakemake.params.notions
    manifest = manifest_reader(dataset)(Path(snakemake.params.root), notions)
    write_manifest(Path(snakemake.output[0]), manifest, notions, dataset)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
