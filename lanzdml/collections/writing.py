"""Vectors written block by block, so that memory is that of a block; and an index of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lanzdml.datasets.manifest import ID
from lanzdml.embeddings.storage import EMBEDDING
from lanzdml.methods.base import normalise
from lanzdml.metrics.ranking import Distance

Block = NDArray[np.float32]
Write = Callable[[Block], None]
COSINE: Distance = "cosine"


def comparable(block: Block, distance: Distance) -> Block:
    """Vectors (n, d) that an index compares as the benchmark does.

    By cosine they are scaled to unit length: the neighbours by inner product are then those by
    cosine. A vector of zeros stays one, and is equally far from all by its inner product of 0.
    """
    return normalise(block) if distance == COSINE else block


@contextmanager
def npy_writer(path: Path, shape: tuple[int, int]) -> Iterator[Write]:
    """Writes blocks one after the other into a file of one array, of float32.

    Args:
        path: written in place; see :func:`lanzdml.files.replacing`.
        shape: (n, d) of all blocks together.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    # Not mapped into memory: there a full disk ends the process, here it raises.
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)

        def write(block: Block) -> None:
            file.write(np.ascontiguousarray(block, "<f4").data)

        yield write


@contextmanager
def parquet_writer(
    path: Path, dim: int, ids: Sequence[str] | None, metadata: Mapping[str, str] | None = None
) -> Iterator[Write]:
    """Writes blocks one after the other into a column ``embedding``, a fixed-size list of float32.

    Args:
        path: written in place; see :func:`lanzdml.files.replacing`.
        dim: d, the size of a vector.
        ids: of all rows, for a column ``image_id`` before it; no such column if None.
        metadata: of the schema.
    """
    columns = {} if ids is None else {ID: pa.string()}
    schema = pa.schema([*columns.items(), (EMBEDDING, pa.list_(pa.float32(), dim))], metadata)
    start = 0
    with pq.ParquetWriter(path, schema) as file:

        def write(block: Block) -> None:
            nonlocal start
            values = pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), dim)
            named = [] if ids is None else [pa.array(ids[start : start + len(block)], pa.string())]
            file.write_batch(pa.record_batch([*named, values], schema=schema))
            start += len(block)

        yield write


def write_index(vectors: Path, output: Path, distance: Distance) -> None:
    """Write a faiss index of the vectors in a ``.npy``, which searches all of them (``IndexFlat``).

    Their positions in it are those in the file. It takes as much memory as the file has bytes, here
    and for whoever searches it.

    Args:
        vectors: (n, d), of :func:`comparable`.
        output: written in place; see :func:`lanzdml.files.replacing`.
        distance: "cosine" makes an index by inner product, "euclidean" one by squared distance.

    Raises:
        ModuleNotFoundError: faiss is not installed.
    """
    import faiss

    # As a plain array: faiss takes no other once pytorch-metric-learning is imported.
    array = np.asarray(np.load(vectors, mmap_mode="r", allow_pickle=False))
    index = (faiss.IndexFlatIP if distance == COSINE else faiss.IndexFlatL2)(array.shape[1])
    index.add(array)  # at once: in parts it would be moved as it grows, and be there twice
    faiss.write_index(index, str(output))
