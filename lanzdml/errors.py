"""Errors that a user can act on."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lanzdml.names import shortened, spelled_out

_LONGEST = 4_000  # of a message, which may quote a name, a label or a line of a file


def in_one_line(message: object) -> str:
    """A message without its line breaks, as other packages' errors have them.

    What else is no letter, as in names of files, is spelled out, and cut what is endless.

    Of an error that says nothing it is the name of its kind.
    """
    nothing = type(message).__name__ if isinstance(message, Exception) else ""
    lines = filter(None, map(str.strip, str(message).splitlines()))
    return spelled_out(shortened(" ".join(lines), _LONGEST)) or nothing


class LanzdmlError(Exception):
    """Bad input or a missing resource; the message names it and says what to do.

    Scripts print the message as one line and no traceback. What it quotes of other errors, and
    names with line breaks, is made one line.

    Args:
        faults: what is wrong; several are a line each.
    """

    def __init__(self, *faults: object) -> None:
        self.lines = [in_one_line(fault) for fault in faults]
        super().__init__("\n".join(self.lines))


class CannotFitError(LanzdmlError, ValueError):
    """A method cannot be fitted to these prompts; the run is reported with this reason."""


_EXTRAS = {
    "torch": "fit",
    "open_clip": "clip",
    "faiss": "index",
    "pydantic": "workflow",
    "yaml": "workflow",
    "jinja2": "report",
    "latex2mathml": "report",
    "markupsafe": "report",
    "matplotlib": "report",
}
"""What may lack where the library alone is installed, and the extra that brings it."""


VERBOSE = "LANZDML_VERBOSE"  # also seen by the processes of jobs


def show_tracebacks() -> None:
    """Show tracebacks of what the user can mend, too: here and in jobs that start from here."""
    os.environ[VERBOSE] = "1"


def tracebacks_shown() -> bool:
    """Whether :func:`show_tracebacks` was called."""
    return VERBOSE in os.environ


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with a line ``Error: ...`` for each thing that the user can mend.

    A package that an extra brings is one. Snakemake would put its own frames around it.
    """
    try:
        yield
    except LanzdmlError as error:
        if tracebacks_shown():
            raise
        sys.exit(error_lines(error))
    except ModuleNotFoundError as error:
        if tracebacks_shown() or error.name not in _EXTRAS:
            raise
        extra = _EXTRAS[error.name]
        sys.exit(
            f"Error: this needs {error.name}, which is not installed: install lanzdml with its "
            f"extra {extra}, by `pip install '.[{extra}]'` in a checkout, and where it is "
            f"installed by `pip install 'lanzdml[{extra}]'`"
        )


def error_lines(error: object) -> str:
    """``Error: ...`` for each thing that is wrong, one line each."""
    lines = error.lines if isinstance(error, LanzdmlError) else [in_one_line(error)]
    return "\n".join(f"Error: {line}" for line in lines)


def suggest(name: str, allowed: Iterable[str]) -> str:
    """``did you mean 'x'? allowed: ...`` for a misspelt name, or one whose end is missing."""
    from difflib import get_close_matches

    allowed = list(allowed)
    longer = [known for known in allowed if known.lower().startswith(name.lower())]
    close = (longer if len(name) > 2 else []) or get_close_matches(name, allowed, n=1)
    guess = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{guess}allowed: {', '.join(allowed) or 'none'}"
