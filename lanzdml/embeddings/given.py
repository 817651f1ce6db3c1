"""Embeddings that others made, as this workflow stores its own."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lanzdml.embeddings.storage import GIVEN, LOGIT_SCALE, WEIGHTS
from lanzdml.embeddings.vectors import Kind, Vectors, read_vectors
from lanzdml.embeddings.vectors.joining import rows_of
from lanzdml.errors import LanzdmlError

LENGTHS, ONE = "lengths", "one"  # what the metadata says of vectors of unit length
Given = tuple[NDArray[np.float32], dict[str, str]]
"""Embeddings (n, r) and what their file is to say of them."""


def given_images(
    file: str, image_ids: Sequence[str], manifest: str, *, column: str | None, id: str | None
) -> Given:
    """The vectors of a manifest's images, in its order.

    Args:
        file: file or folder, see :func:`lanzdml.embeddings.vectors.read_vectors`, as are the last
            two.
        image_ids: of the manifest.
        manifest: what messages call it.

    Raises:
        LanzdmlError: they cannot be read, or are not those of these images.
    """
    vectors = read_vectors(Path(file), column=column, id_column=id)
    rows = rows_of(vectors, image_ids, len(image_ids), manifest)
    joined = "in the order of the table" if vectors.ids is None else "by id"
    return vectors.array()[rows], _facts(file, vectors) | {"rows": joined}


def given_prompts(
    file: str,
    prompts: Sequence[str],
    logit_scale: float | None,
    *,
    column: str | None,
    id: str | None,
) -> Given:
    """The vectors of prompts, in their order.

    Args:
        file: as of :func:`given_images`, as are the last two.
        prompts: the texts.
        logit_scale: of their model; None where nobody says it.

    Raises:
        LanzdmlError: they cannot be read, are not as many, or the file has other texts.
    """
    vectors = read_vectors(Path(file), Kind.PROMPTS, column=column, id_column=id)
    if len(vectors) != len(prompts):
        raise LanzdmlError(
            f"{file} holds {len(vectors):,} vectors, but there are {len(prompts):,} prompts"
        )
    for row, (text, prompt) in enumerate(zip(vectors.texts or (), prompts, strict=False)):
        if text.strip() != prompt:
            raise LanzdmlError(
                f"{file}, row {row:,}: is of {text!r}, but prompt {row:,} is {prompt!r}: give the "
                "prompts in the order of the vectors"
            )
    scale = {} if logit_scale is None else {LOGIT_SCALE: str(logit_scale)}
    return vectors.array(), _facts(file, vectors) | scale


def _facts(file: str, vectors: Vectors) -> dict[str, str]:
    digest = hashlib.sha256()
    for part in vectors.parts:
        with open(part.file, "rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return {
        GIVEN: Path(file).name,
        WEIGHTS: f"{GIVEN}:{digest.hexdigest()}",
        "embed_dim": str(vectors.dim),
        "precision": vectors.precision,
        LENGTHS: ONE if vectors.are_unit() else "as given",
    }
