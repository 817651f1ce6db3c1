"""Say which differences between methods are more than chance."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.significance_rows import compute_significance
    from lanzdml.significance_table import write_significance

    files = (
        [Path(path) for path in snakemake.input[name]]
        for name in ("runs", "queries", "clusterings")
    )
    rows = compute_significance(*files, counted=snakemake.params.counted)
    write_significance(rows, snakemake.output)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
