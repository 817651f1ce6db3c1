"""What a user reads of a configuration that does not fit its schema: one line for each mistake."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from lanzdml.errors import LanzdmlError, suggest


class ConfigError(LanzdmlError):
    """All that is wrong with a configuration, one line each."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        super().__init__("\n".join(lines))

    @property
    def lines(self) -> list[str]:
        """A line for each mistake."""
        return self._lines


def lines_of(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """A line for each mistake: the key, what is allowed and what is there.

    Args:
        error: of pydantic.
        root: the model that was validated.
    """
    return sorted({_line(detail, root) for detail in error.errors(include_url=False)})


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
            f"{where}: a name may hold letters a to z and A to Z, digits, '_', '.', '-' and starts "
            "with a letter or digit"
        )
    if kind == "model_type":
        keys = ", ".join(_allowed_keys(location, root))
        return f"{where}: should be a section with the keys {keys}"
    if kind in ("too_short", "dict_too_short"):
        least = error["ctx"]["min_length"]
        return f"{where}: should have at least {'one entry' if least == 1 else f'{least} entries'}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{where or 'config'}: {message}, not {_shorten(error['input'])}"


def _dotted(location: Sequence[str | int]) -> str:
    path = ""
    for part in location:
        if part == "[key]":  # pydantic's own step, no key of the user
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _shorten(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


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
