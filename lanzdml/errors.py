"""Errors that a user can act on."""


class LanzdmlError(Exception):
    """Bad input or a missing resource; the message names it and says what to do.

    Scripts print the message as one line and no traceback.
    """


class CannotFitError(LanzdmlError):
    """A method cannot be fitted to these prompts; the run is reported with this reason."""
