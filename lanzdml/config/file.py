"""The file of a configuration: whether it can be read at all, before what it holds is looked at."""

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from lanzdml.config.messages import ConfigError


class _UniqueKeys(yaml.SafeLoader):
    """Of equal keys YAML's own takes the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key in brackets or braces; text with these needs quotes",
                    problem_mark=key.start_mark,
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def check_file(path: str | os.PathLike[str]) -> None:
    """Check that a file is YAML with keys at the top, none of them twice.

    Raises:
        ConfigError: it is not, or there is no such file.
    """
    try:
        values = yaml.load(Path(path).read_text(encoding="utf-8"), _UniqueKeys)
    except FileNotFoundError:
        raise ConfigError([f"there is no file {path}; --configfile names another one"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path} cannot be read: {error}"]) from None
    except yaml.MarkedYAMLError as error:
        line = f", line {mark.line + 1}" if (mark := error.problem_mark) else ""
        raise ConfigError([f"{path}{line}: {error.problem}"]) from None
    except (yaml.YAMLError, ValueError) as error:  # the latter of a date that does not exist
        raise ConfigError([f"{path} is no YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(values, dict):
        raise ConfigError([f"{path} holds no keys; docs/configuration.md explains them"])
