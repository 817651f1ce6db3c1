"""Which folders a merged one is of, and what made them: ``merged.json``."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded, write_text
from lanzdml.sharing.record import MadeBy, why

MERGED = "merged.json"


class Part(MadeBy):
    """One of the folders, and what made it.

    Attributes:
        folder: its name.
        datasets, models: from its own names to those of the merged folder.
        parts: those of which it was merged itself.
    """

    folder: str
    datasets: dict[str, str]
    models: dict[str, str]
    parts: "list[Part]" = Field(default_factory=list)


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
        raise LanzdmlError(
            f"{path} cannot be read: {why(error)}; merge anew, or delete it, and nothing tells any "
            "more what the folder was merged of"
        ) from None
