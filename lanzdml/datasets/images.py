"""Images as CLIP takes them."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lanzdml.datasets.manifest import EXCLUDED, ID, IMAGE, PATH
from lanzdml.errors import LanzdmlError

if TYPE_CHECKING:
    from PIL.Image import Image


def to_rgb(image: "Image") -> "Image":
    """An image of any mode in RGB with 8 bits a channel.

    Pillow would cut 16-bit grey values at 255, and turn nearly all of them white.

    Raises:
        ValueError: its values have 32 bits, of which nobody says what is black and what is white.
        OSError, SyntaxError: its data are broken.
    """
    if image.mode in ("I", "F"):
        raise ValueError("it has 32 bits a pixel; save it with 8 bits a channel")
    if image.mode.startswith("I;16"):
        from PIL.Image import fromarray

        image = fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _decode(source: Path | bytes) -> "Image":
    """An image in RGB, from its file or its encoded bytes.

    Of an animation it is the first picture.

    Raises:
        ValueError: it cannot be decoded, or is not there; the message says why.
        OSError: the file system fails, which says nothing about the image.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
            return to_rgb(image)
    except UnidentifiedImageError:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        raise ValueError("it is no image" if size else "it is empty") from None
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # without a limit there is no such error
        raise ValueError(f"it has more than {most:,} pixels; make it smaller") from None
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    # Pillow raises all of these for broken files.
    except (OSError, SyntaxError, NotImplementedError) as error:
        if getattr(error, "errno", None):  # of the file system, and no word about the image
            raise
        raise ValueError(str(error) or type(error).__name__) from error


def problem_of(source: Path | bytes) -> str | None:
    """Why an image cannot be decoded; None when it can.

    Raises:
        LanzdmlError: the file system fails, so that nobody knows.
    """
    try:
        _decode(source)
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
    try:
        return _decode(source)
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
