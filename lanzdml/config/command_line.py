"""The files that a command line of Snakemake names, looked at before Snakemake reads them.

The profile ``profiles/default`` calls this.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from lanzdml.config.file import read_values
from lanzdml.config.messages import ConfigError
from lanzdml.errors import plain_errors

_OPTION, _SHORTEST = "--configfiles", "--configf"  # it may be cut between the two
_SUFFIXES = (".yaml", ".yml", ".json")


def check_files(arguments: Sequence[str]) -> None:
    """End the process with a line that begins with ``Error:`` if a configuration cannot be read.

    Args:
        arguments: of Snakemake.
    """
    with plain_errors():
        files = configuration_files(arguments)
        for file in files[1:]:
            if Path(file).suffix not in _SUFFIXES or not os.path.isfile(file):
                raise ConfigError(
                    f"{file} is no file of a configuration, for which --configfile takes all that "
                    "follows; targets come before it"
                )
        read_values(files)


def configuration_files(arguments: Sequence[str]) -> list[str]:
    """What Snakemake takes for files of the configuration: all up to the next option."""
    files: list[str] = []
    taking = False
    for argument in arguments:
        option, _, value = argument.partition("=")
        if argument.startswith("-"):
            named = _OPTION.startswith(option) and option.startswith(_SHORTEST)
            files += [value] if named and value else []
            taking = named and not value
        elif taking:
            files.append(argument)
    return files
