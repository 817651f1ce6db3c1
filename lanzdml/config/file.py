"""The files of a configuration, and values on the command line, before what they hold is checked.

Snakemake reads both, too, but takes ``[0,1]`` on the command line for texts, and of equal keys the
last without a word.
"""

import json
import os
import re
import sys
from collections.abc import Hashable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from lanzdml.config.extent import BYTES, VALUES, TooMuch, check_extent, parts_of, too_many
from lanzdml.config.messages import ConfigError
from lanzdml.config.section import repeated
from lanzdml.signatures import mistaken

_KEYS = "docs/configuration.md explains them"
_MERGE = "tag:yaml.org,2002:merge"
_CODE = "__use_yte__"  # with it at the top of a file, Snakemake runs the Python in the others
_DIGITS = 50  # of a number; Python writes those of thousands for none


class _Loader(yaml.SafeLoader):
    """YAML without what one does not see in it: equal keys, and text that is something else."""

    n_nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """To read on would take long."""
        self.n_nodes += 1
        if self.n_nodes > VALUES:
            raise too_many()
        return super().compose_node(parent, index)

    def construct_document(self, node: yaml.Node) -> Any:
        """Merged sections are written out here, which anchors multiply."""
        check_extent(node, _parts_of_node)
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _problem("a key in brackets or braces; text with these needs quotes", key)
            name = key.value if key.tag == _MERGE else self.construct_object(key)
            if not isinstance(name, str):
                raise _problem(f"the key {key.value} is no text in YAML; put it in quotes", key)
            if name in seen:
                raise _problem(f"the key {name!r} is there twice", key)
            seen.add(name)
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """YAML 1.1 takes 12:30 for 750 and 010 for 8."""
        if len(node.value) > _DIGITS:
            raise _problem(f"a number of more than {_DIGITS} digits", node)
        kind = self.construct_yaml_int if node.tag.endswith("int") else self.construct_yaml_float
        number: int | float = kind(node)
        if ":" in node.value or re.match(r"[-+]?0[\d_]", node.value):
            raise _problem(f"{node.value} is {number} in YAML; write that, or text in quotes", node)
        return number

    def refuse_date(self, node: yaml.ScalarNode) -> None:
        raise _problem(f"{node.value} is a date in YAML; put it in quotes", node)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.refuse_date)


def _parts_of_node(node: yaml.Node) -> Iterable[yaml.Node] | str:
    if isinstance(node, yaml.MappingNode):
        return chain.from_iterable(node.value)
    parts: Iterable[yaml.Node] | str = node.value
    return parts


def _problem(what: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark)


def read_values(
    files: Sequence[str | os.PathLike[str]], given: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What files hold, YAML or JSON, and then values that were given beside them.

    Of two that have the same key the later one counts, within sections key by key.

    Raises:
        ConfigError: a file cannot be read, or has no keys at the top, or one of them twice; or it
            holds more than :mod:`lanzdml.config.extent` allows, or Python for Snakemake.
    """
    values: dict[str, Any] = {}
    for file in files:
        values = _merged(values, _without_code(_read(file), str(file)))
    return _merged(values, _without_code(given or {}, "--config"))


def _without_code(values: dict[str, Any], where: str) -> dict[str, Any]:
    if _CODE in values:
        raise ConfigError(f"{where}: {_CODE} is not allowed: a configuration holds no code")
    return values


def parse_given(arguments: Sequence[str]) -> dict[str, Any]:
    """The values of arguments ``KEY=VALUE`` as ``--config`` takes them, each of them YAML.

    Raises:
        ConfigError: a value is no YAML.
    """
    values: dict[str, Any] = {}
    for argument in arguments:
        key, _, text = argument.partition("=")
        values = _merged(values, {key: _parse(text, f"--config {key}", lines=False)})
    return values


def _merged(first: Any, second: Any) -> Any:
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second
    return first | {key: _merged(first.get(key), value) for key, value in second.items()}


def _read(file: str | os.PathLike[str]) -> dict[str, Any]:
    path = Path(file)
    if not os.path.exists(path):  # nor has a name that is too long
        raise ConfigError(f"there is no file {path}; --configfile names another one")
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe or a device, which is read only once"
        raise ConfigError(f"{path} is {kind}; a configuration is a file")
    try:
        with open(path, "rb") as opened:
            content = opened.read(BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > BYTES:
        raise ConfigError(
            f"{path} holds more than {BYTES // 2**10:,} KiB; long lists of prompts go into files "
            "of their own"
        )
    if words := mistaken(content):
        raise ConfigError(f"{path} is {words}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: is not in UTF-8; save it in UTF-8") from None
    values = _parse_json(text, path) if text.lstrip().startswith("{") else None
    values = _parse(text, str(path)) if values is None else values
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no keys; {_KEYS}")
    return values


def _parse_json(text: str, path: Path) -> Any:
    """None for YAML that begins as JSON does. As YAML, JSON may have no tabs."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if twice := repeated(key for key, _ in pairs):
            raise ConfigError(f"{path}: the key {min(twice)!r} is there twice")
        return dict(pairs)

    try:
        values = json.loads(text, object_pairs_hook=unique)
        check_extent(values, parts_of)
        return values
    except json.JSONDecodeError as error:
        if path.suffix.lower() != ".json":
            return None
        raise ConfigError(f"{path}, line {error.lineno}: is no JSON: {error.msg}") from None
    except (TooMuch, RecursionError, ValueError) as error:
        raise ConfigError(f"{path}: {_excess(error)}") from None


def _parse(text: str, where: str, *, lines: bool = True) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if lines and error.problem_mark else ""
        raise ConfigError(f"{where}{line}: {_words(error)}") from None
    except yaml.reader.ReaderError as error:
        line = f", line {text.count(chr(10), 0, error.position) + 1}" if lines else ""
        raise ConfigError(
            f"{where}{line}: U+{error.character:04X} is no character of text"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{where} is no YAML: {error}") from None
    except (TooMuch, RecursionError) as error:
        raise ConfigError(f"{where}: {_excess(error)}") from None


def _excess(error: Exception) -> str:
    if isinstance(error, TooMuch):
        return str(error)
    if isinstance(error, RecursionError):
        return "has too many brackets in brackets"
    return f"holds a number of more than {sys.get_int_max_str_digits():,} digits"


def _words(error: yaml.MarkedYAMLError) -> str:
    if error.context is None:
        return str(error.problem)
    begun, mark = error.context_mark, error.problem_mark
    since = f" from line {begun.line + 1} on" if begun and mark and begun.line < mark.line else ""
    advice = "; indent with blanks" if "'\\t'" in str(error.problem) else ""
    return f"{error.context}{since}, {error.problem}{advice}"
