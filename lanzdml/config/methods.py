"""The names of methods in a configuration, of which those of others are made known here."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS, QUICK
from lanzdml.methods.elsewhere import RAISED, is_source, registered, welcome, what_raised

if TYPE_CHECKING:
    from lanzdml.methods.base import Method


def _method(value: str) -> str:
    """The name of a method; one of others, by its file or entry point, is known from here on."""
    if METHODS.is_ours(value) or not is_source(value):
        return value
    try:
        name = welcome(value)
    except LanzdmlError as error:
        raise ValueError(str(error)) from None
    if METHODS.is_ours(name) or name == QUICK:
        raise ValueError(f"{value}: calls itself {name!r}, as one of ours: give it another `name`")
    _check_parameters(value, METHODS[name])
    return name


def _check_parameters(value: str, cls: "type[Method]") -> None:
    """Check that a class can be made as jobs make it."""
    try:
        parameters = cls().get_params(deep=False)
    except RAISED as error:
        raise ValueError(f"{value}: needs no arguments to be made: {what_raised(error)}") from None
    needed = {"random_state": True, "dim": cls.has_dim, "logit_scale": cls.uses_logit_scale}
    for name, is_needed in needed.items():
        if is_needed and name not in parameters:
            raise ValueError(
                f"{value}: its __init__ has no parameter {name}"
                + (", but has_dim is True" if name == "dim" else "")
            )


MethodName = Annotated[str, AfterValidator(_method)]


def known_methods() -> list[str]:
    """What may be listed by its name."""
    return list(dict.fromkeys([*METHODS, *registered()]))
