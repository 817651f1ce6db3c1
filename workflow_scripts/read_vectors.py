"""Read vectors of a dataset's images that others made."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.manifest import FINGERPRINT, ID, fingerprint_of, read_manifest
    from lanzdml.embeddings.given import given_images
    from lanzdml.embeddings.storage import SEED, write_embeddings

    manifest_file = snakemake.input.manifest
    manifest = read_manifest(Path(manifest_file), columns=[ID])
    vectors, facts = given_images(
        image_ids=manifest[ID].tolist(), manifest=manifest_file, **snakemake.params.vectors
    )
    metadata = facts | {FINGERPRINT: fingerprint_of(Path(manifest_file))}
    if snakemake.params.seed is not None:
        metadata |= {SEED: str(snakemake.params.seed)}
    write_embeddings(Path(snakemake.output[0]), manifest, vectors, metadata)


run_as_script(main, globals())
