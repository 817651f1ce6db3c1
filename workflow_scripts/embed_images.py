"""Embed a dataset's images with a CLIP model."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.clip import embed_images, load_clip
    from lanzdml.datasets.archives import unpacked
    from lanzdml.embeddings import write_embeddings
    from lanzdml.manifest import ID, fingerprint, read_manifest

    resources = snakemake.resources
    clip = load_clip(**snakemake.params.model, device=resources.device)
    manifest = read_manifest(snakemake.input.manifest)
    embeddings = embed_images(
        clip,
        manifest,
        unpacked(Path(snakemake.params.root)),
        batch_size=resources.batch_size,
        workers=resources.workers,
    )
    metadata = clip.description | {"manifest_fingerprint": fingerprint(manifest)}
    write_embeddings(Path(snakemake.output[0]), manifest[[ID]], embeddings, metadata)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
