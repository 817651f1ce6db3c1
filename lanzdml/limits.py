"""How much files that others made may take of a machine, in the keys ``limits`` of a configuration.

Each is far above what honest collections need, so that only a file made for it meets one. They are
of a process and those that it starts: readers ask :func:`limits` where they read.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache

VARIABLE = "LANZDML_LIMITS"  # also seen by the processes of jobs


@dataclass(frozen=True)
class Limits:
    """Limits by key. What is refused for one is told which, as :func:`key_of` writes it.

    Attributes:
        archive_gib: GiB that an archive unpacks to.
        archive_files: entries of an archive.
        archive_ratio: how many times as large as itself an archive unpacks to, above the first GiB.
        image_megapixels: million pixels of an image.
        image_sides: how many times as many pixels an image has one way as the other.
        image_scans: passes over an image that a progressive JPEG is stored in.
        table_mib: MiB of a text file: table, list of prompts, annotation.
        table_rows: rows of a table.
        table_columns: columns of a table.
    """

    archive_gib: int = 1024  # ImageNet's training images are 138
    archive_files: int = 20_000_000  # the whole of ImageNet has 14 million images
    archive_ratio: int = 200
    image_megapixels: int = 178
    image_sides: int = 100  # preprocessing makes such an image as long again in the model's size
    image_scans: int = 100
    table_mib: int = 1024
    table_rows: int = 20_000_000
    table_columns: int = 2_000


def key_of(name: str) -> str:
    """The key of a limit, for an error: ``limits.archive_gib``."""
    return f"limits.{name}"


def limits() -> Limits:
    """Those of this process."""
    return _read(os.environ.get(VARIABLE, "{}"))


@cache
def _read(text: str) -> Limits:
    return Limits(**json.loads(text))


def impose(given: Limits) -> None:
    """Take these limits in this process, and in those that start from here on."""
    os.environ[VARIABLE] = json.dumps(asdict(given))


@contextmanager
def imposed(given: Limits) -> Iterator[None]:
    """Take these limits within a block."""
    before = limits()
    impose(given)
    try:
        yield
    finally:
        impose(before)
