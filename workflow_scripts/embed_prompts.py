"""Embed a notion's prompts with a CLIP model."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    import pandas as pd

    from lanzdml.clip import load_clip
    from lanzdml.embeddings import embed_prompts, write_embeddings

    prompts = pd.DataFrame(snakemake.params.prompts)
    clip = load_clip(**snakemake.params.model, device=snakemake.resources.device)
    embeddings = embed_prompts(
        clip, prompts["prompt"].tolist(), batch_size=snakemake.resources.batch_size
    )
    write_embeddings(Path(snakemake.output[0]), prompts, embeddings, clip.description)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
