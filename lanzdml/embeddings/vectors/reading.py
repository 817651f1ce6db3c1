"""Which file holds vectors, and in which order several do."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from lanzdml.embeddings.vectors.arrays import read_npy, read_npz, read_pt, read_safetensors
from lanzdml.embeddings.vectors.tables import read_arrow, read_parquet, read_texts
from lanzdml.embeddings.vectors.vectors import Part, Vectors
from lanzdml.errors import LanzdmlError

_TORCH = ".pt"
SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet", _TORCH)
ID = "image_id"
_PICKLES = (".pkl", ".pickle", ".joblib", ".pth", ".bin", ".ckpt")
_METADATA = "metadata"
_STATE, _SPLITS, _ARROW = "state.json", "dataset_dict.json", ".arrow"


class Kind(Enum):
    """What vectors are of; its value is the folder of clip-retrieval's that they lie in."""

    IMAGES = "img_emb"
    PROMPTS = "text_emb"


_TEXTS: dict[Kind, tuple[str, ...]] = {Kind.IMAGES: (), Kind.PROMPTS: ("prompt", "caption", "text")}


class Source(NamedTuple):
    """A file of vectors, and the table of its rows where clip-retrieval wrote one beside it."""

    file: Path
    table: Path | None = None


def read_vectors(
    path: Path, kind: Kind = Kind.IMAGES, *, column: str | None = None, id_column: str | None = None
) -> Vectors:
    """The vectors of a file or folder, see :mod:`lanzdml.embeddings.vectors`.

    Args:
        path: of a file or of a folder.
        kind: what they are of: folders of clip-retrieval hold both, and prompts may have texts.
        column: name of the array or column that holds them; that of the only one unless given.
        id_column: name of the array or column of ids; ``image_id`` unless given, if there is one.

    Raises:
        LanzdmlError: there are none, or they cannot be read; the message names the file.
    """
    return Vectors([
        read_source(source, kind, column=column, id_column=id_column)
        for source in sources_of(path, kind)
    ])  # fmt: skip


def sources_of(path: Path, kind: Kind = Kind.IMAGES) -> list[Source]:
    """The files that the vectors of a file or folder are in, in their order; none is opened.

    Raises:
        LanzdmlError: a folder has no files of vectors, or several kinds of them.
    """
    if not path.is_dir():
        return [Source(path)]
    if (path / _SPLITS).is_file():
        splits = sorted(split.parent.name for split in path.glob(f"*/{_STATE}"))
        raise LanzdmlError(
            f"{path} holds several splits: name the folder of one, {' or '.join(splits)}"
        )
    if (path / _STATE).is_file():
        return [Source(file) for file in _of_state(path)]
    if (path / kind.value).is_dir():
        return _of_clip_retrieval(path, kind)
    if others := [other.value for other in Kind if (path / other.value).is_dir()]:
        raise LanzdmlError(f"{path} has {others[0]}/ and no {kind.value}/")
    return [Source(file) for file in _files(path)]


def read_source(
    source: Source,
    kind: Kind = Kind.IMAGES,
    *,
    column: str | None = None,
    id_column: str | None = None,
) -> Part:
    """The vectors of one file, of which no more is read than says their shape.

    Arguments and errors as of :func:`read_vectors`.
    """
    file, table = source
    if table is None:
        if (file.parent / _STATE).is_file() and file.suffix == _ARROW:
            return read_arrow(file, column, id_column or ID, _TEXTS[kind])
        return _of_file(file, kind, column, id_column)
    part = read_npy(file)
    n_rows, ids, texts = read_texts(table, id_column, _TEXTS[kind])
    if n_rows != part.shape[0]:
        raise LanzdmlError(f"{table} has {n_rows:,} rows, but {file} {part.shape[0]:,} vectors")
    return replace(part, ids=ids, texts=texts)


def shape_of(
    path: Path, kind: Kind = Kind.IMAGES, *, column: str | None = None, id_column: str | None = None
) -> tuple[int | None, int] | None:
    """The shape (n, d) of vectors, of which no more is read than says it.

    Arguments and errors as of :func:`read_vectors`.

    Returns:
        n is None where there are ids, as they need not be as many as a table's; all is None for
        tensors of torch, which have to be loaded.
    """
    if is_torch(path) or (path.is_dir() and any(path.glob(f"*{_TORCH}"))):
        return None
    vectors = read_vectors(path, kind, column=column, id_column=id_column)
    return None if vectors.has_ids else len(vectors), vectors.dim


def is_torch(path: Path) -> bool:
    """Whether a file has to be loaded for its shape to be known."""
    return path.suffix.lower() == _TORCH


def _of_file(path: Path, kind: Kind, column: str | None, id_column: str | None) -> Part:
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise LanzdmlError(
            f"{path} is a pickle by its name, which can run code: save the vectors with np.save, "
            "or as safetensors or Parquet"
        )
    if suffix not in SUFFIXES:
        raise LanzdmlError(f"{path} is no file of vectors: those are {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise LanzdmlError(f"there is no file {path}")
    if id_column is not None and suffix not in (".parquet", ".npz"):
        raise LanzdmlError(f"{path} can hold no ids beside its vectors: leave id out")
    if suffix == ".npy":
        part = read_npy(path)
    elif suffix == ".npz":
        part = read_npz(path, column, id_column or ID)
    elif suffix == ".safetensors":
        part = read_safetensors(path, column)
    elif suffix == _TORCH:
        part = read_pt(path, column)
    else:
        part = read_parquet(path, column, id_column or ID, _TEXTS[kind])
    if id_column is not None and part.ids is None:
        raise LanzdmlError(f"{path} has no {id_column!r} for ids")
    return part


def _of_clip_retrieval(folder: Path, kind: Kind) -> list[Source]:
    """Arrays beside tables with as many rows, by the numbers in their names."""
    arrays = _files(folder / kind.value)
    if not (folder / _METADATA).is_dir():
        return [Source(array) for array in arrays]
    tables = _files(folder / _METADATA)
    if len(tables) != len(arrays):
        raise LanzdmlError(
            f"{folder / _METADATA} has {len(tables):,} files, but {folder / kind.value} "
            f"{len(arrays):,}: each array has a table of its rows"
        )
    return [Source(*pair) for pair in zip(arrays, tables, strict=True)]


def _files(folder: Path) -> list[Path]:
    """A folder's files of vectors, all of one kind, in the order of the numbers in their names."""
    by_suffix: dict[str, list[Path]] = {}
    for path in folder.iterdir():
        if path.suffix.lower() in SUFFIXES and path.name[0] != ".":
            by_suffix.setdefault(path.suffix.lower(), []).append(path)
    if len(by_suffix) != 1:
        kinds = " and ".join(sorted(by_suffix)) or "no"
        raise LanzdmlError(f"{folder} holds {kinds} files of vectors: name one kind, or one file")
    (files,) = by_suffix.values()
    return _by_number(files)


def _by_number(files: Sequence[Path]) -> list[Path]:
    def key(path: Path) -> list[tuple[int, str]]:
        pieces = re.findall(r"\d+|\D+", path.name)
        return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]

    return sorted(files, key=key)


def _of_state(folder: Path) -> list[Path]:
    """The files of a saved ``Dataset`` in their order."""
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        names = [entry["filename"] for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise LanzdmlError(f"{folder / _STATE} is none of Hugging Face's datasets") from None
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise LanzdmlError(f"{folder} has no file {name!r}, which its {_STATE} names")
    if not names:
        raise LanzdmlError(f"{folder} holds no rows")
    return [folder / name for name in names]
