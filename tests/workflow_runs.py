"""Runs of the workflow that start at once: each is a process forked from one that has imported all.

Most of the time that ``python -m snakemake`` takes to start goes to imports, and so does most of
that of a small job. A server, which the first run starts and which ends with the process of the
tests, makes them once, but for those of this library, as a run may be of a copy. It forks for each
run and, where this is asked for, each job. What is not as in a process of its own: Python and the
packages have started already, so that what they read only then, such as sitecustomize.py, counts
for jobs alone that are not forked. Those that are have their number of threads set.
"""

import atexit
import gc
import json
import multiprocessing
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from functools import cache

ENVIRONMENT = dict(os.environ)  # of the server: no test has changed it yet


def run_workflow(folder, arguments, *, stand_in=False, forked_jobs=False):
    """Exit code and output, first all of stdout, of ``python -m snakemake`` in a folder.

    Args:
        stand_in: jobs are those of stand_in.py, with ``--touch``.
        forked_jobs: processes of jobs are forked, too.
    """
    kind = "stand_in" if stand_in else "forked_jobs" if forked_jobs else "workflow"
    printed = tempfile.TemporaryFile
    with open(os.devnull) as nothing, printed("w+") as stdout, printed("w+") as stderr:
        code = ask(_server(), kind, folder, arguments, [nothing, stdout, stderr])
        return code, "".join(file.seek(0) or file.read() for file in (stdout, stderr))


def ask(address, kind, folder, arguments, files):
    """Exit code of what the server forks: its standard files are the given ones."""
    request = {
        "kind": kind, "folder": str(folder), "arguments": [str(argument) for argument in arguments],
        "environment": dict(os.environ),
    }  # fmt: skip
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [b"\n"], [file.fileno() for file in files])
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        return int(connection.makefile().read())


@cache
def _server():
    """Address of the server, which has started."""
    folder = tempfile.TemporaryDirectory()
    address = os.path.join(folder.name, "socket")
    process = subprocess.Popen(
        [sys.executable, __file__, "serve", address], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    process.stdout.readline()
    atexit.register(folder.cleanup)
    atexit.register(process.communicate)  # comes first
    return address


def serve(address):
    """Answer each request with the exit code of its run, until the standard input ends."""
    import select

    import numpy  # noqa: F401, what the Snakefile imports
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import pydantic  # noqa: F401
    import sklearn.base  # noqa: F401
    import snakemake.cli  # noqa: F401
    import stand_in  # noqa: F401
    import yaml  # noqa: F401

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        answering = set()
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                _, files, *_ = socket.recv_fds(connection, 1, 3)
                request = json.loads(connection.makefile().read())
                if request["kind"] == "job":
                    import_what_jobs_do()
                gc.freeze()  # what is there is what stays
                if (child := os.fork()) == 0:
                    answer(connection, files, address=address, **request)
            answering.add(child)
            for file in files:
                os.close(file)
            answering = {child for child in answering if not os.waitpid(child, os.WNOHANG)[0]}
    for child in answering:
        os.waitpid(child, 0)
    os._exit(0)


def answer(connection, files, **request):
    """Tell how a process ended that is one more fork.

    It stops without the interpreter's tidying up, which is slow where much has been imported.
    """
    process = multiprocessing.get_context("fork").Process(
        target=become, args=(files,), kwargs=request
    )
    process.start()
    process.join()
    connection.sendall(b"%d" % process.exitcode)
    os._exit(0)


def become(files, kind, address, folder, arguments, environment):
    """What the request asks for, in this process."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None  # that of TMPDIR
    given = environment.get("PYTHONPATH")
    sys.path[:1] = given.split(os.pathsep) if given else ()
    try:
        if kind == "job":
            run_job(*arguments)
        else:
            run_snakemake(kind, address, arguments)
    finally:
        atexit._run_exitfuncs()


def run_snakemake(kind, address, arguments):
    """What ``python -m snakemake`` would be, in this process."""
    import stand_in
    from snakemake.cli import main

    if kind == "stand_in":
        stand_in.take_over()
    if kind == "forked_jobs":  # Snakemake puts this before the name of a job's script
        sys.executable = shlex.join([sys.executable, "-IS", __file__, "job", address])
    sys.argv = ["snakemake", *arguments]
    sys.path.insert(0, os.getcwd())
    main(arguments)


def import_what_jobs_do():
    """What takes longest of it."""
    import latex2mathml.converter  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import open_clip  # noqa: F401
    import safetensors.torch  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.cluster
    import sklearn.decomposition  # noqa: F401
    import torch  # noqa: F401
    import trimap  # noqa: F401


def run_job(script):
    """What ``python script`` would be, in this process."""
    import runpy

    import threadpoolctl
    import torch

    threads = int(os.environ["OMP_NUM_THREADS"])
    threadpoolctl.threadpool_limits(threads)
    torch.set_num_threads(threads)
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    if what == "serve":
        serve(*given)
    else:
        address, *arguments = given
        standard = sys.stdin, sys.stdout, sys.stderr
        code = ask(address, "job", os.getcwd(), arguments, standard)
        sys.exit(code if code >= 0 else 128 - code)
