"""Vectors in columns of tables: Parquet, and the Arrow files of Hugging Face's ``datasets``."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lanzdml.embeddings.vectors.vectors import ROWS, Part
from lanzdml.errors import LanzdmlError, in_one_line
from lanzdml.limits import key_of, limits
from lanzdml.signatures import mistaken

_Texts = Callable[[], list[str]]
_BUFFER = 2**20  # bytes of a column; all of it in a group of rows would be read at once otherwise


def read_parquet(
    path: Path, column: str | None, id_column: str | None, text_columns: Iterable[str] = ()
) -> Part:
    """A Parquet file with a column of vectors; what it holds is read when it is asked for.

    Args:
        path: of the file.
        column: of the vectors; the only one of lists of numbers unless given.
        id_column: of the ids, where there is one.
        text_columns: of the texts, the first of these that there is.

    Raises:
        LanzdmlError: it is none, or has no such columns, or its first row has no vector.
    """

    def batches(column: str, rows: int) -> Iterator[pa.Array]:
        with _readable(path):
            file = pq.ParquetFile(path, buffer_size=_BUFFER)
            for batch in file.iter_batches(rows, columns=[column]):
                yield batch.column(column)

    with _readable(path):
        file = pq.ParquetFile(path)
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
    return _part(path, schema, n_rows, batches, column, id_column, text_columns)


def read_arrow(
    path: Path, column: str | None, id_column: str | None, text_columns: Iterable[str] = ()
) -> Part:
    """An Arrow file, as ``Dataset.save_to_disk`` writes it, like :func:`read_parquet`.

    Raises:
        LanzdmlError: as that.
    """
    with _readable(path):
        table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()

    def batches(column: str, rows: int) -> Iterator[pa.Array]:
        for batch in table.select([column]).to_batches(rows):
            yield batch.column(column)

    return _part(path, table.schema, table.num_rows, batches, column, id_column, text_columns)


def read_texts(
    path: Path, id_column: str | None, text_columns: Iterable[str]
) -> tuple[int, _Texts | None, _Texts | None]:
    """The number of rows of a Parquet file beside the vectors, and what gives ids and texts.

    Args:
        path: of the file.
        id_column: of the ids; there are none unless given.
        text_columns: of the texts, the first of these that there is.

    Raises:
        LanzdmlError: it is none, or has no such ids; where they are read, a row has none.
    """
    with _readable(path):
        file = pq.ParquetFile(path)
        columns = file.schema_arrow.names
        if id_column is not None and id_column not in columns:
            raise LanzdmlError(f"{path} has no {id_column!r} for ids, but {', '.join(columns)}")
        _check_rows(path, file.metadata.num_rows)
        text = next((name for name in text_columns if name in columns), None)

    def read(name: str) -> list[str]:
        with _readable(path):
            return _texts(path, pq.ParquetFile(path).read([name])[name].combine_chunks(), name)

    ids, texts = (None if name is None else partial(read, name) for name in (id_column, text))
    return file.metadata.num_rows, ids, texts


def _names(
    path: Path,
    schema: pa.Schema,
    column: str | None,
    id_column: str | None,
    text_columns: Iterable[str],
) -> dict[str, str]:
    """Which column is what."""
    lists = [field.name for field in schema if _is_vector(field.type)]
    if column is not None and column not in lists:
        raise LanzdmlError(
            f"{path} has no column {column!r} of vectors, but {', '.join(lists) or 'none'}"
        )
    if column is None and len(lists) != 1:
        has = ", ".join(lists or schema.names) or "nothing at all"
        raise LanzdmlError(
            f"{path} has {len(lists)} columns of lists of numbers; say which as column: it has "
            f"{has}"
        )
    names = {"vector": column or lists[0]}
    if id_column is not None and id_column in schema.names:
        names["id"] = id_column
    if text := next((name for name in text_columns if name in schema.names), None):
        names["text"] = text
    return names


def _is_vector(kind: pa.DataType) -> bool:
    is_list = any(
        test(kind)
        for test in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    )
    return is_list and pa.types.is_floating(kind.value_type)


def _part(
    path: Path,
    schema: pa.Schema,
    n_rows: int,
    batches: Callable[[str, int], Iterator[pa.Array]],
    column: str | None,
    id_column: str | None,
    text_columns: Iterable[str],
) -> Part:
    _check_rows(path, n_rows)
    names = _names(path, schema, column, id_column, text_columns)
    vector = names.pop("vector")
    first = next((_rows(path, column, 0) for column in batches(vector, 1) if len(column)), None)
    if first is None or first.shape[1] == 0:
        raise LanzdmlError(f"{path} holds no vectors")
    dim = first.shape[1]

    def read() -> Iterator[NDArray[np.floating]]:
        start = 0
        for column in filter(len, batches(vector, ROWS)):
            block = _rows(path, column, start)
            if block.shape[1] != dim:
                raise _other_size(path, start, block.shape[1], dim)
            yield block
            start += len(block)

    def texts(name: str) -> list[str]:
        found: list[str] = []
        for column in batches(name, ROWS):
            found += _texts(path, column, name, len(found))
        return found

    of_rows = {kind: partial(texts, name) for kind, name in names.items()}
    return Part(path, (n_rows, dim), first.dtype, read, of_rows.get("id"), of_rows.get("text"))


def _check_rows(path: Path, n_rows: int) -> None:
    most = limits().table_rows
    if n_rows > most:
        raise LanzdmlError(
            f"{path} has {n_rows:,} rows, more than {most:,}; if that is right, raise "
            f"{key_of('table_rows')}"
        )


def _rows(path: Path, column: pa.Array, start: int) -> NDArray[np.floating]:
    if column.null_count:
        row = start + column.is_null().to_pylist().index(True)
        raise LanzdmlError(f"{path}, row {row:,}: has no vector")
    sizes = (
        np.full(len(column), column.type.list_size)
        if pa.types.is_fixed_size_list(column.type)
        else column.value_lengths().to_numpy()
    )
    if len(sizes) and (other := sizes != sizes[0]).any():
        row = int(other.argmax())
        raise _other_size(path, start + row, int(sizes[row]), int(sizes[0]))
    values = column.flatten()
    if values.null_count:
        row = values.is_null().to_pylist().index(True) // max(1, int(sizes[0]))
        raise LanzdmlError(f"{path}, row {start + row:,}: a value of its vector is missing")
    numbers: NDArray[np.floating] = values.to_numpy(zero_copy_only=False)
    return numbers.reshape(len(column), -1 if len(column) else 0)


def _other_size(path: Path, row: int, size: int, first: int) -> LanzdmlError:
    return LanzdmlError(
        f"{path}, row {row:,}: its vector has {size:,} dimensions, those before have {first:,}"
    )


def _texts(path: Path, column: pa.Array, name: str, start: int = 0) -> list[str]:
    try:
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
    except pa.ArrowException:
        raise LanzdmlError(
            f"{path}: column {name} holds {column.type}; needed are strings or integers"
        ) from None
    except UnicodeDecodeError:
        raise LanzdmlError(f"{path}: column {name} holds text that is not in UTF-8") from None
    if None in texts:
        raise LanzdmlError(f"{path}, row {start + texts.index(None):,}: {name} is empty")
    return [text for text in texts if text is not None]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if kind := mistaken(path):
            raise LanzdmlError(f"{path} is {kind}") from None
        raise LanzdmlError(f"{path} cannot be read: {in_one_line(error)}") from None
