"""Compute saliency maps of InDiReCT and of CLIP, and what share of them is on the foreground."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.datasets.archives import unpacked
    from lanzdml.datasets.manifest import read_manifest
    from lanzdml.embeddings.loading import load_clip
    from lanzdml.figures.saliency.maps import compute_saliency

    params, output = snakemake.params, snakemake.output
    compute_saliency(
        load_clip(**params.model, device=snakemake.resources.device),
        read_manifest(snakemake.input.manifest),
        unpacked(Path(params.root)),
        dict(zip(params.notions, map(Path, snakemake.input.transforms), strict=True)),
        **params.drawn,
        maps_file=Path(output.maps),
        shares_file=Path(output.shares),
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
