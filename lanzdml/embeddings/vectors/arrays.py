"""Vectors in files of arrays: NumPy's, safetensors, and torch's where they hold tensors only."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanzdml.embeddings.vectors.vectors import ROWS, Part, part_of
from lanzdml.errors import LanzdmlError, in_one_line
from lanzdml.limits import key_of, limits
from lanzdml.signatures import mistaken

_OBJECTS = "holds Python objects, which can run code: save numbers only, as with np.save"
_GIB = 2**30
_SAFETENSORS = {"F16": "float16", "F32": "float32", "F64": "float64"}


def read_npy(path: Path) -> Part:
    """A file of one array, mapped into memory.

    Raises:
        LanzdmlError: it is none, or holds no vectors.
    """
    try:
        values = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, OSError) as error:
        raise _unreadable(path, error) from None
    return part_of(path, _as_vectors(path, "its array", values))


def read_npz(path: Path, column: str | None, id_column: str) -> Part:
    """A file of several arrays, of which one holds vectors, and one may hold ids.

    Both are read when they are asked for.

    Args:
        path: of the file.
        column: name of the array; that of the only one that can be vectors unless given.
        id_column: name of the array of ids.

    Raises:
        LanzdmlError: it is none, holds no such arrays, or another number of ids than of vectors.
    """
    with _opened(path) as file:
        headers = {name: _header(file.zip, name) for name in file.files}
    name = _choose(path, {name: header.shape for name, header in headers.items()}, column)
    header = _as_vectors(path, f"array {name!r}", headers[name])

    def read() -> Iterator[NDArray[np.floating]]:
        with _opened(path) as file:
            values = file[name]
        yield from part_of(path, values).read()

    def ids() -> list[str]:
        with _opened(path) as file:
            return _ids(path, file[id_column])

    n, dim = header.shape
    if id_column not in headers:
        return Part(path, (n, dim), header.dtype, read)
    if (shape := headers[id_column].shape) != (n,):
        found = f"{shape[0]:,} ids" if len(shape) == 1 else f"ids of shape {shape}"
        raise LanzdmlError(
            f"{path} holds {found} in {id_column!r}, but {n:,} vectors in {name!r}: give one each"
        )
    return Part(path, (n, dim), header.dtype, read, ids)


def read_safetensors(path: Path, column: str | None) -> Part:
    """A file of tensors, of which one holds vectors.

    Args:
        path: of the file.
        column: name of the tensor; that of the only one that can be vectors unless given.

    Raises:
        LanzdmlError: it is none, or holds no such tensor.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = file.keys()
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            name = _choose(path, shapes, column)
            kind = file.get_slice(name).get_dtype()
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from None
    if kind == "BF16":
        raise LanzdmlError(
            f"{path}: tensor {name!r} is of bfloat16, which NumPy has not; save it in float32"
        )
    if kind not in _SAFETENSORS:
        raise LanzdmlError(
            f"{path}: tensor {name!r} is of type {kind}; vectors are float16, float32 or float64"
        )
    dtype = np.dtype(_SAFETENSORS[kind])
    n, dim = _as_vectors(path, f"tensor {name!r}", _view_of_one(dtype, shapes[name])).shape

    def read() -> Iterator[NDArray[np.floating]]:
        with safe_open(path, framework="numpy") as file:
            rows = file.get_slice(name)
            for start in range(0, n, ROWS):
                yield rows[start : min(start + ROWS, n)]

    return Part(path, (n, dim), dtype, read)


def read_pt(path: Path, column: str | None) -> Part:
    """A tensor, or a dictionary of tensors, that torch saved; whatever else it holds is refused.

    Args:
        path: of the file.
        column: name of the tensor; that of the only one that can be vectors unless given.

    Raises:
        LanzdmlError: it holds anything but tensors, torch is not installed, or there is no such
            tensor.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise LanzdmlError(
            f"{path} needs torch to be read (pip install torch); or save its tensor with np.save"
        ) from None
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of the unpickler: it names what it refuses, on many lines
        raise LanzdmlError(
            f"{path} holds something else than tensors, which is not loaded: save one tensor "
            f"({in_one_line(str(error).splitlines()[0] if str(error) else error)[:200]})"
        ) from None
    tensors = loaded if isinstance(loaded, Mapping) else {"its tensor": loaded}
    tensors = {str(name): t for name, t in tensors.items() if isinstance(t, torch.Tensor)}
    name = _choose(path, {name: tuple(t.shape) for name, t in tensors.items()}, column)
    tensor = tensors[name]
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return part_of(path, _as_vectors(path, f"tensor {name!r}", tensor.detach().numpy()))


def _choose(path: Path, shapes: Mapping[str, tuple[int, ...]], column: str | None) -> str:
    """The name that is asked for, or of the only array with rows."""
    names = ", ".join(map(repr, sorted(shapes))) or "nothing"
    if column is not None:
        if column not in shapes:
            raise LanzdmlError(f"{path} holds no {column!r}, but {names}")
        return column
    matrices = [name for name, shape in shapes.items() if len(shape) == 2]
    if len(matrices) != 1:
        raise LanzdmlError(
            f"{path} holds {len(matrices)} arrays that could be the vectors; say which as column: "
            f"it has {names}"
        )
    return matrices[0]


def _as_vectors(path: Path, what: str, values: NDArray[Any]) -> NDArray[np.floating]:
    if values.ndim != 2:
        raise LanzdmlError(f"{path}: {what} has shape {values.shape}, not one row a vector")
    if values.dtype.kind != "f" or values.dtype.itemsize > 8:
        raise LanzdmlError(
            f"{path}: {what} is of type {values.dtype}; vectors are float16, float32 or float64"
        )
    if values.shape[1] == 0:
        raise LanzdmlError(f"{path}: {what} has vectors without any value")
    return values


def _ids(path: Path, values: NDArray[Any]) -> list[str]:
    if values.dtype.kind not in "US" + "iu":
        raise LanzdmlError(f"{path}: ids are one string or integer a row, not {values.dtype}")
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values.tolist()]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:  # of NumPy, which names no type
    """The arrays of a zip."""
    try:
        with np.load(path, allow_pickle=False) as file:
            _check_size(path, file.zip)
            yield file
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, AttributeError) as error:
        raise _unreadable(path, error) from None


def _header(file: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """An array of the shape and type of one of a zip, whose values are not read."""
    member = name if name in file.namelist() else f"{name}.npy"
    with file.open(member) as content:
        version = np.lib.format.read_magic(content)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"array {name!r} is of an unknown version of the format")
        shape, _, dtype = read(content)
    if dtype.hasobject:
        raise ValueError(f"array {name!r} has objects")
    needed = dtype.itemsize * int(np.prod(shape, dtype=object))
    if needed > file.getinfo(member).file_size:
        raise ValueError(f"array {name!r} is cut off")
    return _view_of_one(dtype, shape)


def _view_of_one(dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.broadcast_to(np.zeros((), dtype), shape)


def _check_size(path: Path, file: zipfile.ZipFile) -> None:
    """Whether an archive's arrays are as large as an honest one's may be."""
    unpacked = sum(info.file_size for info in file.infolist())
    most = max(_GIB, limits().archive_ratio * path.stat().st_size)
    if unpacked > most:
        raise LanzdmlError(
            f"{path} unpacks to {unpacked:,} bytes, more than {limits().archive_ratio} times its "
            f"size; if that is right, raise {key_of('archive_ratio')}"
        )


def _unreadable(path: Path, error: Exception) -> LanzdmlError:
    if "objects" in str(error):
        return LanzdmlError(f"{path} {_OBJECTS}")
    if path.suffix.lower() != ".npz" and (kind := mistaken(path)):
        return LanzdmlError(f"{path} is {kind}")
    return LanzdmlError(f"{path} cannot be read: {in_one_line(error)}")
