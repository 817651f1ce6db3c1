"""CLIP embeddings of images and prompts, and the parquet files that hold them.

A file has one row an image (``image_id``) or a prompt (``prompt``, ``aspect``) and the column
``embedding``, a fixed-size list of float32: the model's raw output, never normalised. The schema's
metadata says which model made it from what.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lanzdml.clip import Clip
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing
from lanzdml.manifest import ID, IMAGE, PATH, read_manifest

EMBEDDING = "embedding"


def write_embeddings(
    path: Path, rows: pd.DataFrame, embeddings: np.ndarray, metadata: dict[str, str]
) -> None:
    """Write (n, r) float32 embeddings beside the string columns of ``rows``."""
    n, r = embeddings.shape
    if n != len(rows):
        raise ValueError(f"{n} embeddings for {len(rows)} rows")
    values = pa.array(np.ascontiguousarray(embeddings, dtype=np.float32).reshape(-1))
    columns = {name: pa.array(rows[name], pa.string()) for name in rows}
    table = pa.table({**columns, EMBEDDING: pa.FixedSizeListArray.from_arrays(values, r)})
    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(metadata), temporary)


def read_embeddings(path: Path) -> tuple[pd.DataFrame, np.ndarray, dict[str, str]]:
    """Read what :func:`write_embeddings` wrote: rows, (n, r) float32, metadata.

    Raises:
        LanzdmlError: the file is no such parquet file.
    """
    try:
        table = pq.read_table(path)
        column = table[EMBEDDING].combine_chunks()
        embeddings = column.flatten().to_numpy().reshape(len(column), column.type.list_size)
    except (pa.ArrowInvalid, KeyError, AttributeError) as error:
        raise LanzdmlError(f"{path} holds no embeddings: {error}") from None
    metadata = {
        key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()
    }
    return table.drop_columns(EMBEDDING).to_pandas(), embeddings, metadata


def labelled_images(
    images_file: Path, manifest_file: Path, notion: str
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and labels of the images that have a label for the notion.

    Raises:
        LanzdmlError: the two files are not about the same images, or none has a label.
    """
    rows, embeddings, _ = read_embeddings(images_file)
    manifest = read_manifest(manifest_file, columns=[ID, notion])
    if not rows[ID].equals(manifest[ID]):
        raise LanzdmlError(
            f"{images_file} holds other images than {manifest_file}: delete it and run again"
        )
    labelled = manifest[notion].notna().to_numpy()
    if not labelled.any():
        raise LanzdmlError(f"{manifest_file}: no image has a label for {notion}")
    return embeddings[labelled], manifest[notion][labelled].to_numpy()


class _Images:
    """A torch dataset: decodes and preprocesses one image of a manifest."""

    def __init__(self, manifest: pd.DataFrame, root: Path, preprocess) -> None:
        self._ids = manifest[ID].tolist()
        self._is_path = PATH in manifest
        self._sources = manifest[PATH if self._is_path else IMAGE].tolist()
        self._root, self._preprocess = root, preprocess

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int):
        from PIL import Image

        source = self._sources[index]
        try:
            with Image.open(self._root / source if self._is_path else io.BytesIO(source)) as image:
                return self._preprocess(image.convert("RGB"))
        except (OSError, Image.DecompressionBombError) as error:
            name = (
                f"{self._ids[index]} ({self._root / source})" if self._is_path else self._ids[index]
            )
            raise LanzdmlError(f"image {name} cannot be read: {error}") from None


def _batches(images: _Images, clip: Clip, batch_size: int, workers: int) -> Iterator:
    from torch.utils.data import DataLoader

    return iter(
        DataLoader(
            images,
            batch_size=batch_size,
            num_workers=workers,
            pin_memory=clip.device.startswith("cuda"),
        )
    )


def embed_images(
    clip: Clip, manifest: pd.DataFrame, root: Path, *, batch_size: int = 256, workers: int = 0
) -> np.ndarray:
    """Embed every image of a manifest, with a progress bar on stderr.

    Args:
        clip: the model.
        manifest: see :mod:`lanzdml.manifest`.
        root: the folder that paths are relative to.
        batch_size: images a batch.
        workers: processes that decode and preprocess; 0 does it here.

    Returns:
        (n, r) float32, raw outputs in the manifest's order.

    Raises:
        LanzdmlError: an image cannot be read.
    """
    import torch
    from tqdm import tqdm

    images = _Images(manifest, root, clip.preprocess)
    embeddings = []
    with torch.inference_mode(), tqdm(total=len(images), unit="image", mininterval=1) as progress:
        for batch in _batches(images, clip, batch_size, workers):
            pixels = batch.to(clip.device, non_blocking=True)
            embeddings.append(clip.model.encode_image(pixels).float().cpu().numpy())
            progress.update(len(batch))
    return np.concatenate(embeddings)


def embed_prompts(clip: Clip, prompts: list[str], *, batch_size: int = 256) -> np.ndarray:
    """Embed prompts: (n, r) float32, raw outputs in their order."""
    import torch

    embeddings = []
    with torch.inference_mode():
        for start in range(0, len(prompts), batch_size):
            tokens = clip.tokenizer(prompts[start : start + batch_size]).to(clip.device)
            embeddings.append(clip.model.encode_text(tokens).float().cpu().numpy())
    return np.concatenate(embeddings)
