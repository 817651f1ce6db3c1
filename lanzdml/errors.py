"""Errors that a user can act on."""

from collections.abc import Iterable


class LanzdmlError(Exception):
    """Bad input or a missing resource; the message names it and says what to do.

    Scripts print the message as one line and no traceback.
    """


class CannotFitError(LanzdmlError):
    """A method cannot be fitted to these prompts; the run is reported with this reason."""


def suggest(name: str, allowed: Iterable[str]) -> str:
    """``did you mean 'x'? allowed: ...`` for a misspelt name."""
    from difflib import get_close_matches

    allowed = list(allowed)
    close = get_close_matches(name, allowed, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}allowed: {', '.join(allowed) or 'none'}"
