"""Put our values beside the published ones."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.tables.published import write_comparison

    write_comparison(
        [Path(path) for path in snakemake.input],
        Path(snakemake.output[0]).parent,
        [Path(path) for path in snakemake.params.files],
    )


run_as_script(main, globals())
