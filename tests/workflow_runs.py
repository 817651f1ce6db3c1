"""Runs of the workflow that start at once: each is a process forked from one that has imported all.

Most of the time that ``python -m snakemake`` takes to start goes to imports. A server, which the
first run starts and which ends with the process of the tests, makes them once, but for those of
this library, as a run may be of a copy. It forks for each run; the run's jobs are processes as
ever. What is not as in a process of its own: Python has started already, so that what it reads
only then, such as sitecustomize.py, counts for jobs alone.
"""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ENVIRONMENT = dict(os.environ)  # of the server: no test has changed it yet


def run_workflow(folder, arguments, *, stand_in=False):
    """Exit code and output, first all of stdout, of ``python -m snakemake`` in a folder.

    Args:
        stand_in: jobs are those of stand_in.py, with ``--touch``.
    """
    server = _server()
    with tempfile.TemporaryDirectory() as printed:
        files = [os.path.join(printed, name) for name in ("stdout", "stderr")]
        request = {
            "folder": str(folder), "arguments": [str(argument) for argument in arguments],
            "environment": dict(os.environ), "files": files, "stand_in": stand_in,
        }  # fmt: skip
        print(json.dumps(request), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        return code, "".join(Path(file).read_text() for file in files)


@cache
def _server():
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=ENVIRONMENT,
    )  # fmt: skip
    atexit.register(process.communicate)
    return process


def serve():
    """Answer each request, a line, with the exit code of its run, another line."""
    import numpy  # noqa: F401, what the Snakefile imports
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import pydantic  # noqa: F401
    import sklearn.base  # noqa: F401
    import stand_in
    import yaml  # noqa: F401
    from snakemake.cli import main

    for line in sys.stdin:
        if (child := os.fork()) == 0:
            request = json.loads(line)
            become(**request)
            if request["stand_in"]:
                stand_in.take_over()
            main(request["arguments"])  # and the process ends as any other does
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(folder, arguments, environment, files, **_):
    """What ``python -m snakemake`` would be, in this process."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, file in enumerate((os.devnull, *files)):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.argv = ["snakemake", *arguments]
    given = environment.get("PYTHONPATH")
    sys.path[:1] = [os.getcwd(), *(given.split(os.pathsep) if given else ())]
    tempfile.tempdir = None  # that of TMPDIR


if __name__ == "__main__":
    serve()
