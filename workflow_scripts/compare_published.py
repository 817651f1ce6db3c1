"""Put our values beside the published ones."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.tables.published import write_comparison
    from lanzdml.tables.published_values import published_files

    write_comparison(
        [Path(path) for path in snakemake.input],
        Path(snakemake.output[0]).parent,
        published_files(snakemake.params.given),
    )


run_as_script(main, globals())
