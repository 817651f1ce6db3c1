"""A folder beside the data that is nobody's business, and what Python opens."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.raw_datasets import save_image

SECRET = "sk-not-a-real-token"
KEY = f"-----BEGIN KEY-----\n1 2 {SECRET}\n-----END KEY-----\n"
OPENED: list[str] = []
sys.addaudithook(
    lambda event, arguments: (
        event == "open"
        and isinstance(arguments[0], str | Path)
        and OPENED.append(os.path.realpath(arguments[0]))
    )
)


@contextmanager
def left_alone(home: Path) -> Iterator[Path]:
    """A home with a picture and a key, of which nothing is opened in the block."""
    save_image(home / "pictures/a.jpg")
    (home / "id_rsa").write_text(KEY)
    OPENED.clear()
    yield home
    assert not [path for path in OPENED if Path(path).is_relative_to(home)]
