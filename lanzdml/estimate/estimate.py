"""The estimate of a run: its jobs, what they will take here, and what nobody knows of it."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lanzdml.estimate.downloads import Downloads, downloads
from lanzdml.estimate.jobs import JobList
from lanzdml.estimate.measured import Measured, measured_in
from lanzdml.estimate.planned import PlannedJob
from lanzdml.estimate.rates import Rates, rates
from lanzdml.estimate.schedule import Schedule, schedule
from lanzdml.estimate.sizes import Sizes
from lanzdml.plan import Plan

DEFAULT = Path("results")
"""Where the default configuration's results lie."""


@dataclass(frozen=True)
class Row:
    """Jobs of a kind: how many, core seconds, MiB of the largest, bytes written."""

    stage: str
    kind: str
    jobs: int
    seconds: float
    memory: float
    disk: float
    is_measured: bool


@dataclass
class Estimate:
    """Of a plan.

    Attributes:
        jobs: all of them.
        left: those whose outputs are not all there.
        measured: what finished jobs took.
        assumed: what is not known, in words.
    """

    plan: Plan
    jobs: list[PlannedJob]
    left: list[PlannedJob]
    measured: Measured
    assumed: list[str] = field(default_factory=list)

    def seconds(self, job: PlannedJob) -> float:
        """Of a core, here."""
        return job.seconds * self.measured.factor(job.stage, job.kind)

    @property
    def total(self) -> float:
        """Core seconds of all that is left."""
        return sum(map(self.seconds, self.left))

    @property
    def disk(self) -> float:
        """Bytes that are still to be written."""
        return sum(job.disk for job in self.left)

    @property
    def images(self) -> int:
        """How many are still to be embedded, each model's by itself."""
        return sum(job.images for job in self.left)

    def on(self, cores: int) -> Schedule:
        """How it goes on some cores."""
        seconds = {place: self.seconds(job) for place, job in enumerate(self.left)}
        memory = [self.measured.held(job) for job in self.left]
        return schedule(self.left, seconds, memory, cores)

    @property
    def longest(self) -> PlannedJob | None:
        """The job that takes longest, which no number of cores makes shorter."""
        return max(self.left, key=lambda job: self.seconds(job) / job.threads, default=None)

    @cached_property
    def downloads(self) -> Downloads:
        """What is still to be fetched."""
        return downloads(self.plan, {path for job in self.left for path in job.outputs})

    def rows(self) -> list[Row]:
        """What is left by stage and kind, in the order of the work."""
        kinds: dict[tuple[str, str], list[PlannedJob]] = {}
        for job in self.left:
            kinds.setdefault((job.stage, job.kind), []).append(job)
        return [
            Row(
                stage, kind, len(jobs), sum(map(self.seconds, jobs)),
                max(map(self.measured.held, jobs)), sum(job.disk for job in jobs),
                self.measured.is_known(stage, kind),
            )
            for (stage, kind), jobs in kinds.items()
        ]  # fmt: skip


def estimate(
    plan: Plan, folders: Iterable[Path] = (DEFAULT,), *, of: Rates | None = None
) -> Estimate:
    """What a plan will take here. Nothing is started, and no data has to be there.

    Args:
        plan: of a configuration.
        folders: of results, whose jobs say how long this machine takes, beside the plan's own; of
            others only such as hold the estimate that was written when they were made.
        of: rates; those that come with the library unless given.
    """
    sizes, own = Sizes(plan), Path(plan.config.results)
    jobs = [*JobList(plan, sizes, of or rates())]
    left = [job for job in jobs if not job.is_done]
    measured = measured_in([own, *folders], own, jobs)
    return Estimate(plan, jobs, left, measured, [*sizes.assumed])


def free_space(folder: Path) -> int:
    """Bytes that are free where a folder is, or will be."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free
