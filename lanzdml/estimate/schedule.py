"""How long jobs take on some cores: they are played through as a run would start them."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lanzdml.estimate.planned import PlannedJob


@dataclass(frozen=True)
class Schedule:
    """A run as it would go.

    Attributes:
        seconds: until the last job ends.
        memory: MiB that the jobs side by side hold at most.
    """

    seconds: float
    memory: float


def schedule(
    jobs: Sequence[PlannedJob], seconds: Mapping[int, float], memory: Sequence[float], cores: int
) -> Schedule:
    """Whatever could start does, the longest first, as long as there are cores.

    No order is known to be best; this one takes no more than twice what the best does (Graham,
    1969), and is near it where jobs are many.

    Args:
        jobs: to be done; what they need of others is there.
        seconds: of a core that each takes, by its place in ``jobs``.
        memory: MiB that each holds.
        cores: how many there are.
    """
    makes = {path: place for place, job in enumerate(jobs) for path in job.outputs}
    waits = [{makes[path] for path in job.inputs if path in makes} for job in jobs]
    wanted_by: dict[int, list[int]] = {}
    for place, before in enumerate(waits):
        before.discard(place)
        for other in before:
            wanted_by.setdefault(other, []).append(place)
    claims = [min(job.threads, cores) for job in jobs]
    lasts = [seconds[place] / claims[place] for place in range(len(jobs))]
    ready = [(-lasts[place], place) for place, before in enumerate(waits) if not before]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    free, held, most = cores, 0.0, 0.0
    while ready or running:
        wide: list[tuple[float, int]] = []
        while ready and free:
            item = heapq.heappop(ready)
            place = item[1]
            if claims[place] > free:
                wide.append(item)
                continue
            free -= claims[place]
            held += memory[place]
            heapq.heappush(running, (now + lasts[place], place))
        for item in wide:
            heapq.heappush(ready, item)
        most = max(most, held)
        now, place = heapq.heappop(running)
        free += claims[place]
        held -= memory[place]
        for other in wanted_by.get(place, ()):
            waits[other].discard(place)
            if not waits[other]:
                heapq.heappush(ready, (-lasts[other], other))
    assert not any(waits), "jobs wait for each other"
    return Schedule(now, most)
