"""What a user reads of a configuration that does not fit its schema: one line for each mistake."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from lanzdml.config.section import LETTERS_OF_NAME, MOST_LINES
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.names import shortened


class ConfigError(LanzdmlError):
    """All that is wrong with a configuration, one line each.

    Args:
        faults: the first :data:`MOST_LINES` are told.
        more: how many there are beside these.
    """

    def __init__(self, *faults: object, more: int = 0) -> None:
        more += max(0, len(faults) - MOST_LINES)
        super().__init__(*faults[:MOST_LINES], *([f"and {more:,} more"] if more else []))


def error_of(error: ValidationError, root: type[BaseModel]) -> ConfigError:
    """A line for each mistake: the key, what is allowed and what is there.

    Args:
        error: of pydantic.
        root: the model that was validated.
    """
    details = error.errors(include_url=False)
    lines = sorted({_line(detail, root) for detail in details[:MOST_LINES]})
    return ConfigError(*lines, more=len(details[MOST_LINES:]))


def _line(error: Mapping[str, Any], root: type[BaseModel]) -> str:
    location, kind = error["loc"], error["type"]
    where = _dotted(location)
    if kind == "extra_forbidden":
        allowed = _allowed_keys(location[:-1], root)
        return f"{where}: unknown key; {suggest(str(location[-1]), allowed)}"
    if kind == "missing":
        return f"{where}: is missing"
    if location and location[-1] == "[key]":
        return (
            f"{where}: a name may hold letters a to z and A to Z, digits, '_', '.', '-', starts "
            f"with a letter or digit and has at most {LETTERS_OF_NAME} of all"
        )
    if kind == "model_type":
        keys = ", ".join(_allowed_keys(location, root))
        return f"{where}: should be a section with the keys {keys}"
    if kind in ("too_short", "dict_too_short"):
        least = error["ctx"]["min_length"]
        return f"{where}: should have at least {'one entry' if least == 1 else f'{least} entries'}"
    if kind == "too_long":
        return f"{where}: should have at most {error['ctx']['max_length']:,} entries"
    if kind == "string_type" and isinstance(error["input"], bool | int | float):
        return (
            f"{where}: should be text, and is {shorten(error['input'])} in YAML; put it in quotes"
        )
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{where or 'config'}: {message}, not {shorten(error['input'])}"


def _dotted(location: Sequence[str | int]) -> str:
    path = ""
    for part in location:
        if part == "[key]":  # pydantic's own step, no key of the user
            continue
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f"{'.' if path else ''}{shortened(part, 80)}"
    return path


def shorten(value: Any) -> str:
    """A value as a message shows it."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return shortened(text, 60)


def _allowed_keys(location: Sequence[str | int], root: type[BaseModel]) -> list[str]:
    """Keys of the section that a location points into."""
    section = root
    for part in location:
        field = section.model_fields.get(str(part))
        if field is None:
            # the user's own name of a dataset, notion or model: stay at its section
            continue
        section = _section_of(field.annotation) or section
    return list(section.model_fields)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (section := _section_of(argument)) is not None:
            return section
    return None
