"""Read a dataset's original files and write its manifest."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets import find_dataset
    from lanzdml.datasets.archives import unpacked
    from lanzdml.datasets.class_counts import warn_of_differing_classes
    from lanzdml.datasets.images import exclude_unreadable
    from lanzdml.datasets.manifest import split_excluded, summary, write_excluded, write_manifest

    name, output = snakemake.wildcards.dataset, snakemake.output
    dataset = find_dataset(name, snakemake.params.labels, snakemake.params.torchvision)
    root, linked = unpacked(Path(snakemake.params.root)), snakemake.params.linked
    rows = dataset.read_manifest(root, linked)
    if snakemake.params.skip_unreadable:
        rows = exclude_unreadable(rows, root, snakemake.threads, linked)
    manifest, excluded = split_excluded(rows)
    write_excluded(Path(output.excluded), excluded)
    write_manifest(Path(output.manifest), manifest, snakemake.params.notions, name)
    warn_of_differing_classes(name, manifest)
    print(f"{name}: {summary(manifest, excluded)}")


run_as_script(main, globals())
