"""What a folder of results says of itself: of which configuration it is, and what made it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded, write_text
from lanzdml.report.provenance import commit, versions

RECORD = "record.json"


@dataclass(frozen=True)
class Record:
    """Of a folder of results.

    Attributes:
        config: the resolved configuration, without the settings of the machine and nulls, so that
            :func:`lanzdml.config.config.parse_config` takes it.
        commit: of the code that collected the metrics; empty where it was no repository.
        dirty: whether files of that code differed from the commit.
        versions: of Python and packages, as :func:`lanzdml.report.provenance.versions`.
        date: when the metrics were collected, ISO 8601 in UTC.
    """

    config: Mapping[str, Any]
    commit: str
    dirty: bool
    versions: Mapping[str, str]
    date: str


_TYPES = {"config": dict, "commit": str, "dirty": bool, "versions": dict, "date": str}


def write_record(path: Path, config: Mapping[str, Any]) -> None:
    """Write the record of metrics that have just been collected.

    Args:
        path: the record, in the folder of the results.
        config: the resolved configuration.
    """
    state, now = commit(), datetime.now(UTC).isoformat(timespec="seconds")
    record = Record(config, state.hash, state.dirty, versions(), now)
    write_text(path, json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n")


def read_record(folder: Path) -> Record:
    """The record of a folder of results.

    Raises:
        LanzdmlError: there is none, or it is none.
    """
    path = folder / RECORD
    try:
        told = json.loads(read_bounded(path))
    except FileNotFoundError:
        raise LanzdmlError(
            f"{folder} has no {RECORD}: it is no folder of results, or one that is not complete or "
            "of an earlier version; run its workflow, which makes what is missing"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise LanzdmlError(f"{path} cannot be read: {error}; run the workflow anew") from None
    for name, type_ in _TYPES.items():
        if not isinstance(told, dict) or not isinstance(told.get(name), type_):
            raise LanzdmlError(f"{path} is no record: it has no {name!r}; run the workflow anew")
    try:
        datetime.fromisoformat(told["date"])
    except ValueError:
        raise LanzdmlError(f"{path}: date is {told['date']!r}, which is none") from None
    values = {str(name): str(version) for name, version in told["versions"].items()}
    return Record(**{name: told[name] for name in _TYPES} | {"versions": values})
