"""A collection's shards put together: the ids of all rows, and their vectors in one array."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lanzdml.collections.applying import SOURCE
from lanzdml.collections.writing import npy_writer
from lanzdml.datasets.manifest import ID
from lanzdml.embeddings.storage import EMBEDDING, read_metadata
from lanzdml.embeddings.vectors.tables import read_parquet
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing

SHARD, ROW = "shard", "row"


def gather_collection(shards: Sequence[Path], ids: Path, vectors: Path) -> tuple[int, int]:
    """Put shards together; row by row the two files are of the same images.

    What else lies among the shards, of files that the collection no longer has, is deleted: who
    reads the folder would take it for its own.

    Args:
        shards: of :func:`lanzdml.collections.applying.apply_transform`, in their order, in one
            folder.
        ids: a Parquet file with ``image_id``, where the shards have ids, ``shard`` (the name of the
            file that a vector was made of) and ``row`` (its position there, from 0).
        vectors: a ``.npy`` of float32 (n, d).

    Returns:
        (n, d).

    Raises:
        LanzdmlError: shards are of several transforms, only some have ids, or an id is there twice.
    """
    facts = [_facts_of(path) for path in shards]
    for path, of_shard in zip(shards, facts, strict=True):
        for key in facts[0].keys() | of_shard.keys():
            if key != SOURCE and of_shard.get(key) != facts[0].get(key):
                raise LanzdmlError(
                    f"{path} and {shards[0]} differ in {key}: {of_shard.get(key)} and "
                    f"{facts[0].get(key)}; delete both and run again"
                )
    names = [of_shard[SOURCE] for of_shard in facts]
    parts = [read_parquet(path, EMBEDDING, ID) for path in shards]
    for name, part in zip(names, parts, strict=True):
        if (part.ids is None) != (parts[0].ids is None):
            raise LanzdmlError(f"only one of {names[0]} and {name} has ids")
        if part.shape[1] != parts[0].shape[1]:
            raise LanzdmlError(f"vectors of {names[0]} and {name} are of other sizes: run again")
    shape = (sum(part.shape[0] for part in parts), parts[0].shape[1])
    has_ids = parts[0].ids is not None
    if has_ids:
        _check_distinct(shards, names)
    _write_ids(ids, shards, names, [part.shape[0] for part in parts], has_ids, facts[0])
    with replacing(vectors) as temporary, npy_writer(temporary, shape) as write:
        for part in parts:
            for block in part.read():
                write(block)
    for path in shards[0].parent.glob("*.parquet"):
        if path not in shards and path.name[0] != ".":
            path.unlink()
    return shape


def _facts_of(path: Path) -> dict[str, str]:
    facts = read_metadata(path)
    facts.pop("ARROW:schema", None)
    if SOURCE not in facts:
        raise LanzdmlError(f"{path} is no shard of a collection: delete it and run again")
    return facts


def _write_ids(
    output: Path,
    shards: Sequence[Path],
    names: Sequence[str],
    counts: Sequence[int],
    has_ids: bool,
    facts: dict[str, str],
) -> None:
    columns: list[tuple[str, pa.DataType]] = [(ID, pa.string())] if has_ids else []
    columns += [(SHARD, pa.dictionary(pa.int32(), pa.string())), (ROW, pa.int64())]
    told = {key: value for key, value in facts.items() if key != SOURCE}
    schema = pa.schema(columns, told)
    with replacing(output) as temporary, pq.ParquetWriter(temporary, schema) as file:
        for path, name, n in zip(shards, names, counts, strict=True):
            of_ids = [_ids_of(path).cast(pa.string())] if has_ids else []
            shard = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), [name])
            file.write_table(pa.table([*of_ids, shard, pa.array(np.arange(n))], schema=schema))


def _check_distinct(shards: Sequence[Path], names: Sequence[str]) -> None:
    """Check that no id is there twice, in one file or in two."""
    # Not as Python's strings, of which ten million take gigabytes.
    ids = pa.chunked_array([chunk for path in shards for chunk in _ids_of(path).chunks])
    if pc.count_distinct(ids).as_py() == len(ids):
        return
    counted = pc.value_counts(ids)
    twice = counted.filter(pc.greater(counted.field("counts"), 1))[0]["values"]
    places = []
    for path, name in zip(shards, names, strict=True):
        rows = np.flatnonzero(pc.equal(_ids_of(path), twice).to_numpy())
        places += [f"{name}, row {row:,}" for row in rows[:2]]
    raise LanzdmlError(
        f"id {twice.as_py()!r} is there twice: in {places[0]}, and in {places[1]}; leave one out"
    )


def _ids_of(path: Path) -> pa.ChunkedArray:
    # Of all shards together they may be more than 2 GiB, at which strings end.
    return pq.read_table(path, columns=[ID])[ID].cast(pa.large_string())
