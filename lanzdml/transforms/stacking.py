"""Stacks: what a method learned for the parts of a combined notion, in one file."""

import json
import operator
from collections.abc import Sequence
from pathlib import Path

from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing
from lanzdml.methods.needs import AGAINST
from lanzdml.transforms.storage import (
    DIM_AUTO,
    DIMS,
    FITTED_WITH,
    NOT_FITTED,
    OK,
    PARTS,
    read_stored,
)


def stack(parts: Sequence[tuple[str, str, float]], output: Path) -> None:
    """Gather what a method learned for the parts of a combined notion: a transform of all.

    :func:`lanzdml.transforms.load_transform` gives it as a
    :class:`lanzdml.transforms.stacked.Stacked`. ``fit_seconds``, ``iterations`` and ``n_prompts``
    are sums over the parts, versions and what was told against those of all parts, and what could
    not be fitted to one of them is stored as such. Where the texts say r', each part has its own,
    and ``dim`` among the parameters is their sum.

    Args:
        parts: of each the name, the file of its transform, and its weight, which is positive.
        output: the file to write.

    Raises:
        LanzdmlError: a file is no transform, or they are of other methods, parameters, seeds or
            models.
    """
    from safetensors.numpy import save_file

    from lanzdml.embeddings.storage import PROMPTS, WEIGHTS, are_of_one_model, digest_of

    names, files, weights = zip(*parts, strict=True)
    stored = [read_stored(path) for path in files]
    first = stored[0][0]
    dims: list[int] = []
    if DIM_AUTO in first:  # each part has its own r', in which alone they may differ
        params = [json.loads(metadata["params"]) for metadata, _ in stored]
        dims = [of_part["dim"] for of_part in params]
        for (metadata, _), of_part in zip(stored, params, strict=True):
            metadata["params"] = json.dumps(of_part | {"dim": sum(dims)}, sort_keys=True)
    shared = [key for key in ("method", "params", "seed", DIM_AUTO, WEIGHTS) if key in first]
    for path, (metadata, _) in zip(files, stored, strict=True):
        for key in shared:
            same = are_of_one_model if key == WEIGHTS else operator.eq
            if not same(metadata.get(key), first[key]):
                raise LanzdmlError(
                    f"{path} has another {key} than {files[0]}: delete both and run again"
                )
    reasons = [
        f"{part}: {metadata['reason']}"
        for part, (metadata, _) in zip(names, stored, strict=True)
        if metadata["status"] != OK
    ]
    own = {key: first[key] for key in (*shared, *(() if reasons else ("n_features",)))}
    for package in FITTED_WITH:
        if all(package in metadata for metadata, _ in stored):
            own[package] = ", ".join(sorted({metadata[package] for metadata, _ in stored}))
    own |= {
        PARTS: json.dumps(names),
        "weights": json.dumps(weights),
        **({DIMS: json.dumps(dims)} if dims else {}),
        "status": NOT_FITTED if reasons else OK,
        "reason": "; ".join(reasons),
    }
    for key, type_ in (("fit_seconds", float), ("iterations", int), ("n_prompts", int)):
        values = [type_(metadata[key]) for metadata, _ in stored if key in metadata]
        if len(values) == len(parts):
            own[key] = str(sum(values))
    if told := [
        f"{part}: {metadata[AGAINST]}"
        for part, (metadata, _) in zip(names, stored, strict=True)
        if AGAINST in metadata
    ]:
        own[AGAINST] = "; ".join(told)
    if all(PROMPTS in metadata for metadata, _ in stored):
        own[PROMPTS] = digest_of(metadata[PROMPTS] for metadata, _ in stored)
    tensors = {
        f"{number}.{name}": tensor
        for number, (_, of_part) in enumerate(stored)
        for name, tensor in of_part.items()
        if not reasons
    }
    with replacing(output) as temporary:
        save_file(tensors, temporary, own)
