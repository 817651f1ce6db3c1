"""Fit one method to one notion's prompts, once for each seed."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.transforms import fit_transforms

    images, manifest = snakemake.input.get("images"), snakemake.input.get("manifest")
    fit_transforms(
        snakemake.wildcards.method,
        snakemake.wildcards.dim,
        snakemake.params.seeds,
        prompts_file=Path(snakemake.input.prompts),
        outputs=[Path(path) for path in snakemake.output],
        supervision=(Path(images), Path(manifest), snakemake.wildcards.notion) if images else None,
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
