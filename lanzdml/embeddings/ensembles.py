"""Prompts of several templates: the mean of their embeddings stands for an aspect."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lanzdml.embeddings.clip import Clip
from lanzdml.embeddings.embedding import embed_prompts
from lanzdml.embeddings.prompts import MOST_PROMPTS, make_prompts
from lanzdml.errors import LanzdmlError
from lanzdml.names import shortened

JOINED_BY = " | "
_VANISHES = 1e-4  # of a mean: below, the rounding of what a model gives turns it by more than 0.1 %


def embed_ensemble(
    clip: Clip, templates: Sequence[str], aspects: list[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """The prompts of an ensemble and the mean of each one's templates.

    So CLIP's own classifiers are made (Radford et al. 2021, "Learning Transferable Visual Models
    From Natural Language Supervision", section 3.1.4).

    Args:
        clip: the model.
        templates: two or more.
        aspects: m of them.

    Returns:
        rows with the columns ``prompt``, the texts joined by :data:`JOINED_BY`, and ``aspect``;
        (m, r) float32, the means of the templates' embeddings, each of unit length, as are they.

    Raises:
        LanzdmlError: the prompts of all templates are too many, or such as :func:`embed_prompts`
            refuses; a mean vanishes.
    """
    if len(templates) * len(aspects) > MOST_PROMPTS:
        raise LanzdmlError(
            f"{len(templates):,} templates and {len(aspects):,} aspects make more than "
            f"{MOST_PROMPTS:,} prompts: list fewer templates"
        )
    of_each = [make_prompts(template, aspects)["prompt"].tolist() for template in templates]
    embeddings = embed_prompts(clip, [text for texts in of_each for text in texts])
    means = _unit(embeddings).reshape(len(templates), len(aspects), -1).mean(axis=0)
    lengths = np.linalg.norm(means, axis=1)
    if lengths.min() < _VANISHES:
        aspect = shortened(aspects[lengths.argmin()], 40)
        raise LanzdmlError(
            f"the embeddings of aspect {aspect!r} by the templates of the ensemble cancel each "
            "other out: their mean vanishes; take other templates"
        )
    prompts = [JOINED_BY.join(texts) for texts in zip(*of_each, strict=True)]
    rows = pd.DataFrame({"prompt": prompts, "aspect": aspects}, dtype="str")
    return rows, _unit(means).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of unit length in float64; zeros stay."""
    vectors = vectors.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
