"""A job of a run, with what it will take, and how one is made of sizes and rates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lanzdml.estimate.rates import Rates
from lanzdml.estimate.sizes import Sizes
from lanzdml.estimate.work import Effort, Work
from lanzdml.plan import Plan

MIB = 2**20
NOTHING = Effort()


@dataclass(frozen=True)
class PlannedJob:
    """A job, with what it takes of a core of the machine of :mod:`lanzdml.estimate.rates`.

    Attributes:
        stage, kind: of its work. Jobs that have both in common take another machine as many times
            as long.
        outputs, inputs: files.
        seconds: of a core.
        memory: MiB that it holds at most.
        disk: bytes that it writes.
        threads: cores that it fills.
        images: how many it embeds, which a GPU may do.
        benchmark: where its time is measured, below the folder of benchmarks; empty if it is not.
    """

    stage: str
    kind: str
    outputs: Sequence[str]
    inputs: Sequence[str]
    seconds: float
    memory: float
    disk: float
    threads: int = 1
    images: int = 0
    benchmark: str = ""

    @property
    def is_done(self) -> bool:
        """Whether all that it makes is there."""
        return all(Path(path).exists() for path in self.outputs)


class Planner:
    """Makes jobs of a plan.

    Args:
        plan: of the configuration.
        sizes: of its data.
        rates: what single things take.
    """

    def __init__(self, plan: Plan, sizes: Sizes, rates: Rates) -> None:
        self._plan, self._sizes, self._rates = plan, sizes, rates
        self._paths, self._work = plan.paths, Work(sizes, rates)

    def _job(
        self, stage: str, kind: str, start: str, outputs: Sequence[str], inputs: Iterable[str],
        effort: Effort = NOTHING, *, threads: int = 1, images: int = 0, benchmark: str = "",
    ) -> PlannedJob:  # fmt: skip
        """A job whose process starts as those called ``start``."""
        return PlannedJob(
            stage, kind, outputs, [*inputs],
            seconds=self._rates.start[start] + effort.seconds,
            memory=self._rates.memory[start] + effort.data / MIB,
            disk=effort.disk, threads=threads, images=images, benchmark=benchmark,
        )  # fmt: skip

    def _at(self, output: str) -> str:
        """Where a job is measured that is so by the path of its output."""
        return output.removeprefix(self._paths.at("")).rpartition(".")[0]
