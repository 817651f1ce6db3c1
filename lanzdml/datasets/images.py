"""Images as CLIP takes them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.datasets.decoding import decode
from lanzdml.datasets.inside import Places
from lanzdml.datasets.manifest import EXCLUDED, ID, IMAGE, PATH
from lanzdml.datasets.pixels import foreground, to_rgb
from lanzdml.errors import LanzdmlError

if TYPE_CHECKING:
    from PIL.Image import Image


def problem_of(source: Path | bytes) -> str | None:
    """Why an image cannot be decoded; None when it can.

    Raises:
        LanzdmlError: the file system fails, so that nobody knows.
    """
    try:
        decode(source, to_rgb)
    except ValueError as error:
        return str(error)
    except OSError as error:
        raise LanzdmlError(f"images cannot be read: {error}") from error
    return None


def read_image(source: Path | bytes, name: str) -> "Image":
    """An image in RGB, from its file or its encoded bytes; ``name`` is what messages call it.

    Raises:
        LanzdmlError: it cannot be read.
    """
    with _named(name):
        return decode(source, to_rgb)


def read_foreground(mask: bytes, name: str) -> NDArray[np.bool_]:
    """The foreground (height, width) of an encoded mask; ``name`` is what messages call it.

    Raises:
        LanzdmlError: it cannot be read.
    """
    with _named(name):
        return decode(mask, foreground)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:
        raise LanzdmlError(f"{name} cannot be read: {error}") from error


def exclude_unreadable(
    rows: pd.DataFrame, root: Path, n_threads: int = 1, linked: Iterable[str] = ()
) -> pd.DataFrame:
    """The rows of a dataset, each with the reason in ``excluded`` if its image cannot be read.

    Every image is decoded for this.

    Args:
        rows: see :mod:`lanzdml.datasets.manifest`; those excluded already stay so.
        root: the folder that paths are relative to.
        n_threads: images decoded at a time.
        linked: folders elsewhere that links in the root may lead to.

    Raises:
        LanzdmlError: the file system fails, or an image lies elsewhere.
    """
    from concurrent.futures import ThreadPoolExecutor

    excluded = rows.get(EXCLUDED, pd.Series(None, rows.index, "object"))
    images = Images(rows, root, linked)
    asked = excluded.isna().to_numpy().nonzero()[0]
    with ThreadPoolExecutor(n_threads) as pool:
        problems = pool.map(images.problem_of, asked)
        problem_in = {
            row: problem
            for row, problem in zip(asked, problems, strict=True)
            if problem is not None
        }
    excluded = excluded.astype("object")
    excluded.iloc[list(problem_in)] = [f"unreadable: {problem}" for problem in problem_in.values()]
    return rows.assign(**{EXCLUDED: excluded})


class Images:
    """The images of a manifest in its order, in RGB; each is read when it is asked for.

    A manifest may be of somebody else's results, so that where a file lies is looked at, too.

    Args:
        manifest: see :mod:`lanzdml.datasets.manifest`.
        root: the folder that paths are relative to.
        linked: folders elsewhere that links in it may lead to.
    """

    def __init__(self, manifest: pd.DataFrame, root: Path, linked: Iterable[str] = ()) -> None:
        self._ids, self._places = manifest[ID].tolist(), Places(root, linked)
        self._sources: list[Path | bytes] = [
            root / source if isinstance(source, str) else source
            for source in manifest[PATH if PATH in manifest else IMAGE]
        ]

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> "Image":
        return read_image(self._source(index), self._name(index))

    def problem_of(self, index: int) -> str | None:
        """As :func:`problem_of` of an image."""
        return problem_of(self._source(index))

    def _source(self, index: int) -> Path | bytes:
        source = self._sources[index]
        if isinstance(source, Path) and (problem := self._places.problem_of(source)):
            raise LanzdmlError(f"{self._name(index)} {problem}")
        return source

    def _name(self, index: int) -> str:
        source = self._sources[index]
        return f"image {self._ids[index]}" + (f" ({source})" if isinstance(source, Path) else "")
