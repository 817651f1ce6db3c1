"""What a benchmark found, stored until results.md is written."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date

from benchmarks.machine import facts
from lanzdml.sources import ROOT

FOLDER = ROOT / "benchmarks/records"


@dataclass(frozen=True)
class Record:
    """A benchmark's result: in one line beside its goal, and in full."""

    title: str
    goal: str
    """What it should reach; empty if it only measures."""
    result: str
    text: str
    rows: list[dict[str, str]]
    day: str = field(default_factory=lambda: date.today().isoformat())
    machine: dict[str, str] = field(default_factory=facts)

    def save(self, name: str) -> None:
        """Store it for :func:`load`."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.json").write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def load(name: str) -> Record | None:
    """What a benchmark found last; None if it never ran."""
    path = FOLDER / f"{name}.json"
    return Record(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
