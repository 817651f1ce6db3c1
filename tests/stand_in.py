"""Jobs that only write down what they were given, in milliseconds.

Rules, inputs and parameters are those of the workflow, and so is what a run makes anew and what it
leaves. What stands in for a result is a digest of the job's parameters and of what its inputs hold.
"""

import hashlib
from pathlib import Path

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


def take_over() -> None:
    """Let this process run such jobs only, with ``--touch``."""
    Executor.run_job = run_job
