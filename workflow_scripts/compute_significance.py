"""Say which differences between methods hold for other images and other fits."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.significance.compute import compute_significance
    from lanzdml.significance.table import write_significance

    files, params = snakemake.input, snakemake.params
    sampled = zip(params.sampled, files.manifests, strict=True)
    rows = compute_significance(
        [Path(path) for path in files.runs],
        [Path(path) for path in files.queries],
        [Path(path) for path in files.clusterings],
        [Path(path) for path in files.draws],
        counted=params.counted,
        sampled={
            (protocol, dataset, notion): (Path(manifest), labels)
            for (protocol, dataset, notion, _, labels), manifest in sampled
        },
    )
    write_significance(rows, snakemake.output)


run_as_script(main, globals())
