"""Read a dataset's original files and write its manifest."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.datasets import DATASETS
    from lanzdml.datasets.archives import unpacked
    from lanzdml.manifest import split_excluded, summary, write_excluded, write_manifest

    name, output = snakemake.wildcards.dataset, snakemake.output
    rows = DATASETS[name].read_manifest(unpacked(Path(snakemake.params.root)))
    manifest, excluded = split_excluded(rows)
    write_excluded(Path(output.excluded), excluded)
    write_manifest(Path(output.manifest), manifest, DATASETS[name].notions, name)
    print(f"{name}: {summary(manifest, excluded)}")


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
