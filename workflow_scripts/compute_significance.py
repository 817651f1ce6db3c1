"""Say which differences between methods hold for other images and other fits."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.significance.compute import compute_significance
    from lanzdml.significance.table import write_significance

    files = (
        [Path(path) for path in snakemake.input[name]]
        for name in ("runs", "queries", "clusterings", "draws")
    )
    manifests = map(Path, snakemake.input.manifests)
    sampled = {
        (protocol, dataset, notion): (manifest, labels)
        for (protocol, dataset, notion, labels), manifest in zip(
            snakemake.params.sampled, manifests, strict=True
        )
    }
    rows = compute_significance(*files, counted=snakemake.params.counted, sampled=sampled)
    write_significance(rows, snakemake.output)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
