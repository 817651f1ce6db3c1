"""What open_clip and the packages below it say, as a user of this one is to read it."""

import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from lanzdml.errors import LanzdmlError

MESSAGE_LENGTH = 400  # of another package, which may name every tensor that does not fit


@contextmanager
def one_line(what: str, advice: str = "") -> Iterator[None]:
    """Say in one line what failed and why.

    open_clip and the packages below it raise all kinds of errors for models that they cannot fetch
    or build.
    """
    try:
        yield
    except Exception as error:
        reason = textwrap.shorten(str(error) or type(error).__name__, MESSAGE_LENGTH).rstrip(".")
        # A package that is missing, or of another version, is no matter of where one can fetch.
        advice = _to_install(error) if isinstance(error, ImportError) else advice
        raise LanzdmlError(f"{what}: {reason}{advice}") from error


def _to_install(error: ImportError) -> str:
    package = (error.name or "").partition(".")[0]
    if not package:  # the message is all that is known
        return ""
    is_missing = isinstance(error, ModuleNotFoundError) and error.name == package
    return f": pip install {'' if is_missing else '-U '}{package}"


@contextmanager
def no_warnings() -> Iterator[None]:
    """The root logger, through which open_clip speaks, takes no warning from this thread."""
    here, root = get_ident(), logging.getLogger()

    def is_taken(record: logging.LogRecord) -> bool:
        return record.thread != here or record.levelno > logging.WARNING

    root.addFilter(is_taken)
    try:
        yield
    finally:
        root.removeFilter(is_taken)
