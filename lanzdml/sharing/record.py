"""What a folder of results says of itself: of which configuration it is, and what made it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded, write_text
from lanzdml.report.provenance import commit, versions

RECORD = "record.json"


class MadeBy(BaseModel):
    """What made a folder of results.

    Attributes:
        commit: of the code that collected the metrics; empty where it was no repository.
        dirty: whether files of that code differed from the commit.
        versions: of Python and packages, as :func:`lanzdml.report.provenance.versions`.
        date: when the metrics were collected.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    commit: str
    dirty: bool
    versions: dict[str, str]
    date: AwareDatetime


class Record(MadeBy):
    """Of a folder of results.

    Attributes:
        config: the resolved configuration, without the settings of the machine and nulls, so that
            :func:`lanzdml.config.config.parse_config` takes it.
    """

    config: dict[str, Any]


def write_record(path: Path, config: Mapping[str, Any]) -> None:
    """Write the record of metrics that have just been collected.

    Args:
        path: the record, in the folder of the results.
        config: the resolved configuration.
    """
    state, now = commit(), datetime.now(UTC).replace(microsecond=0)
    record = Record(
        config={**config}, commit=state.hash, dirty=state.dirty, versions={**versions()}, date=now
    )
    write_text(
        path, json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    )


def read_record(folder: Path) -> Record:
    """The record of a folder of results.

    Raises:
        LanzdmlError: there is none, or it is none.
    """
    path = folder / RECORD
    try:
        return Record.model_validate_json(read_bounded(path))
    except FileNotFoundError:
        raise LanzdmlError(
            f"{folder} has no {RECORD}: it is no folder of results, or one that is not complete or "
            "of an earlier version; run its workflow, which makes what is missing"
        ) from None
    except (OSError, ValidationError) as error:
        raise LanzdmlError(f"{path} cannot be read: {why(error)}; run the workflow anew") from None


def why(error: OSError | ValidationError) -> str:
    """Why a file was not what it should be: the first reason."""
    if isinstance(error, OSError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return ": ".join([*([".".join(map(str, first["loc"]))] if first["loc"] else []), first["msg"]])
