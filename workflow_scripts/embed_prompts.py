"""Embed the prompts of a dataset's notions with a CLIP model, and gather those of combined ones."""

from functools import partial
from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.manifest import distinct_labels
    from lanzdml.embeddings.embedding import embed_prompts, tokens_of
    from lanzdml.embeddings.loading import load_clip
    from lanzdml.embeddings.prompts import make_prompts
    from lanzdml.embeddings.storage import combine_prompts, write_embeddings

    params = snakemake.params
    outputs = {
        notion["name"]: Path(path)
        for notion, path in zip(params.notions, snakemake.output, strict=True)
    }
    # Prompts are few: on a cluster they are not worth waiting for a GPU.
    clip = load_clip(**params.model, device="cpu")
    for notion in params.notions:
        output = outputs[notion["name"]]
        if parts := notion["parts"]:
            combine_prompts([outputs[part] for part in parts], output, partial(tokens_of, clip))
            continue
        aspects = notion["aspects"]
        if notion["labels"]:
            aspects = distinct_labels(Path(snakemake.input.manifest[0]), notion["labels"])
        prompts = make_prompts(notion["template"], aspects)
        embeddings = embed_prompts(clip, prompts["prompt"].tolist())
        write_embeddings(output, prompts, embeddings, clip.description)


run_as_script(main, globals())
