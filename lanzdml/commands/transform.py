"""``lanzdml transform``: vectors of a collection of any size by a stored transform."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lanzdml.embeddings.storage import EMBEDDING
from lanzdml.embeddings.vectors import Vectors, read_vectors
from lanzdml.embeddings.vectors.reading import ID
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing
from lanzdml.transforms.storage import load_transform

SUFFIXES = (".npy", ".parquet")
Block = NDArray[np.float32]


def transform(
    file: Path,
    vectors: Path,
    output: Path,
    *,
    column: str | None = None,
    id_column: str | None = None,
    progress: Callable[[int], object] = lambda n: None,
) -> tuple[int, int]:
    """Write what a stored transform makes of vectors, block by block: memory is that of a block.

    Args:
        file: of :func:`lanzdml.transforms.storage.save_transform`.
        vectors: (n, r), see :func:`lanzdml.embeddings.vectors.read_vectors`.
        output: a new file, ``.npy``, or ``.parquet`` with the columns ``embedding`` and, where the
            vectors have ids, ``image_id``.
        column, id_column: of the vectors and their ids, where the file has several.
        progress: is told of each block's number of rows.

    Returns:
        (n, r'), the shape of what was written.

    Raises:
        LanzdmlError: a file cannot be read, or the two do not fit each other.
    """
    if output.suffix not in SUFFIXES:
        raise LanzdmlError(f"{output}: vectors are written as {' or '.join(SUFFIXES)}")
    estimator, given = (
        load_transform(file),
        read_vectors(vectors, column=column, id_column=id_column),
    )
    # What depends on the other images needs all of them at once.
    whole = getattr(estimator, "transductive", False) or getattr(estimator, "by_position", False)
    blocks = iter([given.array()]) if whole else given.blocks()
    made = (estimator.transform(block) for block in blocks)
    first = next(made)
    shape = (len(given), first.shape[1])
    with replacing(output) as temporary, _writer(temporary, shape, given) as write:
        for block in _chained(first, made):
            write(block)
            progress(len(block))
    return shape


def _chained(first: Block, others: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from others


@contextmanager
def _writer(
    path: Path, shape: tuple[int, int], given: Vectors
) -> Iterator[Callable[[Block], None]]:
    """Writes blocks one after the other."""
    start = 0
    if path.suffix == ".npy":
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)

        def write(block: Block) -> None:
            nonlocal start
            array[start : start + len(block)] = block
            start += len(block)

        yield write
        array.flush()
        return
    ids = given.ids
    columns = {} if ids is None else {ID: pa.string()}
    schema = pa.schema([*columns.items(), (EMBEDDING, pa.list_(pa.float32(), shape[1]))])
    with pq.ParquetWriter(path, schema) as file:

        def write(block: Block) -> None:
            nonlocal start
            values = pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), shape[1])
            named = [] if ids is None else [pa.array(ids[start : start + len(block)], pa.string())]
            file.write_batch(pa.record_batch([*named, values], schema=schema))
            start += len(block)

        yield write
