# experiments: what is measured of fits beside their runs' scores; a table each, which its figure shows

from lanzdml.experiments.measuring import module_of
from lanzdml.plan.measurements import measure_jobs, measurements

MEASURED_FILES = [PATHS.table(name, suffix) for name in PLAN.measured for suffix in ("csv", "md")]

with plain_errors():
    MEASURE_JOBS = [*measure_jobs(PLAN, version_measured)]

for job in MEASURE_JOBS:

    rule:
        name:
            rule_name("measure", job.name)
        input:
            job.inputs,
        output:
            [task.output for task in job.tasks],
        log:
            PATHS.at(f"logs/experiments/{job.path}.log"),
        benchmark:
            PATHS.at(f"benchmarks/experiments/{job.path}.tsv")
        priority: priority_of(job)
        conda:
            "../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=more_each_time(2000),
            runtime=more_each_time(480),
        params:
            tasks_digest=digest(job.parameters),
            tasks=unrecorded(job.parameters),
            kept=PATHS.kept,
        message:
            f"Measuring {as_message(job.title)}"
        script:
            "../workflow_scripts/measure_runs.py"


for name in PLAN.measured:

    rule:
        name:
            rule_name("tabulate", name)
        input:
            [*measurements(PLAN, name)],
        output:
            [PATHS.table(name, suffix) for suffix in ("csv", "md")],
        log:
            PATHS.at(f"logs/{name}.log"),
        conda:
            "../envs/analysis.yaml"
        resources:
            mem_mb=more_each_time(1000),
            runtime=more_each_time(10),
        params:
            version=version_told("make_measured", module_of(name, "table")),
            experiment=name,
        message:
            f"Rendering the table {name}"
        script:
            "../workflow_scripts/make_measured.py"
