"""Fit one method to one notion's prompts, once for each dim, number of prompts and seed.

A notion may be stacked instead of fits that are there.
"""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.transforms.storage import fit_transforms, stack_transforms

    outputs = [Path(path) for path in snakemake.output]
    if stacked := snakemake.params.stacked:
        parts = [Path(path) for path in snakemake.input.parts]
        stack_transforms(parts, outputs, list(stacked), list(stacked.values()))
        return
    files = {name: Path(path) for name, path in snakemake.input.items()}
    if prompts := files.get("prompts"):
        data = {"prompts_file": prompts}
    else:
        data = {"supervision": (files["images"], files["manifest"], snakemake.params.labels)}
    fit_transforms(
        snakemake.wildcards.method,
        snakemake.params.dims,
        snakemake.params.seeds,
        outputs=outputs,
        counts=snakemake.params.counts,
        n_threads=snakemake.threads,
        **data,
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
