"""Small pictures of images, as many as a page has room for."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from lanzdml.datasets.archives import unpacked
from lanzdml.datasets.images import Images
from lanzdml.datasets.manifest import ID, IMAGE, PATH, read_manifest, readable
from lanzdml.errors import LanzdmlError
from lanzdml.explorer.task import Source

SIDES = {160: 13_000, 128: 5_000, 96: 0}
"""Pixels of the longer side, each with the bytes that a page has to have for a picture."""
_QUALITY, _EFFORT = 75, 2
VECTORS_ONLY, NO_ROOM, UNREADABLE = range(3)
"""Why there is no picture; `app/data.js` knows them, too."""


class Thumbnails:
    """Small pictures of a manifest's images, by their rows.

    Args:
        source: where they are.

    Attributes:
        has_images: whether there are any, and not vectors only.
    """

    def __init__(self, source: Source) -> None:
        path = Path(source.manifest)
        with readable(path):
            columns = [name for name in (PATH, IMAGE) if name in pq.read_schema(path).names]
        self.has_images = bool(columns)
        if self.has_images:
            table = read_manifest(path, columns=[ID, columns[0]])
            self._images = Images(table, unpacked(Path(source.root)), source.linked)

    def of(self, row: int, side: int) -> str | None:
        """A picture as WebP in base64, so many pixels long; None of an image that is not read."""
        try:
            image = self._images[row]
        except LanzdmlError as error:
            print(f"Shown without a picture: {error}")
            return None
        image.thumbnail((side, side))
        data = io.BytesIO()
        image.save(data, "WEBP", quality=_QUALITY, method=_EFFORT)
        return base64.b64encode(data.getvalue()).decode()


def fill(pictures: Sequence[tuple[Thumbnails, int]], room: int) -> list[str | int]:
    """Pictures in their order, as long as there is room.

    Args:
        pictures: whose, and which row.
        room: how many bytes they may take.

    Returns:
        each, or why it is not there: VECTORS_ONLY, NO_ROOM or UNREADABLE.
    """
    made: list[str | int] = []
    side = next(side for side, least in SIDES.items() if room >= least * len(pictures))
    for thumbnails, row in pictures:
        if not thumbnails.has_images:
            made.append(VECTORS_ONLY)
        elif room <= 0:
            made.append(NO_ROOM)
        else:
            picture = thumbnails.of(row, side)
            room -= 0 if picture is None else len(picture) + len('"",')
            made.append(UNREADABLE if picture is None else picture if room > 0 else NO_ROOM)
    return made
