"""Whose results lie in a folder: those of one configuration, so that no other overwrites them."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lanzdml.errors import LanzdmlError
from lanzdml.files import write_text

RECORD = "configuration.txt"
_RESOLVED = "# paths from this folder, links resolved"
_GIVEN = "--config "
# Where results lie and on what machine they are made changes none of them.
_NO_MATTER = ("results", "results_elsewhere", "embeddings", "limits")


def check_writable(folder: Path) -> None:
    """Raise where results could not be written; Snakemake would fail with a traceback.

    Args:
        folder: for results; it need not be there.

    Raises:
        LanzdmlError: the folder, or that in which it would be made, is no folder or is read-only;
            or the working directory is, in which Snakemake writes what it has done.
    """
    if reason := _refusal(folder):
        raise _unwritable(folder, reason)
    if reason := _refusal(Path(".snakemake")):
        raise LanzdmlError(
            f"Snakemake cannot write its records to .snakemake: {reason}; run in another folder, "
            "as by --directory"
        )


def _refusal(folder: Path) -> str | None:
    """Why a folder cannot be made or written to."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if there.is_symlink() and not there.exists():
        return f"{there} is a link to {os.readlink(there)}, which is not there"
    if not there.is_dir():
        return f"{there} is a file"
    return None if os.access(there, os.W_OK) else f"{there} is read-only"


def record_owner(
    folder: Path,
    configuration: Sequence[str | os.PathLike[str]],
    given: Mapping[str, Any] | None = None,
) -> None:
    """Record that a folder holds the results of a configuration, before any are written.

    Folder and files are what links lead to: however one comes to them, they are the same.

    Args:
        folder: for results; it need not be there.
        configuration: its files, relative to the working directory.
        given: values given in place of theirs, on the command line.

    Raises:
        LanzdmlError: it holds those of other files or values, or cannot be written.
    """
    record = folder / RECORD
    ours = [os.path.realpath(path) for path in configuration]
    if values := {key: value for key, value in (given or {}).items() if key not in _NO_MATTER}:
        ours.append(f"{_GIVEN}{json.dumps(values, sort_keys=True)}")
    # Relative to the folder, so that a project can be moved with its results.
    text = "".join(f"{line}\n" for line in (_RESOLVED, *_relative(ours, os.path.realpath(folder))))
    try:
        recorded = record.read_text(encoding="utf-8") if record.exists() else ""
        theirs = _owners(folder, recorded) if recorded else ours
        if theirs == ours and recorded != text:
            write_text(record, text)
    except (OSError, ValueError) as error:
        raise _unwritable(folder, getattr(error, "strerror", None) or str(error)) from None
    if theirs != ours:
        raise LanzdmlError(
            f"results: {folder} holds results of {_listed(theirs)}; name another folder "
            f"in {_listed(ours)}, or empty {record} to go on with them"
        )


def _owners(folder: Path, recorded: str) -> list[str]:
    """The files that a record names, without links, and the values of the command line."""
    first, *rest = recorded.splitlines()
    if first == _RESOLVED:
        start = os.path.realpath(folder)
    else:
        # Earlier records are relative to the name that the folder was called by, which may be a
        # link.
        start, rest = os.path.abspath(folder), [first, *rest]
    return [
        line
        if line.startswith(_GIVEN)
        else os.path.realpath(os.path.normpath(os.path.join(start, line)))
        for line in rest
    ]


def _relative(lines: Sequence[str], start: str) -> list[str]:
    return [line if line.startswith(_GIVEN) else os.path.relpath(line, start) for line in lines]


def _unwritable(folder: Path, reason: str) -> LanzdmlError:
    return LanzdmlError(f"results: {folder} cannot be written: {reason}; name another folder")


def _listed(lines: Sequence[str]) -> str:
    return " and ".join(_relative(lines, os.path.realpath(os.curdir)))
