"""Score the runs of one method on one notion."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.metrics.runs import evaluate_runs

    def beside(name: str) -> Path | None:
        """What the runs of the tables keep beside their metrics; ablations do not."""
        path = snakemake.output.get(name)
        return Path(path) if path else None

    evaluate_runs(
        dict(snakemake.wildcards.items()),
        transform_files=[Path(path) for path in snakemake.input.transforms],
        images_file=Path(snakemake.input.images),
        manifest_file=Path(snakemake.input.manifest),
        outputs=[Path(path) for path in snakemake.output.metrics],
        queries_file=beside("queries"),
        clusterings_file=beside("clusterings"),
        draws_file=beside("draws"),
        labels=snakemake.params.labels,
        n_threads=snakemake.threads,
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
