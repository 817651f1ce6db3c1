"""An estimate beside the results that it is of: written before jobs run, and told afterwards."""

import json
from pathlib import Path

from lanzdml.errors import LanzdmlError
from lanzdml.estimate.estimate import Estimate
from lanzdml.estimate.measured import as_record
from lanzdml.files import write_text
from lanzdml.report.estimated import NAME, VERSION, read_estimate


def write_estimate(estimate: Estimate) -> None:
    """Keep what each job that is left is to take, in the folder of the plan's results.

    What was estimated of those that are done stays as it is: that of a finished job would say
    nothing, as it goes by what the job took.
    """
    folder = Path(estimate.plan.config.results)
    try:
        before = read_estimate(folder)
    except LanzdmlError:
        before = {}
    left, jobs = {job.benchmark for job in estimate.left}, []
    for job in estimate.jobs:
        if not job.benchmark:
            continue
        record = as_record(job)
        if job.benchmark in left:
            record["estimated"] = round(estimate.seconds(job), 3)
        elif "estimated" in before.get(job.benchmark, {}):
            record["estimated"] = before[job.benchmark]["estimated"]
        jobs.append(record)
    write_text(folder / NAME, json.dumps({"version": VERSION, "jobs": jobs}))
