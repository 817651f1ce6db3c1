"""What a method learned, applied to vectors of any number: block by block, float32."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from lanzdml.collections.writing import Block, comparable, parquet_writer
from lanzdml.embeddings.storage import WEIGHTS, are_of_one_model
from lanzdml.embeddings.vectors import Vectors
from lanzdml.embeddings.vectors.reading import Source, read_source
from lanzdml.errors import LanzdmlError
from lanzdml.files import content_of, replacing
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.transforms.storage import load_transform, read_metadata

if TYPE_CHECKING:
    from lanzdml.methods.base import Method
    from lanzdml.transforms.stacked import Stacked

DISTANCE = "distance"  # keys of the metadata: by what vectors are compared
SOURCE = "source"  # and the file that they were made of


def apply_transform(
    transform: Path,
    source: Source,
    output: Path,
    *,
    protocol: str,
    facts: Mapping[str, str],
    column: str | None = None,
    id_column: str | None = None,
) -> None:
    """Write what a transform makes of one file of a collection's vectors.

    Images are handed to it as the protocol's scoring does, and what comes out is scaled to unit
    length where the protocol compares by cosine: so neighbours by inner product are those of the
    benchmark.

    Args:
        transform: of :func:`lanzdml.transforms.storage.save_transform`.
        source: of the file; ``column`` and ``id_column`` as of
            :func:`lanzdml.embeddings.vectors.read_vectors`.
        output: a Parquet file with the columns ``embedding`` and, where the vectors have ids,
            ``image_id``, and in its metadata ``facts``, the transform's checksum, the name of the
            source, and what vectors are compared by.
        protocol: of :data:`lanzdml.metrics.protocols.PROTOCOLS`.

    Raises:
        CannotFitError: the method could not be fitted, with the reason.
        LanzdmlError: a file cannot be read, or the two do not fit each other.
    """
    vectors = Vectors([read_source(source, column=column, id_column=id_column)])
    check_fits(transform, vectors)
    by = PROTOCOLS[protocol]
    told = {DISTANCE: by.distance, "transform_sha256": content_of(transform)}
    metadata = {**facts, **told, SOURCE: source.file.name}
    blocks = transformed(load_transform(transform), vectors, unit_images=by.unit_images)
    first = next(blocks)
    with (
        replacing(output) as temporary,
        parquet_writer(temporary, first.shape[1], vectors.ids, metadata) as write,
    ):
        for block in chained(first, blocks):
            write(comparable(block, by.distance))


def transformed(
    estimator: "Method | Stacked", vectors: Vectors, *, unit_images: bool = True
) -> Iterator[Block]:
    """What a fitted method makes of vectors (n, r), some rows (m, d) at a time.

    Of one whose vectors depend on the other images it is all rows at once.
    """
    for block in [vectors.array()] if is_whole(estimator) else vectors.blocks():
        yield estimator.transform(block, unit_images=unit_images)


def is_whole(estimator: "Method | Stacked") -> bool:
    """Whether what it makes of an image depends on those before and after it."""
    parts = getattr(estimator, "parts", [estimator])
    return any(part.transductive or part.by_position for part in parts)


def chained(first: Block, others: Iterator[Block]) -> Iterator[Block]:
    """The first block, which had to be there to know the size of its vectors, and the others."""
    yield first
    yield from others


def check_fits(transform: Path, vectors: Vectors) -> None:
    """Check that vectors are such as a transform was fitted to, as far as files say it.

    Raises:
        LanzdmlError: they are of another size, or of a model with other weights; or it is no
            transform.
    """
    facts = read_metadata(transform)
    size = facts.get("n_features", "")
    for part in vectors.parts:
        if size.isdecimal() and part.shape[1] != int(size):
            raise LanzdmlError(
                f"{part.file} holds vectors of {part.shape[1]:,} dimensions, but {transform} was "
                f"fitted to those of {int(size):,}: both have to be of one model"
            )
        ours, theirs = facts.get(WEIGHTS), _weights_in(part.file)
        if ours and theirs and not are_of_one_model(ours, theirs):
            raise LanzdmlError(
                f"{part.file} says that its vectors are of other weights than those that "
                f"{transform} was fitted to: both have to be of one model"
            )


def _weights_in(file: Path) -> str | None:
    """The checksum of the weights behind vectors, where a Parquet file of ours says it."""
    if file.suffix.lower() != ".parquet":
        return None
    stored = (pq.read_schema(file).metadata or {}).get(WEIGHTS.encode())
    return stored.decode(errors="replace") if stored is not None else None
