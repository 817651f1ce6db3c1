"""What finished jobs on this machine took beside what they were to take by the shipped rates."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lanzdml.errors import LanzdmlError
from lanzdml.estimate.planned import PlannedJob
from lanzdml.report.cost import used
from lanzdml.report.estimated import NAME, read_estimate

_FEWEST = 0.05  # a factor outside this and its inverse is of a file that says nothing
_ENOUGH = 1.0  # seconds: of less a kind of jobs says nothing of a machine


@dataclass
class Measured:
    """Seconds of a core that kinds of jobs took, and were to take.

    Attributes:
        took: by stage and kind, both sums.
        memory: the largest MiB that a job of a stage and kind held more than it was to.
        unread: files that cannot be read.
    """

    took: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    memory: dict[tuple[str, str], float] = field(default_factory=dict)
    unread: list[Path] = field(default_factory=list)
    n_jobs: int = 0

    def add(self, jobs: Iterable[Mapping[str, Any]], benchmarks: Path) -> None:
        """Jobs, as :func:`as_record` describes them, that were measured in a folder."""
        for job in jobs:
            path = benchmarks / f"{job['benchmark']}.tsv"
            if not job["benchmark"] or not path.is_file():
                continue
            try:
                spent = used(path, benchmarks)
            except (LanzdmlError, OSError):
                self.unread.append(path)
                continue
            key, seconds = (job["stage"], job["kind"]), job["seconds"]
            if math.isnan(spent["cpu"]) or seconds <= 0:
                continue
            taken, meant = self.took.get(key, (0.0, 0.0))
            self.took[key] = (taken + spent["cpu"], meant + seconds)
            self.n_jobs += 1
            if not math.isnan(spent["memory"]):
                more = spent["memory"] - job["memory"]
                self.memory[key] = max(self.memory.get(key, more), more)

    def factor(self, stage: str, kind: str) -> float:
        """How many times as long such jobs take here, by the most similar that were measured."""
        for keys in (
            [(stage, kind)],
            [key for key in self.took if key[0] == stage],
            [*self.took],
        ):
            sums = [self.took[key] for key in keys if key in self.took]
            taken, meant = (sum(pair) for pair in zip(*sums, strict=True)) if sums else (0, 0)
            if meant >= _ENOUGH and taken > 0:
                return min(max(taken / meant, _FEWEST), 1 / _FEWEST)
        return 1.0

    def is_known(self, stage: str, kind: str) -> bool:
        """Whether jobs of the very kind were measured."""
        return self.took.get((stage, kind), (0, 0))[1] >= _ENOUGH

    def held(self, job: PlannedJob) -> float:
        """MiB that a job is to hold."""
        return max(job.memory + self.memory.get((job.stage, job.kind), 0.0), 1.0)


def as_record(job: PlannedJob) -> dict[str, Any]:
    """What of a job is written down beside its estimate."""
    names = ("stage", "kind", "benchmark", "seconds", "memory")
    return {name: getattr(job, name) for name in names}


def measured_in(folders: Iterable[Path], own: Path, jobs: Iterable[PlannedJob]) -> Measured:
    """What was measured in folders of results.

    Args:
        folders: those that hold no estimate say nothing but for ``own``.
        own: that of the jobs, whether or not it holds one.
        jobs: of the run that is estimated.
    """
    found = Measured()
    for folder in dict.fromkeys(Path(folder).resolve() for folder in folders):
        try:
            records = [*read_estimate(folder).values()]
        except LanzdmlError:
            found.unread.append(folder / NAME)
            records = []
        if folder == own.resolve():
            known = {record["benchmark"] for record in records}
            records += [as_record(job) for job in jobs if job.benchmark not in known]
        found.add(records, folder / "benchmarks")
    return found
