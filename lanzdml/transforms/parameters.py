"""A method's parameters in files: as text that says all of them, and the same in every process.

JSON's own values stand for themselves; what JSON lacks is an object that names its kind.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lanzdml.errors import LanzdmlError
from lanzdml.files import sample_of
from lanzdml.methods import METHODS

if TYPE_CHECKING:
    from lanzdml.methods.base import Method

_PLAIN = (type(None), bool, int, float, str)
_PATH, _TUPLE, _DICT = "path", "tuple", "dict"


def as_text(estimator: "Method") -> str:
    """A method's parameters as JSON.

    Numbers of NumPy become Python's.

    Raises:
        LanzdmlError: one is of a type that is not stored: its text would not say what it is, as
            that of a function does not, or would differ from process to process, as that of a set.
    """
    coded = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            coded[name] = _coded(value)
        except TypeError as error:
            raise LanzdmlError(
                f"{estimator.name}: parameter {name!r} holds a {error}, which is not stored; "
                "parameters are None, numbers, texts and paths, and lists, tuples and dicts of "
                "these"
            ) from None
    return json.dumps(coded, sort_keys=True)


def from_text(text: str) -> dict[str, Any]:
    """The parameters that :func:`as_text` wrote.

    Raises:
        ValueError: it wrote no such text.
    """
    coded = json.loads(text)
    if not isinstance(coded, dict):
        raise ValueError("parameters have names")
    return {name: _decoded(value) for name, value in coded.items()}


def contents_of(method: str) -> list[str]:
    """Samples of the files that a method's defaults name: what they hold decides its results.

    Args:
        method: a name of the registry.
    """
    values = METHODS[method]().get_params(deep=False).values()
    return [sample_of(value) for value in values if isinstance(value, Path) and value.is_file()]


def _coded(value: Any) -> Any:
    """A value as JSON has it; a TypeError names the type that it has not."""
    import numpy as np

    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)  # not isinstance: a named tuple or an enumeration would come back as less
    if kind in _PLAIN:
        return value
    if isinstance(value, Path):
        return {_PATH: str(value)}
    if kind is list:
        return [_coded(element) for element in value]
    if kind is tuple:
        return {_TUPLE: [_coded(element) for element in value]}
    if kind is dict and all(type(key) is str for key in value):
        return {_DICT: [[key, _coded(value[key])] for key in value]}
    raise TypeError(kind.__name__)


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(element) for element in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == _PATH:
        return Path(content)
    if kind == _TUPLE:
        return tuple(_decoded(element) for element in content)
    if kind == _DICT:
        return {key: _decoded(element) for key, element in content}
    raise ValueError(f"there is no kind {kind!r} of parameters")
