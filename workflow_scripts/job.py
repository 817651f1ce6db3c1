"""What every script of the workflow has in common."""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# Jobs may run in conda environments, in which this library is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


class _Tee:
    """Writes to the terminal and to the job's log."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def write(self, text: str) -> None:
        for stream in self._streams:
            stream.write(text)
            stream.flush()

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()

    def isatty(self) -> bool:
        return self._streams[0].isatty()


def run(main: Callable[[Any], None], snakemake: SimpleNamespace | Any) -> None:
    """Run a script's ``main`` with its output in the job's log as well as on the terminal.

    Its numerical libraries use the threads that the rule claims: more would get in the way of other
    jobs, and sums would be rounded differently on machines with other numbers of cores. ``main``
    imports them itself, as they read the variables only once.

    An error that the user can mend ends the job with its message and no traceback.
    """
    from lanzdml.errors import LanzdmlError

    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(snakemake.threads))

    with open(snakemake.log[0], "w", encoding="utf-8") as log:
        terminal = _Tee(sys.stderr, log)
        with redirect_stdout(terminal), redirect_stderr(terminal):
            try:
                main(snakemake)
            except LanzdmlError as error:
                # One write, unlike print's two: jobs that fail together share the terminal.
                terminal.write(f"Error: {error}\n")
                sys.exit(1)
            except Exception:
                traceback.print_exc()
                sys.exit(1)
