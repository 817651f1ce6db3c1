"""Images as CLIP takes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.datasets.decoding import decode
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


def exclude_unreadable(rows: pd.DataFrame, root: Path, n_threads: int = 1) -> pd.DataFrame:
    """The rows of a dataset, each with the reason in ``excluded`` if its image cannot be read.

    Every image is decoded for this.

    Args:
        rows: see :mod:`lanzdml.datasets.manifest`; those excluded already stay so.
        root: the folder that paths are relative to.
        n_threads: images decoded at a time.
    """
    from concurrent.futures import ThreadPoolExecutor

    excluded = rows.get(EXCLUDED, pd.Series(None, rows.index, "object"))
    sources = Images(rows, root).sources
    asked = excluded.isna().to_numpy().nonzero()[0]
    with ThreadPoolExecutor(n_threads) as pool:
        problems = pool.map(lambda row: problem_of(sources[row]), asked)
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

    ``sources`` holds the paths or encoded bytes.
    """

    def __init__(self, manifest: pd.DataFrame, root: Path) -> None:
        self._ids = manifest[ID].tolist()
        self.sources: list[Path | bytes] = [
            root / source if isinstance(source, str) else source
            for source in manifest[PATH if PATH in manifest else IMAGE]
        ]

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> "Image":
        source, name = self.sources[index], f"image {self._ids[index]}"
        if isinstance(source, Path):
            name += f" ({source})"
        return read_image(source, name)
