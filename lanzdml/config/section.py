"""What all sections of the configuration have in common: their base and the kinds of their values.

A section is one model, and what its schema cannot say is checked beside it: ``check`` gives a line
for each thing that is wrong, which begins with the key. ``resolved`` is the section with all that
it implies written out.
"""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T", str, int)
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Count = Annotated[int, Field(ge=1)]


def _plain(value: str) -> str:
    """A path that Snakemake takes as it is, not for a pattern, and that a message can name."""
    if set(value) & set("{}"):
        raise ValueError("should have no braces")
    if "".join(value.splitlines()) != value:
        raise ValueError("should have no line breaks")
    return value


PathName = Annotated[str, AfterValidator(_plain)]


class Section(BaseModel):
    """A section of the configuration: unknown keys are mistakes, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def check_unique(key: str, values: list[T]) -> list[str]:
    """A line for each value that a list has more than once."""
    twice = sorted({value for value in values if values.count(value) > 1})
    return [f"{key}: {value!r} is listed twice" for value in twice]
