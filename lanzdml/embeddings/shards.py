"""Shards: parts of a dataset that several jobs embed, and the embeddings put together."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.datasets.manifest import ID, read_manifest
from lanzdml.embeddings.storage import check_same_images, read_embeddings, write_embeddings
from lanzdml.errors import LanzdmlError

# What may differ from shard to shard: the machine, but neither the model nor the images.
WHERE = ("device", "torch", "torchvision", "open_clip_torch", "pillow")


def cut_shard(manifest: pd.DataFrame, shard: int, shards: int, batch_size: int) -> pd.DataFrame:
    """The rows of one of several shards, which are of whole batches and as even as these allow.

    Args:
        manifest: of all images.
        shard: its number, from 1.
        shards: how many there are.
        batch_size: images a batch. The last of all may be smaller.

    Raises:
        LanzdmlError: there are fewer batches than shards.
    """
    batches = -(-len(manifest) // batch_size)
    if shards > batches:
        raise LanzdmlError(
            f"shards: {len(manifest):,} images make {batches:,} batches of {batch_size:,}, too few "
            f"for {shards:,} shards; ask for at most {batches:,}, or for smaller batches"
        )
    first, end = ((shard + i) * batches // shards * batch_size for i in (-1, 0))
    return manifest.iloc[first:end]


def gather_shards(paths: Sequence[Path], manifest_file: Path, output: Path) -> None:
    """Write the embeddings of all shards as one job without shards would have.

    Args:
        paths: of the shards, in their order.
        manifest_file: of all images.
        output: see :mod:`lanzdml.embeddings.storage`. Where shards were embedded on several
            devices, or with several versions of a package, its metadata name all.

    Raises:
        LanzdmlError: the shards are of other images or of several models.
    """
    rows, embeddings, described = zip(*map(read_embeddings, paths), strict=True)
    metadata = dict(described[0])
    for path, description in zip(paths, described, strict=True):
        check_same_images(path, manifest_file)
        for key in (metadata.keys() | description.keys()) - set(WHERE):
            ours, theirs = metadata.get(key), description.get(key)
            if ours != theirs:
                raise LanzdmlError(
                    f"{path} and {paths[0]} differ in {key}: {theirs} and {ours}; delete both and "
                    "run again"
                )
    for key in metadata.keys() & set(WHERE):
        metadata[key] = ", ".join(dict.fromkeys(one.get(key, "") for one in described))
    gathered = pd.concat(rows, ignore_index=True)
    if not gathered[ID].equals(read_manifest(manifest_file, columns=[ID])[ID]):
        raise LanzdmlError(
            f"{paths[0].parent} does not hold each image of {manifest_file} once: delete it and "
            "run again"
        )
    write_embeddings(output, gathered, np.concatenate(embeddings), metadata)
