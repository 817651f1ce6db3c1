"""open_clip and the packages below it: what is imported, and what they say, as a user reads it."""

import importlib
import logging
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import get_ident
from typing import Any

from lanzdml.errors import LanzdmlError

MESSAGE_LENGTH = 400  # of another package, which may name every tensor that does not fit


class _NotYet(MetaPathFinder, Loader):
    """Keeps a package that is there from being imported by this thread."""

    def __init__(self, package: str) -> None:
        self._package, self._thread = package, get_ident()

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        is_it = (fullname, get_ident()) == (self._package, self._thread)
        return ModuleSpec(fullname, self) if is_it else None

    def create_module(self, spec: ModuleSpec) -> None:
        raise ImportError(f"{spec.name} is not imported here")


def import_open_clip() -> None:
    """Import open_clip without transformers, which takes as long as a fifth of all that it imports.

    It is imported where a tokenizer needs it, and by :func:`import_text_models`.
    """
    not_yet = _NotYet("transformers")
    sys.meta_path.insert(0, not_yet)
    try:
        importlib.import_module("open_clip")
    finally:
        sys.meta_path.remove(not_yet)


def import_text_models() -> None:
    """Let open_clip build the text models that are transformers', as XLM-RoBERTa is.

    Raises:
        ImportError: transformers is not installed.
    """
    from open_clip import hf_model

    remote: Any = importlib.import_module("transformers.dynamic_module_utils")
    # Seconds in which it asks whether to run the Python beside a text model; then it does not.
    remote.TIME_OUT_REMOTE_CODE = 0
    if hf_model.transformers is None:
        importlib.reload(hf_model)  # its functions see what is imported now


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
