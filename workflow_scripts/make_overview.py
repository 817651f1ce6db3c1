"""Render the table of datasets, notions and prompts."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.tables.overview import Notion, write_overview

    files = zip(
        snakemake.params.notions, snakemake.input.manifests, snakemake.input.prompts, strict=True
    )
    notions = [
        Notion(**notion, manifest_file=Path(manifest), prompts_file=Path(prompts))
        for notion, manifest, prompts in files
    ]
    write_overview(notions, Path(snakemake.output[0]).parent)


run_as_script(main, globals())
