"""The figures of the folders: pictures only, with words of ours.

Of a folder are taken the files that have a figure's name, and what these are is looked at. Captions
that lie beside them are not: titles, alternative texts and captions are those of this version.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lanzdml.errors import LanzdmlError
from lanzdml.figures.catalogue import all_words
from lanzdml.figures.style import DPI
from lanzdml.figures.words import Words
from lanzdml.files import read_bounded
from lanzdml.metrics.protocols import DEFAULT, PROTOCOLS
from lanzdml.report.figure import PIXELS_PER_INCH, pixels
from lanzdml.sharing.site.source import Source

_MOST_BYTES = 2**24
_MOST_PIXELS = 10**8  # a browser takes four bytes for each


@dataclass(frozen=True)
class Picture:
    """A figure on the site: its address and size in pixels of the page, and what is said of it."""

    file: str
    width: int
    height: int
    words: Words


def copy_figures(site: Path, source: Source) -> list[Picture]:
    """Copy a source's figures into the site, in the order of the catalogue.

    Raises:
        LanzdmlError: one is no PNG, or is too large.
    """
    pictures = []
    for name, words in _words(source):
        path = source.folder / "figures" / f"{name}.png"
        if not path.exists():
            continue
        content = read_bounded(path)
        width, height = pixels(content, path)
        if len(content) > _MOST_BYTES or width * height > _MOST_PIXELS:
            raise LanzdmlError(f"{path} is too large a picture for a page: delete it and run again")
        file = Path("figures", str(source.number), path.name)
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_bytes(content)
        width, height = (round(n * PIXELS_PER_INCH / DPI) for n in (width, height))
        pictures.append(Picture(file.as_posix(), width, height, words))
    return pictures


def _words(source: Source) -> Iterator[tuple[str, Words]]:
    protocol = source.record.config.get("protocol")
    known = protocol if isinstance(protocol, str) and protocol in PROTOCOLS else DEFAULT
    yield from all_words(known).items()


def copy_pages(site: Path, source: Source) -> list[str]:
    """Copy a source's own pages into the site, with the files that these link to.

    They are programs of whoever made the folder: see docs/sharing.md.

    Returns:
        addresses of those that there are.
    """
    pages = [name for name in ("report.html", "explorer.html") if (source.folder / name).is_file()]
    below = Path("folders", str(source.number))
    beside = ["metrics.parquet"] if pages else []
    for folder in ("tables", "figures") if pages else ():
        beside += [
            f"{folder}/{path.name}" for path in sorted((source.folder / folder).glob("[!.]*"))
        ]
    for name in (*pages, *beside):
        path = source.folder / name
        if path.is_file():
            (site / below / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, site / below / name)
    return [(below / name).as_posix() for name in pages]
