"""``lanzdml transform``: vectors of a collection of any size by a stored transform."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lanzdml.collections.applying import chained, check_fits, is_whole, transformed
from lanzdml.collections.writing import (
    COSINE,
    Write,
    comparable,
    npy_writer,
    parquet_writer,
    write_index,
)
from lanzdml.embeddings.vectors import Vectors, read_vectors
from lanzdml.embeddings.vectors.reading import read_source, sources_of
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing, temporary_name
from lanzdml.transforms.storage import load_transform

SUFFIXES = (".npy", ".parquet", ".faiss")
Progress = Callable[[int], object]


def transform(
    file: Path,
    vectors: Path,
    output: Path,
    *,
    column: str | None = None,
    id_column: str | None = None,
    progress: Progress = lambda n: None,
) -> tuple[int, int]:
    """Write what a stored transform makes of vectors, block by block: memory is that of a block.

    Args:
        file: of :func:`lanzdml.transforms.storage.save_transform`.
        vectors: (n, r), see :func:`lanzdml.embeddings.vectors.read_vectors`.
        output: a new file: ``.npy``; ``.parquet`` with the columns ``embedding`` and, where the
            vectors have ids, ``image_id``; or ``.faiss``, an index by cosine, whose vectors are
            scaled to unit length. Or, without a suffix, a new folder, with a Parquet file for each
            file of vectors.
        column, id_column: of the vectors and their ids, where the file has several.
        progress: is told of each block's number of rows.

    Returns:
        (n, r'), the shape of what was written.

    Raises:
        LanzdmlError: a file cannot be read, or the two do not fit each other.
        ModuleNotFoundError: faiss is not installed, and asked for.
    """
    if output.suffix == "":
        return _transform_folder(file, vectors, output, column, id_column, progress)
    if output.suffix not in SUFFIXES:
        raise LanzdmlError(
            f"{output}: vectors are written as {', '.join(SUFFIXES)} or, without a suffix, into a "
            "new folder of Parquet files"
        )
    if output.suffix == ".faiss":
        import faiss  # noqa: F401, whether it is there is seen before the work
    given = read_vectors(vectors, column=column, id_column=id_column)
    return _transform_file(file, given, output, progress)


def _transform_file(
    file: Path, given: Vectors, output: Path, progress: Progress
) -> tuple[int, int]:
    estimator = load_transform(file)
    check_fits(file, given)
    made = transformed(estimator, given)
    first = next(made)
    shape = (len(given), first.shape[1])
    with replacing(output) as temporary, _writer(temporary, shape, given) as write:
        for block in chained(first, made):
            write(block)
            progress(len(block))
    return shape


def _transform_folder(
    file: Path,
    vectors: Path,
    output: Path,
    column: str | None,
    id_column: str | None,
    progress: Progress,
) -> tuple[int, int]:
    """Each file of vectors by itself; the folder is there when all of them are."""
    if output.exists():
        raise LanzdmlError(f"{output} is there already: name a new folder, or a file")
    if is_whole(load_transform(file)):
        raise LanzdmlError(
            f"{file} makes the vectors of all images at once: name a file to write them to, "
            f"{' or '.join(SUFFIXES)}"
        )
    sources, temporary = sources_of(vectors), temporary_name(output)
    if len({source.file.stem for source in sources}) < len(sources):
        raise LanzdmlError(f"{vectors} has files whose names differ in their suffix only")
    n, dim = 0, 0
    try:
        for source in sources:
            given = Vectors([read_source(source, column=column, id_column=id_column)])
            made = temporary / f"{source.file.stem}.parquet"
            rows, dim = _transform_file(file, given, made, progress)
            n += rows
        temporary.rename(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return n, dim


@contextmanager
def _writer(path: Path, shape: tuple[int, int], given: Vectors) -> Iterator[Write]:
    """Writes blocks one after the other."""
    if path.suffix == ".parquet":
        with parquet_writer(path, shape[1], given.ids) as write:
            yield write
    elif path.suffix == ".npy":
        with npy_writer(path, shape) as write:
            yield write
    else:
        array = path.with_suffix(".npy")  # of a temporary name, as path is
        try:
            with npy_writer(array, shape) as write:
                yield lambda block: write(comparable(block, COSINE))
            write_index(array, path, COSINE)
        finally:
            array.unlink(missing_ok=True)
