"""Embed a dataset's images, or one shard of them, with a CLIP model."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.archives import unpacked
    from lanzdml.datasets.manifest import FINGERPRINT, ID, fingerprint_of, read_manifest
    from lanzdml.embeddings.embedding import embed_images
    from lanzdml.embeddings.loading import load_clip
    from lanzdml.embeddings.shards import cut_shard
    from lanzdml.embeddings.storage import write_embeddings

    resources = snakemake.resources
    manifest_file = Path(snakemake.input.manifest)
    manifest = read_manifest(manifest_file)
    if shard := snakemake.wildcards.get("shard"):
        of = int(snakemake.wildcards.shards)
        manifest = cut_shard(manifest, int(shard), of, snakemake.params.cut_between)
    clip = load_clip(**snakemake.params.model, device=resources.device)
    embeddings = embed_images(
        clip,
        manifest,
        unpacked(Path(snakemake.params.root)),
        linked=snakemake.params.linked,
        batch_size=resources.batch_size,
        workers=resources.workers,
    )
    metadata = clip.description | {FINGERPRINT: fingerprint_of(manifest_file)}
    write_embeddings(Path(snakemake.output[0]), manifest[[ID]], embeddings, metadata)


run_as_script(main, globals(), least_threads=2)
