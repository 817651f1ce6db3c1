"""Compute saliency maps of InDiReCT and of CLIP, and what share of them is on the foreground."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.archives import unpacked
    from lanzdml.datasets.manifest import read_manifest
    from lanzdml.embeddings.loading import load_clip
    from lanzdml.figures.saliency.compute import Choice, compute_saliency, read_projections
    from lanzdml.figures.saliency.maps import write_maps, write_shares

    params, output = snakemake.params, snakemake.output
    clip = load_clip(**params.model, device=snakemake.resources.device)
    transforms = dict(zip(params.notions, map(Path, snakemake.input.transforms), strict=True))
    choice = Choice(**params.drawn)
    maps, shares = compute_saliency(
        clip,
        read_manifest(snakemake.input.manifest),
        unpacked(Path(params.root)),
        read_projections(transforms, clip),
        choice,
        linked=params.linked,
    )
    write_maps(Path(output.maps), maps, {"seed": str(choice.seed)} | clip.description)
    write_shares(Path(output.shares), shares)


run_as_script(main, globals())
