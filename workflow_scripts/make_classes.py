"""Say which classes gain and lose by each method."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.tables.classes import write_classes

    files, scored = snakemake.input, snakemake.params.labels
    labels = {
        (protocol, dataset, notion): (Path(manifest), columns)
        for (protocol, dataset, notion, _, columns), manifest in zip(
            scored, files.manifests, strict=True
        )
    }
    runs, queries = ([Path(path) for path in paths] for paths in (files.runs, files.queries))
    write_classes(runs, queries, labels, Path(snakemake.output[0]).parent)


run_as_script(main, globals())
