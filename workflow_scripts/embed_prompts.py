"""Embed a notion's prompts with a CLIP model."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    import pandas as pd

    from lanzdml.clip import embed_prompts, load_clip
    from lanzdml.embeddings import write_embeddings

    prompts = pd.DataFrame(snakemake.params.prompts)
    # Prompts are few: on a cluster they are not worth waiting for a GPU.
    clip = load_clip(**snakemake.params.model, device="cpu")
    embeddings = embed_prompts(clip, prompts["prompt"].tolist())
    write_embeddings(Path(snakemake.output[0]), prompts, embeddings, clip.description)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
