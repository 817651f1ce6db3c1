"""What every script of the workflow has in common."""

import errno
import importlib.util
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Protocol, TextIO, TypeVar

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"

_FULL = "no space is left: make some and run again; what is complete is kept ({})"
_DENIED = "this may not be read or written; see whose it is and run again ({})"

# Jobs may run in conda environments, in which this library is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from lanzdml.names import spelled_out  # noqa: E402

T_co = TypeVar("T_co", covariant=True)


class Named(Protocol[T_co]):
    """What a rule gives by name."""

    def __getattr__(self, name: str) -> T_co: ...

    def get(self, name: str) -> T_co | None:
        """None where the rule gives nothing of this name."""


class Files(Named[Any], Protocol):
    """Paths in order; by name, one is a string and several are :class:`Files`."""

    def __getitem__(self, position: int) -> str: ...

    def __iter__(self) -> Iterator[str]: ...


class Job(Protocol):
    """What a script gets from Snakemake, which does not say what types it has."""

    input: Files
    output: Files
    log: Files
    rule: str
    params: Named[Any]
    resources: Named[Any]
    wildcards: Named[str]
    threads: int


class _Tee:
    """Writes to the terminal and to the job's log, which a full disk may end.

    What is no text, as names of files and labels can hold, is spelled out, so that it moves no
    cursor and hides nothing. A line may be written over if it was begun so: those are progress
    bars.
    """

    def __init__(self, terminal: TextIO, log: BinaryIO) -> None:
        self._terminal, self._log = terminal, log
        self._is_begun = self._is_bar = False

    def write(self, text: str) -> int:
        shown = "".join(map(self._shown, re.split("(\r\n|\r|\n)", text)))
        self._terminal.write(shown)
        self._terminal.flush()
        with suppress(OSError):
            self._log.write(shown.encode())
        return len(text)

    def _shown(self, part: str) -> str:
        """A line's end, or text within one."""
        if part in ("\n", "\r\n"):
            self._is_begun = self._is_bar = False
        elif part == "\r" and (self._is_bar or not self._is_begun):
            self._is_bar = True
        elif part:
            self._is_begun = True
            return "\t".join(map(spelled_out, part.split("\t")))
        return part

    def flush(self) -> None:
        self._terminal.flush()

    def isatty(self) -> bool:
        return self._terminal.isatty()


class _OneLine(logging.Formatter):
    """What is logged in one line, as it may quote somebody's names."""

    def format(self, record: logging.LogRecord) -> str:
        return spelled_out(super().format(record))


def run_as_script(
    main: Callable[[Job], None],
    names: Mapping[str, Any],
    *,
    least_threads: int = 1,
) -> None:
    """:func:`run` a script's ``main`` where Snakemake runs it; nothing where it is imported.

    Args:
        names: the script's globals, among which Snakemake puts the job as ``snakemake``.
    """
    if "snakemake" in names:
        run(main, names["snakemake"], least_threads=least_threads)


def run(main: Callable[[Job], None], snakemake: Job, *, least_threads: int = 1) -> None:
    """Run a script's ``main`` with its output in the job's log as well as on the terminal.

    Its numerical libraries use the threads that the rule claims: more would get in the way of other
    jobs, and sums would be rounded differently on machines with other numbers of cores. ``main``
    imports them itself, as they read the variables only once. Snakemake gives a job no more threads
    than there are cores; where the rule claims several, ``least_threads`` says that all are used,
    so that rounding does not depend on ``--cores``. Figures are drawn whatever the user has set up
    for matplotlib.

    An error that the user can mend ends the job with its message, and its traceback only with
    ``--verbose``. What a killed job was writing is deleted before.
    """
    from lanzdml.errors import error_lines, tracebacks_shown
    from lanzdml.files import delete_leftovers

    threads = max(least_threads, snakemake.threads)
    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    os.environ.pop("MPLBACKEND", None)
    # Torch would make it in the folder for temporary files, under a name that others know.
    os.environ.setdefault(CACHE_VARIABLE, os.path.abspath(".snakemake/torchinductor"))
    for output in snakemake.output:
        delete_leftovers(output)

    try:
        # Without a buffer, as closing would fail on what a full disk did not take.
        log = open(snakemake.log[0], "wb", buffering=0)  # noqa: SIM115, closed below
    except OSError as error:
        if (known := _known(error)) is None:
            raise
        sys.exit(error_lines(known))
    if logging.lastResort is not None:  # prints what has no handler
        logging.lastResort.setFormatter(_OneLine())
    with log:
        terminal = _Tee(sys.stderr, log)
        with redirect_stdout(terminal), redirect_stderr(terminal):
            try:
                with _imports_elsewhere():
                    main(snakemake)
            except Exception as error:
                known = _known(error)
                if known is None or tracebacks_shown():
                    traceback.print_exc()
                if known is not None:
                    # One write, unlike print's two: jobs that fail together share the terminal.
                    terminal.write(f"{error_lines(known)}\n")
                sys.exit(1)


def _known(error: Exception) -> Exception | str | None:
    """What is said of an error that the user can mend; None of a fault of ours."""
    from lanzdml.errors import LanzdmlError
    from lanzdml.files import is_full

    if isinstance(error, LanzdmlError):
        return error
    if is_full(error):
        return _FULL.format(error)
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _DENIED.format(error)
    return None


class _Elsewhere(MetaPathFinder):
    """Imports packages that look into the working folder as they start in another one: this.

    matplotlib reads a matplotlibrc there before any other; here it finds the one beside this
    module. A library that torch brings loads what it depends on from there, as its run path has an
    empty part. The folder is that of all threads, so those that import these begin later.
    """

    def __init__(self) -> None:
        self._names = {"matplotlib", "torch"}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in self._names or threading.active_count() > 1:
            return None
        self._names.remove(name)  # what is asked next is the finders behind this one
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_here(module: ModuleType) -> None:
                with chdir(Path(__file__).parent):
                    execute(module)

            spec.loader.exec_module = execute_here  # type: ignore[method-assign]
        return spec


@contextmanager
def _imports_elsewhere() -> Iterator[None]:
    finder = _Elsewhere()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
