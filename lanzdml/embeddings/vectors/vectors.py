"""Vectors as files hold them, and what has to be right about each row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lanzdml.errors import LanzdmlError

ROWS = 2**14  # read at a time: 64 MiB of float32 with 1,024 dimensions
_NORM_TOLERANCE = 1e-3  # of unit vectors that were stored in float16


@dataclass(frozen=True)
class Part:
    """The rows of one file.

    Attributes:
        file: that they lie in.
        shape: (n, d).
        dtype: of the stored numbers: float16, float32 or float64.
        read: gives all values, as they are stored, in blocks of any number of rows (m, d).
        ids: gives those of the rows, (n,), where the file has them.
        texts: gives those of the rows, such as prompts, (n,), where the file has them.
    """

    file: Path
    shape: tuple[int, int]
    dtype: np.dtype[np.floating]
    read: Callable[[], Iterator[NDArray[np.floating]]]
    ids: Callable[[], Sequence[str]] | None = None
    texts: Callable[[], Sequence[str]] | None = None


def part_of(file: Path, values: NDArray[np.floating]) -> Part:
    """The rows of an array; of one that is mapped into memory no more is read at a time."""

    def read() -> Iterator[NDArray[np.floating]]:
        for start in range(0, len(values), ROWS):
            yield values[start : start + ROWS]

    return Part(file, (values.shape[0], values.shape[1]), values.dtype, read)


class Vectors:
    """Vectors (n, d) of one file or several.

    Args:
        parts: in order, one at least.

    Raises:
        LanzdmlError: files have other sizes of vectors, or only some have ids or texts.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        first = self.parts[0]
        for part in self.parts[1:]:
            if part.shape[1] != first.shape[1]:
                raise LanzdmlError(
                    f"{part.file} holds vectors of {part.shape[1]:,} dimensions, but "
                    f"{first.file} of {first.shape[1]:,}"
                )
            for name in ("ids", "texts"):
                if (getattr(part, name) is None) != (getattr(first, name) is None):
                    raise LanzdmlError(f"only one of {first.file} and {part.file} has {name}")
        if len(self) == 0:
            raise LanzdmlError(f"{first.file} holds no vectors")

    def __len__(self) -> int:
        return sum(part.shape[0] for part in self.parts)

    @property
    def dim(self) -> int:
        """Size d of a vector."""
        return self.parts[0].shape[1]

    @property
    def precision(self) -> str:
        """The type of the stored numbers; of several the names of all."""
        return ", ".join(sorted({str(part.dtype) for part in self.parts}))

    @property
    def has_ids(self) -> bool:
        """Whether the rows have ids, without reading them."""
        return self.parts[0].ids is not None

    @cached_property
    def ids(self) -> list[str] | None:
        """Of the rows, (n,); None where the files have none.

        Raises:
            LanzdmlError: they cannot be read, are not as many as the vectors, or a row has none, or
                one that is no text.
        """
        return self._all("ids")

    @cached_property
    def texts(self) -> list[str] | None:
        """Of the rows, (n,); None where the files have none.

        Raises:
            LanzdmlError: they cannot be read, are not as many as the vectors, or a row has none.
        """
        return self._all("texts")

    def _all(self, name: str) -> list[str] | None:
        if getattr(self.parts[0], name) is None:
            return None
        return [text for part in self.parts for text in _column(part, name)]

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All vectors in order, some rows at a time, in float32.

        Raises:
            LanzdmlError: a row has a number that is none, or is infinite, also in float32 only; or
                all of it is zero, which has no direction; or a row has another size; or there are
                more or fewer rows than the file says.
        """
        for part in self.parts:
            start = 0
            for stored in part.read():
                with np.errstate(over="ignore"):  # told with the row below
                    block = np.asarray(stored, dtype=np.float32)
                _check(part.file, start, block, stored)
                start += len(block)
                if start > part.shape[0]:
                    break
                yield block
            if start != part.shape[0]:
                raise LanzdmlError(
                    f"{part.file} says that it holds {part.shape[0]:,} vectors, and does not: "
                    "write it anew"
                )

    def array(self) -> NDArray[np.float32]:
        """All vectors (n, d) in float32.

        Raises:
            LanzdmlError: as of :meth:`blocks`.
        """
        array = np.empty((len(self), self.dim), np.float32)
        start = 0
        for block in self.blocks():
            array[start : start + len(block)] = block
            start += len(block)
        return array

    def are_unit(self) -> bool:
        """Whether all vectors have length one, but for what half precision rounds.

        Raises:
            LanzdmlError: as of :meth:`blocks`.
        """
        return all(
            bool((np.abs(np.linalg.norm(block, axis=1) - 1) < _NORM_TOLERANCE).all())
            for block in self.blocks()
        )


def _column(part: Part, name: str) -> Sequence[str]:
    """The ids or texts of a file's rows."""
    column: Sequence[str] = getattr(part, name)()
    if len(column) != part.shape[0]:
        raise LanzdmlError(
            f"{part.file} holds {len(column):,} {name}, but {part.shape[0]:,} vectors: give one "
            "each"
        )
    for row, text in enumerate(column if name == "ids" else ()):
        # As in tables, where a cell of blanks is empty.
        if not text.strip():
            raise LanzdmlError(f"{part.file}, row {row:,}: its id is empty")
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a pair of surrogates
            raise LanzdmlError(
                f"{part.file}, row {row:,}: its id {text!r} holds half a character, which no "
                "table can hold: give it another one"
            ) from None
    return column


def _check(
    file: Path, start: int, block: NDArray[np.float32], stored: NDArray[np.floating]
) -> None:
    # A sum is finite where all its values are, and takes no array as large as they are.
    finite = np.isfinite(np.einsum("ij->i", block, dtype=np.float64))
    if not finite.all():
        row = int((~finite).argmax())
        what = (
            "a value that is no number"
            if np.isnan(stored[row]).any()
            else "an infinite value"
            if np.isinf(stored[row]).any()
            else "a value that is too large for float32"
        )
        raise LanzdmlError(f"{file}, row {start + row:,}: holds {what}")
    zero = ~block.any(axis=1)
    if zero.any():
        row = int(zero.argmax())
        raise LanzdmlError(
            f"{file}, row {start + row:,}: all its values are zero, so it has no direction; "
            "leave the row out, here and in the table"
        )
