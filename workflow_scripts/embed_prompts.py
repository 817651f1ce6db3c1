"""Embed a notion's prompts with a CLIP model, or gather those of the notions that it combines."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.embeddings.storage import combine_prompts, write_embeddings

    output = Path(snakemake.output[0])
    if parts := snakemake.input.get("parts"):
        combine_prompts([Path(path) for path in parts], output)
        return

    from lanzdml.datasets.manifest import distinct_labels
    from lanzdml.embeddings.embedding import embed_prompts
    from lanzdml.embeddings.loading import load_clip
    from lanzdml.embeddings.prompts import make_prompts

    aspects = snakemake.params.aspects
    if manifest := snakemake.input.get("manifest"):
        aspects = distinct_labels(Path(manifest), snakemake.params.labels)
    prompts = make_prompts(snakemake.params.template, aspects)
    # Prompts are few: on a cluster they are not worth waiting for a GPU.
    clip = load_clip(**snakemake.params.model, device="cpu")
    embeddings = embed_prompts(clip, prompts["prompt"].tolist())
    write_embeddings(output, prompts, embeddings, clip.description)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
