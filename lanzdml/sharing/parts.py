"""Which folders a merged one is of, and what made them: ``merged.json``."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded, write_text

MERGED = "merged.json"


class Part(BaseModel):
    """One of the folders.

    Attributes:
        folder: its name.
        commit, dirty, versions, date: as of :class:`lanzdml.sharing.record.Record`.
        datasets, models: from its own names to those of the merged folder.
        parts: those of which it was merged itself.
    """

    model_config = ConfigDict(frozen=True)

    folder: str
    commit: str
    dirty: bool
    versions: Mapping[str, str]
    date: datetime
    datasets: Mapping[str, str]
    models: Mapping[str, str]
    parts: "Sequence[Part]" = ()


_PARTS = TypeAdapter(list[Part])


def write_parts(folder: Path, parts: Sequence[Part]) -> None:
    """Write them into a merged folder."""
    told = [part.model_dump(mode="json") for part in parts]
    write_text(folder / MERGED, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def read_parts(folder: Path) -> list[Part]:
    """What a folder of results was merged of; nothing where it was not.

    Raises:
        LanzdmlError: its file is none of ours.
    """
    path = folder / MERGED
    try:
        return _PARTS.validate_json(read_bounded(path))
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise LanzdmlError(
            f"{path} cannot be read: {reason}; merge anew, or delete it, and nothing tells any "
            "more what the folder was merged of"
        ) from None
