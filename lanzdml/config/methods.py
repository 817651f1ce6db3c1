"""The names of methods in a configuration, of which those of others are made known here."""

from typing import Annotated

from pydantic import AfterValidator

from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.methods.elsewhere import is_file, registered, welcome, what_raised


def _method(value: str) -> str:
    """The name of a method; one of others, by its file or entry point, is known from here on."""
    if METHODS.is_ours(value) or not (is_file(value) or value in registered()):
        return value
    try:
        name = welcome(value)
        METHODS[name]()
    except LanzdmlError as error:
        raise ValueError(str(error)) from None
    except Exception as error:
        raise ValueError(f"{value}: needs no arguments to be made: {what_raised(error)}") from None
    if METHODS.is_ours(name):
        raise ValueError(f"{value}: calls itself {name!r}, as one of ours: give it another `name`")
    return name


MethodName = Annotated[str, AfterValidator(_method)]


def known_methods() -> list[str]:
    """What may be listed by its name."""
    return list(dict.fromkeys([*METHODS, *registered()]))
