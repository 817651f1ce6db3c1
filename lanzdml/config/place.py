"""Where results may lie, so that nothing but results is written over.

A configuration of somebody else's may name any folder, and a folder of results that was received
may hold links to any.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from lanzdml.config.owner import RECORD
from lanzdml.errors import LanzdmlError
from lanzdml.files import check_stays

# Snakemake's records have names a third longer than a result's path, and paths end at 4,096.
_LONGEST = 1024
GIVEN = "given"
"""The folder of merged results (docs/sharing.md) that holds what is given; no job writes there."""
_OF_TOOLS = {".git", ".snakemake"}
_OF_EMPTY_FOLDERS = {".gitkeep", ".gitignore", ".DS_Store"}


def check_place(
    folder: str | os.PathLike[str], *, elsewhere: bool, apart: Sequence[str | os.PathLike[str]]
) -> None:
    """Raise unless a folder, wherever links lead, is for results only.

    Args:
        folder: for results; it need not be there.
        elsewhere: whether it may be outside of the working folder.
        apart: files and folders that it must not hold, such as those of the datasets.

    Raises:
        LanzdmlError: it is the working folder, or holds it or what is to be apart, or what tools
            keep; or it is outside and may not be; or it holds what no configuration recorded.
    """
    place, here = os.path.realpath(folder), os.path.realpath(os.curdir)
    if len(os.fsencode(place)) > _LONGEST:
        raise LanzdmlError(
            f"results: the path has more than {_LONGEST:,} bytes; name another folder"
        )
    name = f"results: {folder}"
    if os.path.abspath(folder) != place:
        name += f" leads to {place}, which"
    for path in (here, *apart):
        real = Path(os.path.realpath(path))
        if real.is_relative_to(place) and not real.is_relative_to(Path(place, GIVEN)):
            held = "the working folder" if path == here else path
            raise LanzdmlError(
                f"{name} is or holds {held}; name a folder for nothing else, such as results/mine"
            )
    if taken := _OF_TOOLS & set(Path(os.path.relpath(place, here)).parts):
        raise LanzdmlError(f"{name} is in {min(taken)}; name another folder")
    if not elsewhere and not Path(place).is_relative_to(here):
        raise LanzdmlError(
            f"{name} is outside of the working folder; if that is meant, say "
            "results_elsewhere: true"
        )
    if (stranger := _unrecorded(place)) is not None:
        record = Path(folder, RECORD)
        raise LanzdmlError(
            f"{name} holds {os.path.relpath(stranger, place)}, of which no run made a record; name "
            f"a folder for results only, or, if it is one, make an empty file {record}"
        )


def _unrecorded(folder: str) -> str | None:
    """A file in a folder that, as all between them, has no record of whose results it holds."""
    folders = [folder]
    while folders:
        entries = _entries(folders.pop())
        # What a killed process was writing in place of the record ends in its name.
        if any(entry.name.endswith(RECORD) for entry in entries):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.name not in _OF_EMPTY_FOLDERS:
                return entry.path
    return None


def check_links(folder: str | os.PathLike[str]) -> None:
    """Raise for what is in a folder of results and is written through to elsewhere.

    Hard links, as :class:`lanzdml.files.Kept` makes them, are not.

    Raises:
        LanzdmlError: there is a link to something outside, a pipe or a device; or a folder that
            cannot be looked into.
    """
    folders = [os.fspath(folder)]
    while folders:
        for entry in _entries(folders.pop()):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_symlink():
                check_stays(Path(entry.path), Path(folder))
            elif not entry.is_file(follow_symlinks=False):
                raise LanzdmlError(f"{entry.path} is a pipe or a device and no result; delete it")


def _entries(folder: str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):  # not made yet, or a file: told elsewhere
        return []
    except OSError as error:  # what is in it would be followed nevertheless
        raise LanzdmlError(f"{folder} cannot be listed: {error.strerror}") from None
