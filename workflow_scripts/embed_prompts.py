"""Embed the prompts of a dataset's notions with a CLIP model, and gather those of combined ones.

Vectors of prompts that others made are taken; a model is loaded where there are other prompts.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from job import Job, run_as_script

if TYPE_CHECKING:
    from lanzdml.embeddings.clip import Clip


def main(snakemake: Job) -> None:
    from lanzdml.datasets.labels import distinct_labels
    from lanzdml.embeddings.given import given_prompts
    from lanzdml.embeddings.prompts import make_prompts
    from lanzdml.embeddings.storage import check_wordings, combine_prompts, write_embeddings

    params = snakemake.params

    @cache
    def clip() -> "Clip":
        from lanzdml.embeddings.loading import load_clip

        # Prompts are few: on a cluster they are not worth waiting for a GPU.
        return load_clip(**params.model, device="cpu")

    def tokens_of() -> Callable[[list[str]], Sequence[Hashable]]:
        from lanzdml.embeddings.embedding import tokens_of

        return partial(tokens_of, clip()) if params.model["architecture"] else list

    outputs = {
        notion["name"]: Path(path)
        for notion, path in zip(params.notions, snakemake.output, strict=True)
    }
    for notion in params.notions:
        name, output = notion["name"], outputs[notion["name"]]
        if parts := notion["parts"]:
            combine_prompts([outputs[part] for part in parts], output, tokens_of())
            continue
        aspects = notion["aspects"]
        if notion["labels"]:
            aspects = distinct_labels(Path(snakemake.input.manifest[0]), notion["labels"])
        if notion["ensemble"]:
            from lanzdml.embeddings.ensembles import embed_ensemble

            rows, means = embed_ensemble(clip(), notion["ensemble"], aspects)
            write_embeddings(output, rows, means, clip().description)
            continue
        prompts = make_prompts(notion["template"], aspects)
        texts = prompts["prompt"].tolist()
        if name in params.given:
            embeddings, facts = given_prompts(
                prompts=texts, logit_scale=params.logit_scale, **params.given[name]
            )
        else:
            from lanzdml.embeddings.embedding import embed_prompts

            embeddings, facts = embed_prompts(clip(), texts), clip().description
        write_embeddings(output, prompts, embeddings, facts)
    worded = zip(params.worded, map(Path, snakemake.input.worded), strict=True)
    made = ((notion["wording_of"], outputs[notion["name"]]) for notion in params.notions)
    check_wordings([*worded, *made])


run_as_script(main, globals())
