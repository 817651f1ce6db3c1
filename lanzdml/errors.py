"""Errors that a user can act on."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lanzdml.names import one_line


class LanzdmlError(Exception):
    """Bad input or a missing resource; the message names it and says what to do.

    Scripts print the message as one line and no traceback, whatever words of the user's it holds.
    """

    @property
    def lines(self) -> list[str]:
        """What is to be said, a line each."""
        return [str(self)]


class CannotFitError(LanzdmlError):
    """A method cannot be fitted to these prompts; the run is reported with this reason."""


VERBOSE = "LANZDML_VERBOSE"  # also seen by the processes of jobs


def show_tracebacks() -> None:
    """Show tracebacks of what the user can mend, too: here and in jobs that start from here."""
    os.environ[VERBOSE] = "1"


def tracebacks_shown() -> bool:
    """Whether :func:`show_tracebacks` was called."""
    return VERBOSE in os.environ


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with a line ``Error: ...`` for each line of what the user can mend.

    Snakemake would put its own frames around it.
    """
    try:
        yield
    except LanzdmlError as error:
        if tracebacks_shown():
            raise
        sys.exit(error_lines(error))


def error_lines(error: LanzdmlError) -> str:
    """``Error: ...`` for each line that an error has to say."""
    return "\n".join(f"Error: {one_line(line)}" for line in error.lines)


def suggest(name: str, allowed: Iterable[str]) -> str:
    """``did you mean 'x'? allowed: ...`` for a misspelt name."""
    from difflib import get_close_matches

    allowed = list(allowed)
    close = get_close_matches(name, allowed, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}allowed: {', '.join(allowed) or 'none'}"
