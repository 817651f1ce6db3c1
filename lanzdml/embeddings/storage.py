"""The parquet files that hold CLIP embeddings of images and prompts.

A file has one row an image (``image_id``) or a prompt (``prompt``, ``aspect``) and the column
``embedding``, a fixed-size list of float32: the model's raw output, never normalised. The schema's
metadata says which model made it from what.
"""

import hashlib
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lanzdml.datasets.labels import LabelColumns, class_sizes, label_text, read_all_labels, told
from lanzdml.datasets.manifest import FINGERPRINT, ID, fingerprint_of, read_manifest
from lanzdml.datasets.parquet_file import read_result
from lanzdml.errors import LanzdmlError
from lanzdml.files import digest, replacing

EMBEDDING = "embedding"
WEIGHTS = "weights_sha256"  # keys of the metadata
LOGIT_SCALE = "logit_scale"
GIVEN = "given"  # the file of embeddings that others made, and how their WEIGHTS begin
SEED = "seed"  # of the method that made finished vectors
PROMPTS = "prompts_sha256"  # in a transform's metadata: of the texts it was fitted to


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
        table = read_result(path)
        metadata = _texts(table.schema)
        column = table[EMBEDDING].combine_chunks()
        embeddings = column.flatten().to_numpy().reshape(len(column), column.type.list_size)
        rows = table.drop_columns(EMBEDDING).replace_schema_metadata().to_pandas()
    except (pa.ArrowException, OSError, KeyError, AttributeError, ValueError) as error:
        raise LanzdmlError(
            f"{path} holds no embeddings: {error}; delete it and run again"
        ) from None
    return rows, embeddings, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a parquet file alone.

    Raises:
        LanzdmlError: the file is no parquet file.
    """
    try:
        return _texts(pq.read_schema(path))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise LanzdmlError(f"{path} cannot be read: {error}; delete it and run again") from None


def _texts(schema: pa.Schema) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}


def are_of_one_model(weights: str | None, others: str | None) -> bool:
    """Whether embeddings, or what was fitted to them, may be of one model, by their `WEIGHTS`.

    Of embeddings that others made only the user can know.
    """
    if weights is None or others is None:
        return False
    given = f"{GIVEN}:"
    return weights == others or weights.startswith(given) or others.startswith(given)


def check_one_model(path: Path, other: Path) -> None:
    """Check that two files of embeddings may be of one model.

    Raises:
        LanzdmlError: other weights made one of them than the other, or it does not say.
    """
    if not are_of_one_model(weights_of(path), weights_of(other)):
        raise LanzdmlError(
            f"{path} was made with other weights than {other}: delete both and run again"
        )


def weights_of(path: Path) -> str:
    """The checksum of the weights that embeddings were made with.

    Of embeddings that others made it is that of their file, behind `GIVEN`.

    Raises:
        LanzdmlError: the file does not say.
    """
    weights = read_metadata(path).get(WEIGHTS)
    if weights is None:
        raise LanzdmlError(f"{path} does not say which weights made it: delete it and run again")
    return weights


def logit_scale_of(path: Path) -> float | None:
    """The logit scale (inverse temperature) of the model that embeddings were made with.

    Returns:
        None for embeddings that others made, of which nobody says it.

    Raises:
        LanzdmlError: the file does not say.
    """
    metadata = read_metadata(path)
    scale = metadata.get(LOGIT_SCALE)
    if scale is None and GIVEN in metadata:
        return None
    if scale is None:
        raise LanzdmlError(
            f"{path} does not say its model's logit scale: an earlier version made it; delete it "
            "and run again"
        )
    try:
        number = float(scale)
    except ValueError:
        number = math.nan
    if not (0 < number < math.inf):
        raise LanzdmlError(
            f"{path} says that its model's logit scale is {scale}: delete it and run again"
        )
    return number


def check_same_images(images_file: Path, manifest_file: Path) -> None:
    """Check that embeddings are those of a manifest's images.

    Raises:
        LanzdmlError: they are of others, or one of the files does not say.
    """
    if read_metadata(images_file).get(FINGERPRINT) != fingerprint_of(manifest_file):
        raise _other_images(images_file, manifest_file)


def _other_images(images_file: Path, manifest_file: Path) -> LanzdmlError:
    return LanzdmlError(
        f"{images_file} holds other images than {manifest_file}: delete it and run again"
    )


def read_image_embeddings(images_file: Path, manifest_file: Path) -> tuple[pd.Series, np.ndarray]:
    """Ids (n,) and embeddings (n, r) of a manifest's images in the manifest's order.

    They are joined by id: the embeddings' rows may be in any order.

    Raises:
        LanzdmlError: the two files are not about the same images, each once.
    """
    check_same_images(images_file, manifest_file)
    rows, embeddings, _ = read_embeddings(images_file)
    image_ids = read_manifest(manifest_file, columns=[ID])[ID]
    positions = pd.Index(rows[ID])
    if not positions.is_unique or len(positions) != len(image_ids):
        raise _other_images(images_file, manifest_file)
    order = positions.get_indexer(image_ids)
    if (order < 0).any():
        raise _other_images(images_file, manifest_file)
    in_order = (order == np.arange(len(order))).all()
    return image_ids, embeddings if in_order else embeddings[order]


def digest_of(texts: Iterable[str]) -> str:
    """Hex digest of texts in their order."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def combine_prompts(
    parts: Sequence[Path],
    output: Path,
    tokens_of: Callable[[list[str]], Sequence[Hashable]] = list,
) -> None:
    """Gather the prompts of several notions as those of one; a prompt that is there twice once.

    Args:
        parts: prompt embeddings of the notions, in this order.
        output: as them.
        tokens_of: what the model reads of prompts, by which they are one; their letters otherwise.

    Raises:
        LanzdmlError: other weights made some of them.
    """
    first, *others = parts
    for path in others:
        check_one_model(path, first)
    rows, embeddings, metadata = zip(*map(read_embeddings, parts), strict=True)
    prompts = pd.concat(rows, ignore_index=True)
    new = ~pd.Series(tokens_of(prompts["prompt"].tolist()), dtype="object").duplicated()
    write_embeddings(output, prompts[new], np.concatenate(embeddings)[new], metadata[0])


def check_wordings(files: Iterable[tuple[str | None, Path]]) -> None:
    """Check that no two wordings of a notion are one to the model, or given by the same vectors.

    Args:
        files: of embeddings of prompts, each with the notion that they are a wording of.

    Raises:
        LanzdmlError: two are.
    """
    by_notion: dict[str, list[Path]] = {}
    for notion, path in files:
        if notion is not None:
            by_notion.setdefault(notion, []).append(path)
    for notion, paths in by_notion.items():
        first: dict[str, Path] = {}
        for path in paths if len(paths) > 1 else ():
            other = first.setdefault(digest(read_embeddings(path)[1]), path)
            if other != path:
                raise LanzdmlError(
                    f"{other} and {path} hold the same vectors: these wordings of {notion} are one "
                    "to the model, which may read no upper case; leave one out"
                )


def labelled_images(
    images_file: Path, manifest_file: Path, label_columns: LabelColumns
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings (n, r), labels (n,) and ids (n,) of the images that have a label for a notion.

    Labels are as of :func:`lanzdml.datasets.labels.read_labels`.

    Raises:
        LanzdmlError: the two files are not about the same images, or have fewer than two labels.
    """
    _, embeddings = read_image_embeddings(images_file, manifest_file)
    table = read_all_labels(manifest_file, {"labels": label_columns})
    labels = table["labels"]
    labelled = labels.notna().to_numpy()
    if len(class_sizes(labels)) < 2:
        first = label_text(labels[labelled].iloc[0]) if labelled.any() else None
        only = "no label" if first is None else f"only the label {first!r}"
        notion = told(label_columns)
        raise LanzdmlError(
            f"{manifest_file}: images have {only} for {notion}, so there is nothing to tell apart; "
            "say scored: false in the configuration if it is not to be scored"
        )
    return embeddings[labelled], labels[labelled].to_numpy(), table.loc[labelled, ID].to_numpy()
