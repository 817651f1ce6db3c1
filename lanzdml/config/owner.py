"""Whose results lie in a folder: those of one configuration, so that no other overwrites them."""

import os
from collections.abc import Sequence
from pathlib import Path

from lanzdml.errors import LanzdmlError
from lanzdml.files import write_text

RECORD = "configuration.txt"
_RESOLVED = "# paths from this folder, links resolved"


def check_writable(folder: Path) -> None:
    """Raise where results could not be written; Snakemake would fail with a traceback.

    Args:
        folder: for results; it need not be there.

    Raises:
        LanzdmlError: the folder, or that in which it would be made, is no folder or is read-only.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.exists(path))
    if not there.is_dir():
        raise _unwritable(folder, f"{there} is a file")
    if not os.access(there, os.W_OK):
        raise _unwritable(folder, f"{there} is read-only")


def record_owner(folder: Path, configuration: Sequence[str | os.PathLike[str]]) -> None:
    """Record that a folder holds the results of a configuration, before any are written.

    Folder and files are what links lead to: however one comes to them, they are the same.

    Args:
        folder: for results; it need not be there.
        configuration: its files, relative to the working directory.

    Raises:
        LanzdmlError: it holds those of other files, or cannot be written.
    """
    record = folder / RECORD
    ours = [os.path.realpath(path) for path in configuration]
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
            f"in {_listed(ours)}, or delete {record} to go on with them"
        )


def _owners(folder: Path, recorded: str) -> list[str]:
    """The files that a record names, without links."""
    first, *rest = recorded.splitlines()
    if first == _RESOLVED:
        return [os.path.realpath(Path(os.path.realpath(folder), line)) for line in rest]
    # Earlier records are relative to the name that the folder was called by, which may be a link.
    named = (os.path.normpath(Path(os.path.abspath(folder), line)) for line in (first, *rest))
    return [os.path.realpath(path) for path in named]


def _relative(paths: Sequence[str], start: str) -> list[str]:
    return [os.path.relpath(path, start) for path in paths]


def _unwritable(folder: Path, reason: str) -> LanzdmlError:
    return LanzdmlError(f"results: {folder} cannot be written: {reason}; name another folder")


def _listed(paths: Sequence[str]) -> str:
    return " and ".join(_relative(paths, os.path.realpath(os.curdir)))
