"""Attacks run in a process of their own, which may take so much of the machine and no more."""

import multiprocessing
import resource
import traceback
from dataclasses import dataclass
from pathlib import Path

import pytest

from lanzdml.errors import LanzdmlError

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["numpy", "pandas", "pyarrow.parquet", "PIL.Image"])
GIB = 2**30


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        value: returned.
        error: the message of a LanzdmlError in its place.
    """

    value: object = None
    error: str | None = None


def attack(function, *arguments, cpu_seconds=20, gib=1.0):
    """Call a function of a module in a process; the test fails where it takes too much.

    Args:
        function: and its arguments are pickled, and so is what it returns.
        cpu_seconds: of the processor, whatever else runs beside it.
        gib: GiB of memory beside what its imports take.
    """
    receive, send = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_run, args=(send, cpu_seconds, gib, function, arguments))
    process.start()
    send.close()
    try:
        outcome = receive.recv()
    except EOFError:
        outcome = None
    process.join()
    if outcome is None:
        pytest.fail(f"it was ended by signal {-process.exitcode}: {cpu_seconds} s are its limit")
    if isinstance(outcome, str):
        pytest.fail(outcome)
    return outcome


def _run(send, cpu_seconds, gib, function, arguments):
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = taken + int(gib * GIB)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        send.send(Outcome(value=function(*arguments)))
    except LanzdmlError as error:
        send.send(Outcome(error=str(error)))
    except BaseException:  # a MemoryError, above all
        send.send(traceback.format_exc())
