"""Runs of the workflow in which each job only writes down what it was given, in milliseconds.

Rules, inputs and parameters are those of the workflow, and so is what a run makes anew and what it
leaves. What stands in for a result is a digest of the job's parameters and of what its inputs hold.
Each run is a process of its own, forked from this one, which has imported what takes long.

Usage: stand_in.py < RUNS > OUTPUTS, both JSON: a list of pairs of a folder and Snakemake's
arguments, and a list of what was printed.
"""

import hashlib
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

import numpy  # noqa: F401, what the Snakefile imports
import pandas  # noqa: F401
import pyarrow.parquet  # noqa: F401
import pydantic  # noqa: F401
import sklearn.base  # noqa: F401
import yaml  # noqa: F401
from snakemake.cli import main
from snakemake.executors.touch import Executor
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo


def run_job(executor: Executor, job) -> None:
    """In place of the executor that ``--touch`` names."""
    info = SubmittedJobInfo(job=job)
    given = [sorted(job.wildcards.items()), sorted(job.params.items(), key=str)]
    for name, files in [*job.input.items(), (None, job.input)]:
        files = [files] if isinstance(files, str) else files
        given.append(
            [name, *(hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files)]
        )
    for output in job.output:
        path = Path(output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(hashlib.sha256(repr((output, given)).encode()).hexdigest())
    executor.report_job_submission(info)
    executor.report_job_success(info)


def run(folder: str, arguments: list[str]) -> str:
    with tempfile.TemporaryFile("w+") as printed:
        if (child := os.fork()) == 0:
            code = 1
            try:
                os.dup2(printed.fileno(), 1)
                os.dup2(printed.fileno(), 2)
                os.chdir(folder)
                main(arguments)
            except SystemExit as exit:
                code = int(exit.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        printed.seek(0)
        text = printed.read()
    if status:
        sys.exit(f"{folder}: {arguments}\n{text}")
    return text


if __name__ == "__main__":
    Executor.run_job = run_job
    json.dump([run(folder, arguments) for folder, arguments in json.load(sys.stdin)], sys.stdout)
