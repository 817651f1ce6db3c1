"""What all sections of the configuration have in common: their base and the kinds of their values.

A section is one model, and what its schema cannot say is checked beside it: ``check`` gives a line
for each thing that is wrong, which begins with the key. ``resolved`` is the section with all that
it implies written out.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from lanzdml.methods.dim import AUTO

T = TypeVar("T")
# Three of them and some words are the name of a rule and its files, which file systems end at 255.
LETTERS_OF_NAME = 60
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=LETTERS_OF_NAME),
]
Count = Annotated[int, Field(ge=1, le=10**9)]
# How many datasets, models, methods, dims and seeds, and notions of a dataset, may be listed. The
# paper's benchmark has 13 notions of three datasets, and open_clip some 150 models.
MOST_LISTED = 500

_MOST_DIMS = 2**16  # no CLIP has as many
Dim = Annotated[int, Field(ge=1, le=_MOST_DIMS)]


def _dim(value: Any) -> Any:
    """One error for what is no r', in place of one for each kind."""
    if not isinstance(value, int) or isinstance(value, bool):
        if value != AUTO:
            raise ValueError(f"should be a number of dimensions, or {AUTO}")
    elif not 1 <= value <= _MOST_DIMS:
        bound = "greater than or equal to 1" if value < 1 else f"less than or equal to {_MOST_DIMS}"
        raise ValueError(f"should be {bound}")
    return value


OneDim = Annotated[Dim | Literal["auto"], BeforeValidator(_dim)]
Dims = Annotated[
    list[OneDim],
    Field(min_length=1, max_length=MOST_LISTED),
    BeforeValidator(
        lambda value: [value] if value == AUTO else value,
        json_schema_input_type=Annotated[
            list[Dim | Literal["auto"]], Field(min_length=1, max_length=MOST_LISTED)
        ]
        | Literal["auto"],
    ),
]
"""Sizes r', with "auto" where the prompts say it (:mod:`lanzdml.methods.dim`); that may stand
alone."""

MOST_LINES = 50  # of mistakes: who makes more has a program make them


def _plain(value: str) -> str:
    """A path that Snakemake takes as it is, not for a pattern, and that a message can name."""
    if set(value) & set("{}"):
        raise ValueError("should have no braces")
    if "".join(value.splitlines()) != value:
        raise ValueError("should have no line breaks")
    return check_path(value)


def check_path(value: str) -> str:
    """A path that a file can have.

    Raises:
        ValueError: it has a sign or a length that none has.
    """
    if "\0" in value:
        raise ValueError("should have no sign U+0000")
    if any(len(os.fsencode(part)) > 255 for part in value.split("/")):
        raise ValueError("should have no names of more than 255 bytes")
    if len(os.fsencode(value)) > 2048:  # half of what systems take: it is the beginning of others
        raise ValueError("should have 2,048 bytes at most")
    return value


PathName = Annotated[str, AfterValidator(_plain)]


class Section(BaseModel):
    """A section of the configuration: unknown keys are mistakes, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def given(self, *names: str) -> list[str]:
        """Those of some keys that have a value."""
        return [name for name in names if getattr(self, name) is not None]


def check_unique(key: str, values: list[T]) -> list[str]:
    """A line for each value that a list has more than once."""
    return [f"{key}: {value!r} is listed twice" for value in sorted(repeated(values), key=str)]


def strangers(names: Iterable[T], allowed: Collection[T]) -> list[T]:
    """The first of the names that are not allowed: as many as are told of."""
    return list(islice((name for name in names if name not in allowed), MOST_LINES))


def repeated(values: Iterable[T]) -> list[T]:
    """The values that are there more than once."""
    return [value for value, count in Counter(values).items() if count > 1]
