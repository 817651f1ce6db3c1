"""Embed a notion's prompts with a CLIP model."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.clip import embed_prompts, load_clip
    from lanzdml.embeddings import write_embeddings
    from lanzdml.manifest import distinct_labels
    from lanzdml.prompts import make_prompts

    aspects = snakemake.params.aspects
    if manifest := snakemake.input.get("manifest"):
        aspects = distinct_labels(Path(manifest), snakemake.params.labels)
    prompts = make_prompts(snakemake.params.template, aspects)
    # Prompts are few: on a cluster they are not worth waiting for a GPU.
    clip = load_clip(**snakemake.params.model, device="cpu")
    embeddings = embed_prompts(clip, prompts["prompt"].tolist())
    write_embeddings(Path(snakemake.output[0]), prompts, embeddings, clip.description)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
