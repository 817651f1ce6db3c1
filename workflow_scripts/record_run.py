"""Record which configuration and which code made a folder of results."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.sharing.record import write_record

    write_record(Path(snakemake.output[0]), snakemake.params.config)


run_as_script(main, globals())
