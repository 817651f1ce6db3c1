"""Parts of a benchmark, each a process that is ended when its time is up.

What a part found is written at once, so that a run that is cut off leaves a file that says what is
missing.
"""

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.record import Record
from benchmarks.results import write_results


@dataclass(frozen=True)
class Found:
    """What a part found: in one line, how, and in full."""

    result: str
    text: str
    rows: list[dict[str, str]]


@dataclass(frozen=True)
class Part:
    """Something to measure.

    Attributes:
        title, goal: of its record; the goal is empty if it only measures.
        what: it measures.
        seconds: after which it is ended.
        work: measures it.
    """

    title: str
    goal: str
    what: str
    seconds: int
    work: Callable[[], Found]

    def record(self, found: Found) -> Record:
        """Of what it found."""
        return Record(self.title, self.goal, found.result, found.text, found.rows)

    def missing(self, why: str) -> Record:
        """Of nothing."""
        return Record(
            self.title, self.goal, f"not measured: {why}", f"To be measured: {self.what}.", []
        )


def measure_parts(parts: Mapping[str, Part], path: Path, head: str) -> None:
    """Measure parts one after another, and write a file anew after each.

    Args:
        parts: by the names of their records.
        path: of the file.
        head: its first lines.
    """
    for name, part in parts.items():
        part.missing("the run ended before").save(name)
    write_results(path, head, parts)
    for name, part in parts.items():
        print(f"{part.title}, {part.seconds} s at most ...", flush=True)
        record = _measured(part)
        print(record.result, flush=True)
        record.save(name)
        write_results(path, head, parts)


def _measured(part: Part) -> Record:
    """What a part finds in its time, or why there is nothing."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(part, sender))
    process.start()
    sender.close()
    assert process.pid is not None
    try:
        if not receiver.poll(part.seconds):
            return part.missing(f"it was not done after {part.seconds} s")
        record: Record = receiver.recv()
        return record
    except EOFError:
        return part.missing("its process was killed")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()


def _send(part: Part, sender: Connection) -> None:
    os.setsid()  # a group of its own: what it starts ends with it
    try:
        record = part.record(part.work())
    except Exception as error:
        traceback.print_exc()
        record = part.missing(f"{type(error).__name__}: {error}")
    sender.send(record)
